"""A conversion webhook: /convert renames spec.colour of v1 to spec.color of v1beta1, and back; /split makes hostPort of v1 host and port of
v2, and back. usage: conversion.py FOLDER-WITH-CERTIFICATE"""

import http.server
import json
import os
import ssl
import sys


def rename(item):
    old, new = ("color", "colour") if item["apiVersion"].endswith("/v1") else ("colour", "color")
    spec = item.get("spec", {})
    if old in spec:
        spec[new] = spec.pop(old)
    if spec.get("fail") == "name":
        item["metadata"]["name"] = "other"


def split(item):
    if item["apiVersion"].endswith("/v1"):
        item["hostPort"] = ":".join(item.pop(part) for part in ("host", "port") if part in item)
    else:
        item.update(zip(("host", "port"), item.pop("hostPort").split(":")))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        change = {"/convert": rename, "/split": split}.get(self.path.split("?")[0])
        if not change:
            return self.answer(404, b"not here")
        request = json.loads(body)["request"]
        for item in request["objects"]:
            item["apiVersion"] = request["desiredAPIVersion"]
            change(item)
        self.answer(200, json.dumps({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
            "response": {"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": request["objects"]},
        }).encode())

    def answer(self, code, body):
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def main(folder):
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 8443), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "tls.crt"), os.path.join(folder, "tls.key"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
