"""Bad credentials of every kind get upstream's answers."""

import base64
import datetime
import json
import os
import sqlite3
import ssl
import subprocess
import tempfile
import time
import unittest

from harness import shared
from harness.cluster import Connection
from harness.issuer import Key, encode

PATH = "/api/v1/namespaces/default/pods"


class Credentials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("credentials")

    def ask(self, path=PATH, **credentials):
        connection = Connection(self.cluster.url, self.cluster.authority, **credentials)
        try:
            return connection.request("GET", path)
        finally:
            connection.close()

    def assert_unauthorized(self, answer):
        self.assertEqual(answer.code, 401, answer)
        self.assertEqual(
            {key: answer.json.get(key) for key in ("kind", "status", "reason", "message", "code")},
            {"kind": "Status", "status": "Failure", "reason": "Unauthorized", "message": "Unauthorized", "code": 401})

    def test_bad_tokens(self):
        good = self.cluster.kubectl("create", "token", "default").strip()
        head, body, signature = good.split(".")
        for what, token in {
            "gibberish": "gibberish", "three parts": "a.b.c", "another signature": f"{head}.{body}.{signature[:-4]}AAAA",
            "no signature": f"{head}.{body}.", "not base64": "!!!.???.***", "long": "x" * 8000,
        }.items():
            with self.subTest(what):
                self.assert_unauthorized(self.ask(token=token))

    def test_nobody(self):
        answer = self.ask()
        self.assertIn(answer.code, (401, 403), answer)
        if answer.code == 403:
            self.assertIn('User "system:anonymous" cannot list resource "pods"', answer.json["message"])
        for path in ("/healthz", "/livez", "/readyz", "/version"):
            with self.subTest(path):
                self.assertEqual(self.ask(path).code, 200)

    def test_a_service_account_without_rights(self):
        token = self.cluster.kubectl("create", "token", "default").strip()
        answer = self.ask(token=token)
        self.assertEqual(answer.code, 403, answer)
        self.assertEqual(answer.json["reason"], "Forbidden")
        self.assertEqual(
            answer.json["message"],
            'pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the '
            'namespace "default"')
        self.assertEqual(answer.json["details"], {"kind": "pods"})

    def test_rights_come_and_go_with_role_bindings(self):
        token = self.cluster.kubectl("create", "token", "default").strip()
        self.cluster.kubectl("create", "rolebinding", "viewers", "--clusterrole=view", "--serviceaccount=default:default")
        self.assertEqual(self.ask(token=token).code, 200)
        self.cluster.kubectl("delete", "rolebinding", "viewers")
        self.assertEqual(self.ask(token=token).code, 403)

    def test_a_certificate_of_an_unknown_authority(self):
        with tempfile.TemporaryDirectory() as folder:
            pair = self.make_certificate(folder, days=1)
            try:
                answer = self.ask(certificate=pair)
            except (ssl.SSLError, ConnectionError) as error:
                self.fail(f"upstream answers 401 rather than ending the handshake: {error}")
            self.assert_unauthorized(answer)

    def test_an_expired_certificate(self):
        found = self.authority_of_the_cluster()
        with tempfile.TemporaryDirectory() as folder:
            pair = self.make_certificate(folder, authority=found, expired=True)
            self.assert_unauthorized(self.ask(certificate=pair))
            # The same one while it is valid, so that it is the time that makes the difference.
            pair = self.make_certificate(folder, authority=found)
            self.assertEqual(self.ask(certificate=pair).code, 200)

    def test_an_expired_token(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "key.pem")
            with open(path, "w") as file:
                file.write(self.key_pem(self.identity_of_the_cluster()["serviceAccountKey"]))
            key = Key.at(path, "ES256")
            head, body, _ = self.cluster.kubectl("create", "token", "default").strip().split(".")
            claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))

            def token(**changes):
                content = f"{head}.{encode({**claims, **changes})}"
                return content + "." + encode(key.sign(content.encode()))

            path = "/apis/authentication.k8s.io/v1"
            # The same one while it is valid, so that it is the time that makes the difference.
            self.assertEqual(self.ask(path, token=token()).code, 200)
            now = int(time.time())
            self.assert_unauthorized(self.ask(path, token=token(iat=now - 7200, nbf=now - 7200, exp=now - 3600)))
            self.assert_unauthorized(self.ask(path, token=token(nbf=now + 3600, exp=now + 7200)))

    def authority_of_the_cluster(self):
        """Certificate and key that sign client certificates."""
        identity = self.identity_of_the_cluster()
        certificate = base64.encodebytes(base64.b64decode(identity["clientCA"])).decode()
        return f"-----BEGIN CERTIFICATE-----\n{certificate}-----END CERTIFICATE-----\n", self.key_pem(identity["clientCAKey"])

    @staticmethod
    def key_pem(text):
        """Keys are kept as P-256's bare numbers; this is what RFC 5915 puts around one."""
        data = bytes.fromhex("30310201010420") + base64.b64decode(text) + bytes.fromhex("a00a06082a8648ce3d030107")
        return f"-----BEGIN EC PRIVATE KEY-----\n{base64.encodebytes(data).decode()}-----END EC PRIVATE KEY-----\n"

    def identity_of_the_cluster(self):
        """The cluster's private record, which no API shows."""
        folder = shared.instance().directory
        databases = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name == "store.sqlite"]
        self.assertEqual(len(databases), 1)
        with sqlite3.connect(f"file:{databases[0]}?mode=ro", uri=True) as database:
            row = database.execute(
                "SELECT r.value, k.platformKey, k.value FROM records r JOIN clusters c ON c.id = r.cluster "
                "JOIN clusterKeys k ON k.cluster = c.id WHERE c.name = ?", ["credentials"]).fetchone()
        # Encrypted with the cluster's key, which is encrypted with the platform's.
        with open(os.path.join(os.path.dirname(databases[0]), "keys.json")) as file:
            keys = {entry["id"]: base64.b64decode(entry["key"]) for entry in json.load(file)["keys"]}
        return json.loads(self.opened(self.opened(keys[row[1]], row[2]), row[0]))["identity"]

    @staticmethod
    def opened(key, sealed):
        """What AES-GCM has sealed: behind a mark and the nonce, in counter mode from 2 on; the tag isn't looked at."""
        return subprocess.run(
            ["openssl", "enc", "-d", "-aes-256-ctr", "-K", key.hex(), "-iv", sealed[1:13].hex() + "00000002"],
            input=sealed[13:-16], capture_output=True, check=True).stdout

    def openssl(self, *arguments, input=None):
        result = subprocess.run(["openssl", *arguments], input=input, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def make_certificate(self, folder, days=1, authority=None, expired=False):
        """A client certificate of system:masters, signed by `authority` or by itself."""
        path = lambda name: os.path.join(folder, name)
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path("key"),
                     "-subj", "/O=system:masters/CN=somebody", "-out", path("request"))
        with open(path("extensions"), "w") as file:
            file.write("extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n")
        if authority is None:
            self.openssl("x509", "-req", "-in", path("request"), "-signkey", path("key"), "-days", str(days),
                         "-extfile", path("extensions"), "-out", path("certificate"))
            return path("certificate"), path("key")
        for name, text in zip(("ca.crt", "ca.key"), authority):
            with open(path(name), "w") as file:
                file.write(text)
        now = datetime.datetime.now(datetime.timezone.utc)
        first, last = (now - datetime.timedelta(days=2), now - datetime.timedelta(days=1 if expired else -1))
        with open(path("ca.conf"), "w") as file:
            file.write(
                "[ca]\ndefault_ca=it\n[it]\nnew_certs_dir=%s\ndatabase=%s\nserial=%s\ndefault_md=sha256\npolicy=any\n"
                "unique_subject=no\n[any]\norganizationName=optional\ncommonName=optional\n"
                % (folder, path("index"), path("serial")))
        open(path("index"), "w").close()
        with open(path("serial"), "w") as file:
            file.write("01\n")
        stamp = "%Y%m%d%H%M%SZ"
        self.openssl("ca", "-batch", "-notext", "-config", path("ca.conf"), "-cert", path("ca.crt"), "-keyfile", path("ca.key"),
                     "-in", path("request"), "-out", path("certificate"), "-extfile", path("extensions"),
                     "-startdate", first.strftime(stamp), "-enddate", last.strftime(stamp))
        return path("certificate"), path("key")
