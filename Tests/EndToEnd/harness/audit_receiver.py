"""Takes audit events over TLS, and keeps the batches in requests.jsonl; fails while there is a file `fail`. usage: FOLDER PORT"""

import http.server
import json
import os
import ssl
import sys

folder = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fails = os.path.exists(os.path.join(folder, "fail"))
        with open(os.path.join(folder, "requests.jsonl"), "a") as log:
            log.write(json.dumps({"path": self.path, "failed": fails, "token": self.headers["Authorization"], "body": json.loads(body)}) + "\n")
        self.send_response(500 if fails else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(folder, "tls.crt"), os.path.join(folder, "tls.key"))
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
