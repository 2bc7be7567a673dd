"""A server of gRPC's health check, as the pods of the conformance suite have one: frame by frame, since it's one call. usage: health.py PORT SECONDS

It says SERVING for so many seconds, and NOT_SERVING from then on; for ever with 0."""

import socketserver
import sys
import time

from http2 import ACK, DATA, END_HEADERS, END_STREAM, HEADERS, HTTP2, PING, SETTINGS, block

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SERVING, NOT_SERVING = 1, 2


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        if self.rfile.read(len(PREFACE)) != PREFACE:
            return
        self.send(SETTINGS, 0, 0)
        while len(head := self.rfile.read(9)) == 9:
            payload = self.rfile.read(int.from_bytes(head[:3], "big"))
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:9], "big")
            if kind in (SETTINGS, PING) and not flags & ACK:
                self.send(kind, ACK, 0, payload if kind == PING else b"")
            elif kind in (DATA, HEADERS) and flags & END_STREAM:
                self.answer(stream)

    def answer(self, stream):
        late = seconds and time.monotonic() - began > seconds
        message = bytes([0x08, NOT_SERVING if late else SERVING])
        self.send(HEADERS, END_HEADERS, stream, block([(":status", "200"), ("content-type", "application/grpc")]))
        self.send(DATA, 0, stream, b"\x00" + len(message).to_bytes(4, "big") + message)
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, block([("grpc-status", "0")]))

    def send(self, *frame):
        self.wfile.write(HTTP2.frame(*frame))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


if __name__ == "__main__":
    port, seconds, began = int(sys.argv[1]), float(sys.argv[2]), time.monotonic()
    Server(("0.0.0.0", port), Connection).serve_forever()
