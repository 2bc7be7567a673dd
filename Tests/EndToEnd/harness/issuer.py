"""A real, small OpenID Connect issuer: keys and signatures are openssl's, the documents are served over TLS by issuer_server.py."""

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

from . import settings
from .instance import free_port
from .waiting import until


def encode(data):
    if isinstance(data, dict):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """A key that signs by one algorithm."""

    def __init__(self, folder, name, algorithm="RS256"):
        self.path, self.name, self.algorithm = os.path.join(folder, f"{name}.pem"), name, algorithm
        if algorithm.startswith("ES"):
            openssl("ecparam", "-name", {"ES256": "prime256v1", "ES384": "secp384r1"}[algorithm], "-genkey", "-noout", "-out", self.path)
        else:
            openssl("genrsa", "-out", self.path, "2048")

    @classmethod
    def at(cls, path, algorithm):
        """One that is there already."""
        key = cls.__new__(cls)
        key.path, key.name, key.algorithm = path, "", algorithm
        return key

    @property
    def web_key(self):
        common = {"kid": self.name, "use": "sig", "alg": self.algorithm}
        if self.algorithm.startswith("ES"):
            size = {"ES256": 32, "ES384": 48}[self.algorithm]
            point = openssl("ec", "-in", self.path, "-pubout", "-outform", "DER")[-2 * size:]
            return {**common, "kty": "EC", "crv": {32: "P-256", 48: "P-384"}[size], "x": encode(point[:size]), "y": encode(point[size:])}
        modulus = openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip().split("=")[1]
        return {**common, "kty": "RSA", "n": encode(bytes.fromhex(modulus)), "e": encode(b"\x01\x00\x01")}

    def sign(self, content):
        options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1"] if self.algorithm.startswith("PS") else []
        signature = openssl("dgst", f"-sha{self.algorithm[2:]}", *options, "-sign", self.path, input=content)
        if not self.algorithm.startswith("ES"):
            return signature
        # Out of DER into two numbers of fixed size.
        size, numbers, rest = {"ES256": 32, "ES384": 48}[self.algorithm], [], signature[2:]
        while rest:
            numbers.append(int.from_bytes(rest[2:2 + rest[1]], "big").to_bytes(size, "big"))
            rest = rest[2 + rest[1]:]
        return b"".join(numbers)


class Issuer:
    def __init__(self, url, folder):
        self.url, self.folder, self.keys = url, folder, {}

    def publish(self, *keys):
        """Makes these (pairs of name and algorithm) the issuer's only keys; one that it had under the name stays what it was."""
        for name, algorithm in keys:
            if name not in self.keys:
                self.keys[name] = Key(self.folder, name, algorithm)
        for name, tree in (("discovery.json", {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}),
                           ("keys.json", {"keys": [self.keys[name].web_key for name, _ in keys]})):
            with open(os.path.join(self.folder, name + ".new"), "w") as file:
                json.dump(tree, file)
            os.rename(file.name, os.path.join(self.folder, name))

    def token(self, subject, key, audience="sampan", life=600, header=None, **claims):
        now = int(time.time())
        claims = {"iss": self.url, "sub": subject, "aud": audience, "iat": now, "exp": now + life, **claims}
        content = encode({"alg": self.keys[key].algorithm, "kid": key, **(header or {})}) + "." + encode(claims)
        return content + "." + encode(self.keys[key].sign(content.encode()))

    @property
    def asked(self):
        try:
            with open(os.path.join(self.folder, "requests.jsonl")) as file:
                return [json.loads(line)["path"] for line in file]
        except FileNotFoundError:
            return []


class LocalServer:
    """A server of ours on this machine, with a certificate for 127.0.0.1; everything goes away with the test class."""

    def __init__(self, test_class, script):
        """`script` is a file beside this one."""
        self.folder = tempfile.mkdtemp(prefix="sampan-server-", dir=settings.folder)
        test_class.addClassCleanup(subprocess.run, ["rm", "-rf", self.folder], check=True)
        port = free_port()
        self.url = f"https://127.0.0.1:{port}"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{self.folder}/tls.key", "-out", f"{self.folder}/tls.crt",
                "-subj", "/CN=server", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1")
        with open(f"{self.folder}/tls.crt") as file:
            self.authority = file.read()
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), script)
        self.server = subprocess.Popen([sys.executable, path, self.folder, str(port)])
        test_class.addClassCleanup(self._end)
        with socket.socket() as probe:
            until(lambda: probe.connect_ex(("127.0.0.1", port)) == 0, f"{script} listens")

    def _end(self):
        self.server.terminate()
        self.server.wait()

    @property
    def requests(self):
        try:
            with open(os.path.join(self.folder, "requests.jsonl")) as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []


class LocalIssuer(Issuer):
    """An issuer on this machine."""

    def __init__(self, test_class):
        server = LocalServer(test_class, "issuer_server.py")
        super().__init__(server.url, server.folder)
        self.authority = server.authority


def openssl(*arguments, input=None):
    return subprocess.run(["openssl", *arguments], input=input, check=True, capture_output=True).stdout
