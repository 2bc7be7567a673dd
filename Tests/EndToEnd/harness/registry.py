"""A registry of one image, from an archive of scripts/build-image: what a pull asks for, and no more."""

import hashlib
import http.server
import json
import tarfile
import threading

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Registry:
    """Runs until `close`. Engines speak plain HTTP with registries of this machine."""

    def __init__(self, archive):
        with tarfile.open(archive) as tar:
            self.blobs = {entry.name.rsplit("/", 1)[1]: tar.extractfile(entry).read() for entry in tar if entry.name.startswith("blobs/sha256/")}
            index = json.load(tar.extractfile("index.json"))
        self.manifest = self.blobs[index["manifests"][0]["digest"].removeprefix("sha256:")]
        self.asked = []
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                registry.asked.append(self.path)
                kind, name = self.path.split("?")[0].rstrip("/").split("/")[-2:]
                digest = name.removeprefix("sha256:")
                body = registry.blobs.get(digest)
                if kind == "manifests" and body is None:
                    body = registry.manifest
                found = self.path.rstrip("/") == "/v2" or body is not None
                body = body or b""
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", MANIFEST if kind == "manifests" else "application/octet-stream")
                self.send_header("Docker-Content-Digest", "sha256:" + hashlib.sha256(body).hexdigest())
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
