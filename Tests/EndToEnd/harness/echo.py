"""Servers of a pod of the conformance suite: HTTP that tells the method, on every port given, and echo by TCP and UDP. usage: echo.py PORT..."""

import http.server
import json
import socket
import socketserver
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"Method": self.command, "Body": f"port {self.server.server_address[1]}"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, *arguments):
        pass


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(f"udp port {self.server.server_address[1]}".encode(), self.client_address)


if __name__ == "__main__":
    for port in map(int, sys.argv[1:]):
        for server in (http.server.ThreadingHTTPServer(("0.0.0.0", port), Handler), socketserver.ThreadingUDPServer(("0.0.0.0", port), Datagram)):
            threading.Thread(target=server.serve_forever).start()
