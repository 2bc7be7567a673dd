"""What the servers of tests have in common: JSON over TLS, with the certificate of a folder (tls.crt, tls.key). It has to lie beside them."""

import http.server
import json
import os
import ssl


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def content(self):
        """The request's, read once."""
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, content, code=200):
        """Bytes as they are, anything else as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def serve(folder, handler, port=8443):
    server = http.server.ThreadingHTTPServer(("0.0.0.0", int(port)), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "tls.crt"), os.path.join(folder, "tls.key"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
