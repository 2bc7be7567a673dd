"""A registry of one image, from an archive of scripts/build-image: what a pull asks for, and no more."""

import base64
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Registry:
    """Runs until `close`. Engines speak plain HTTP with registries of this machine."""

    def __init__(self, archive, password=None):
        """With a password, it's for who has that, under any name."""
        with tarfile.open(archive) as tar:
            self.blobs = {entry.name.rsplit("/", 1)[1]: tar.extractfile(entry).read() for entry in tar if entry.name.startswith("blobs/sha256/")}
            index = json.load(tar.extractfile("index.json"))
        self.manifest = self.blobs[index["manifests"][0]["digest"].removeprefix("sha256:")]
        self.kind = MANIFEST
        self.asked = []
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                registry.asked.append(self.path)
                if password:
                    given = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
                    if given.partition(":")[2] != password:
                        self.send_response(401)
                        self.send_header("WWW-Authenticate", 'Basic realm="registry"')
                        self.send_header("Content-Length", "0")
                        return self.end_headers()
                kind, name = self.path.split("?")[0].rstrip("/").split("/")[-2:]
                digest = name.removeprefix("sha256:")
                body = registry.blobs.get(digest)
                content = MANIFEST
                if kind == "manifests" and (body is None or body == registry.manifest):
                    body, content = registry.manifest, registry.kind
                found = self.path.rstrip("/") == "/v2" or body is not None
                body = body or b""
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", content if kind == "manifests" else "application/octet-stream")
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

    def corrupt(self, how):
        """Adds a layer that no engine has yet, and damages it; `digest`: what comes isn't what was asked for; `archive`: it is, and no archive.
        Returns what mends it."""
        mark = os.urandom(16).hex()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            entry = tarfile.TarInfo(f"mark-{mark}")
            entry.size = len(mark)
            tar.addfile(entry, io.BytesIO(mark.encode()))
        good, garbage = buffer.getvalue(), b"this is no archive, " * 100 + mark.encode()
        whole = self._with(good)
        if how == "digest":
            self.manifest = whole
            digest = hashlib.sha256(good).hexdigest()
            self.blobs[digest] = good.replace(mark.encode(), mark[::-1].encode())
        else:
            self.manifest = self._with(garbage)

        def mend():
            self.manifest = whole
            self._put(good)
        return mend

    def wrap(self, architecture):
        """Gives an index that has nothing but the image, for one architecture, in place of the image."""
        digest, size = self._put(self.manifest)
        self.kind = "application/vnd.oci.image.index.v1+json"
        self.manifest = json.dumps({"schemaVersion": 2, "mediaType": self.kind, "manifests": [{
            "mediaType": MANIFEST, "digest": digest, "size": size, "platform": {"architecture": architecture, "os": "linux"}}]}).encode()
        self._put(self.manifest)

    def _put(self, blob):
        digest = hashlib.sha256(blob).hexdigest()
        self.blobs[digest] = blob
        return f"sha256:{digest}", len(blob)

    def _with(self, layer):
        """The manifest of the image with one more layer."""
        tree = json.loads(self.manifest)
        config = json.loads(self.blobs[tree["config"]["digest"].removeprefix("sha256:")])
        digest, size = self._put(layer)
        config["rootfs"]["diff_ids"].append(digest)
        tree["layers"].append({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": size})
        tree["config"]["digest"], tree["config"]["size"] = self._put(json.dumps(config).encode())
        manifest = json.dumps(tree).encode()
        self._put(manifest)
        return manifest

    def close(self):
        self.server.shutdown()
        self.server.server_close()
