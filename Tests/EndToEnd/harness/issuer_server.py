"""An OpenID Connect issuer's documents over TLS, from the folder that it is given: discovery.json and keys.json, read anew each time.

usage: issuer_server.py FOLDER [PORT]
"""

import http.server
import json
import os
import ssl
import sys

folder = sys.argv[1]
files = {"/.well-known/openid-configuration": "discovery.json", "/keys": "keys.json"}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(os.path.join(folder, "requests.jsonl"), "a") as log:
            log.write(json.dumps({"path": self.path, "host": self.headers["Host"]}) + "\n")
        name = files.get(self.path)
        if name is None:
            self.send_error(404)
            return
        with open(os.path.join(folder, name), "rb") as file:
            body = file.read()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(folder, "tls.crt"), os.path.join(folder, "tls.key"))
server = http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[2]) if len(sys.argv) > 2 else 8443), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
