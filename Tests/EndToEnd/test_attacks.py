"""The attack list, tried for real against a running server: what must not work, and that the server answers others all the while."""

import gzip
import json
import socket
import ssl
import threading
import time
import unittest

from harness import http2, shared
from harness.cluster import Connection
from harness.waiting import until

MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(name, **fields):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("attack", containers=False)
        cls.port = cls.instance.api_port
        cls.cluster = cls.instance.cluster("attack")
        cls.victim = cls.instance.cluster("victim")
        cls.victim.request("POST", MAPS, config_map("treasure", data={"a": "gold"}))
        cls.cluster.kubectl("create", "serviceaccount", "mallory")
        cls.cluster.kubectl("create", "clusterrolebinding", "mallory", "--clusterrole=cluster-admin", "--serviceaccount=default:mallory")
        cls.token = cls.cluster.kubectl("create", "token", "mallory").strip()

    def tearDown(self):
        """Whatever was sent, the server is up, answers at once, and works on nothing any more."""
        began = time.monotonic()
        self.assertEqual(self.victim.request("GET", f"{MAPS}/treasure").code, 200)
        self.assertLess(time.monotonic() - began, 5)
        until(lambda: self.gauge("sampan_seated_requests") <= 1 and self.gauge("sampan_waiting_requests") == 0, "nothing is left in progress")

    def gauge(self, name):
        page = self.instance.root().kubectl("get", "--raw", "/metrics")
        return next(float(line.split()[1]) for line in page.splitlines() if line.startswith(f"{name} "))

    # Bare HTTP/1.1

    def wire(self):
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(["http/1.1"])
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=10), server_hostname="localhost")

    def raw(self, data, seconds=5):
        """What the server sends in answer to bytes, until it closes the connection or says nothing more."""
        with self.wire() as wire:
            wire.settimeout(seconds)
            answer = b""
            try:
                wire.sendall(data)
                while piece := wire.recv(1 << 16):
                    answer += piece
                    if answer.endswith(b"}\n") or answer.endswith(b"ok"):
                        wire.settimeout(0.5)
            except OSError:
                pass
            return answer

    def head(self, method="GET", path="/clusters/attack/readyz", headers=""):
        return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\n{headers}\r\n".encode("latin-1")

    @staticmethod
    def statuses(answer):
        return [line.split()[1].decode() for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]

    # Names

    def test_paths_lead_nowhere_else(self):
        for path in ("/clusters/attack/../victim/api/v1/namespaces/default/configmaps/treasure",
                     "/clusters/attack/%2e%2e/victim/api/v1/namespaces/default/configmaps/treasure",
                     "/clusters/attack%2f..%2fvictim/api/v1/namespaces/default/configmaps/treasure",
                     "/clusters/..%2f..%2f..%2f..%2fetc/passwd", "/clusters/../../../../etc/passwd", "//etc/passwd",
                     "/clusters/attack/api/v1/namespaces/..%2f..%2f/configmaps", "/clusters/attack/api/v1/namespaces/default/configmaps/..%2f..%2fsecrets",
                     "/clusters/victim%00/api/v1/namespaces/default/configmaps/treasure",
                     "/clusters/./attack/../../clusters/victim/api/v1/namespaces/default/configmaps/treasure",
                     "/clusters/victim/api/v1/namespaces/default/configmaps/treasure"):
            with self.subTest(path):
                answer = self.raw(self.head(path=path))
                self.assertNotIn(b"gold", answer)
                self.assertNotIn(b"root:", answer)
                self.assertRegex(self.statuses(answer)[0], r"^4\d\d$")

    def test_names_are_names(self):
        for name in ("../x", "..", ".", "a/b", "a%2fb", "a\x00b", "a\nb", "A", "a" * 300, "-", "é"):
            with self.subTest(name):
                answer = self.cluster.request("POST", MAPS, config_map(name))
                self.assertIn(answer.code, (400, 422), answer)
        root = self.instance.root()
        for name in ("../x", "..", "a.b", "root", "a--b", "a/b", "UP"):
            with self.subTest(cluster=name):
                answer = root.request("POST", "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters", {
                    "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": {"name": name}})
                self.assertEqual(answer.code, 422, answer)

    # Smuggling

    def test_requests_cannot_be_smuggled_over_http_1(self):
        hidden = "GET /clusters/attack/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
        body = f"0\r\n\r\n{hidden}"
        for what, headers, payload in (
            ("both lengths", f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n", body),
            ("both lengths, the other way round", f"Transfer-Encoding: chunked\r\nContent-Length: {len(body)}\r\n", body),
            ("two lengths", f"Content-Length: 0\r\nContent-Length: {len(hidden)}\r\n", hidden),
            ("a list of lengths", f"Content-Length: 0, {len(hidden)}\r\n", hidden),
            ("a length with a sign", f"Content-Length: +{len(hidden)}\r\n", hidden),
            ("a negative length", "Content-Length: -1\r\n", hidden),
            ("a huge length", "Content-Length: 99999999999999999999999\r\n", hidden),
            ("a hidden coding", f"Content-Length: {len(body)}\r\nTransfer-Encoding: xchunked\r\n", body),
            ("a coding after a tab", f"Content-Length: {len(body)}\r\nTransfer-Encoding:\tchunked\r\n", body),
            ("a blank before the colon", f"Content-Length: {len(body)}\r\nTransfer-Encoding : chunked\r\n", body),
            ("a folded line", f"X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: {len(body)}\r\nX-Y: b\r\n\tc\r\n", body),
            ("a bad size of a chunk", "Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n" + body),
            ("a size too large", "Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n" + body),
            ("a size with a sign", "Transfer-Encoding: chunked\r\n", "-1\r\n" + body),
        ):
            with self.subTest(what):
                answer = self.raw(self.head("POST", "/clusters/attack" + MAPS, "Content-Type: application/json\r\n" + headers) + payload.encode())
                statuses = self.statuses(answer)
                # Either the hidden request was body, and there is one answer; or nothing of the kind is taken.
                self.assertLessEqual(len(statuses), 1, answer)
                self.assertNotIn(b"smuggled", answer)
                self.assertTrue(all(status.startswith("4") for status in statuses), answer)

    def test_heads_are_what_they_seem(self):
        for what, data in (
            ("a bare line feed", b"GET /clusters/attack/api HTTP/1.1\nHost: localhost\nX: y\n\n"),
            ("a header with a NUL", self.head(headers="X: a\x00b\r\n")),
            ("a name with a blank", self.head(headers="X Y: z\r\n")),
            ("no name", self.head(headers=": z\r\n")),
            ("a carriage return alone", self.head(headers="X: a\rInjected: b\r\n")),
            ("a version of the future", self.head().replace(b"HTTP/1.1", b"HTTP/9.9")),
            ("a blank in the path", self.head(path="/clusters/attack/readyz smuggled")),
        ):
            with self.subTest(what):
                answer = self.raw(data)
                self.assertTrue(all(not status.startswith("2") for status in self.statuses(answer)) or what == "a bare line feed", answer)
                self.assertLessEqual(len(self.statuses(answer)), 1, answer)

    def test_requests_cannot_be_smuggled_over_http_2(self):
        good = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/clusters/attack/readyz")]
        bodied = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", "/clusters/attack" + MAPS),
                  ("authorization", f"Bearer {self.token}"), ("content-type", "application/json")]
        cases = {
            "a line break in a value": good + [("x", "a\r\nauthorization: Bearer x")],
            "a line break in a name": good + [("x\r\ny", "a")],
            "a NUL in a value": good + [("x", "a\x00b")],
            "an upper-case name": good + [("X-Y", "a")],
            "a transfer coding": good + [("transfer-encoding", "chunked")],
            "a connection's own field": good + [("connection", "keep-alive")],
            "no path": good[:3],
            "an empty path": good[:3] + [(":path", "")],
            "two paths": good + [(":path", "/clusters/victim/api")],
            "a line break in the path": good[:3] + [(":path", "/clusters/attack/readyz HTTP/1.1\r\nX: y")],
            "a pseudo field too late": [good[0], good[1], good[2], ("x", "y"), good[3]],
            "an unknown pseudo field": good + [(":status", "200")],
        }
        for what, fields in cases.items():
            with self.subTest(what):
                self.refused(lambda wire: wire.request(1, fields))
        with self.subTest("a length that isn't the body's"):
            def send(wire):
                wire.request(1, bodied + [("content-length", "5")], flags=http2.END_HEADERS)
                wire.send(http2.DATA, http2.END_STREAM, 1, json.dumps(config_map("smuggled")).encode())
            self.refused(send)
            self.assertEqual(self.cluster.request("GET", f"{MAPS}/smuggled").code, 404)

    def refused(self, send):
        """No success: an error of the stream or of the connection, or an answer that says 4xx."""
        wire = http2.HTTP2(self.port)
        try:
            send(wire)
            frames, closed = wire.answers(5, until=lambda frame: frame[0] in (http2.RST_STREAM, http2.GOAWAY, http2.HEADERS))
            last = frames[-1] if frames else None
            self.assertTrue(closed or (last and last[0] in (http2.RST_STREAM, http2.GOAWAY, http2.HEADERS)), frames)
            if last and last[0] == http2.HEADERS:
                # The status is the first field: indexed from the static table (8 is 200, 12 is 400, 13 is 404), or literal.
                self.assertNotEqual(last[3][0], 0x88, frames)
        finally:
            wire.close()

    # Too much

    def test_oversized_heads_are_refused(self):
        for what, data in (
            ("a long header", self.head(headers="X: " + "a" * (1 << 20) + "\r\n")),
            ("many headers", self.head(headers="".join(f"X-{n}: y\r\n" for n in range(5000)))),
            ("a long path", self.head(path="/clusters/attack/" + "a" * (1 << 20))),
            ("a header without an end", b"GET / HTTP/1.1\r\nX: " + b"a" * (4 << 20)),
        ):
            with self.subTest(what):
                statuses = self.statuses(self.raw(data))
                self.assertTrue(all(status in ("400", "414", "431") for status in statuses), statuses)
        wire = http2.HTTP2(self.port)
        fields = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/clusters/attack/readyz")]
        wire.request(1, fields + [(f"x{n}", "y" * 1000) for n in range(15)])
        for n in range(64):
            wire.request(3 + 2 * n, fields + [(f"z{n}-{m}", "y" * 1000) for m in range(15)])
        wire.answers(2)
        wire.close()

    def test_headers_without_end_are_cut_off(self):
        """CONTINUATION flood: a header block that never ends may not be kept for ever."""
        wire = http2.HTTP2(self.port)
        fields = http2.block([(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/clusters/attack/readyz")])
        wire.send(http2.HEADERS, http2.END_STREAM, 1, fields)
        before, sent = self.memory(), 0
        piece = http2.block([("x", "y" * 16000)])
        while sent < 64 << 20 and wire.send(http2.CONTINUATION, 0, 1, piece):
            sent += len(piece)
        self.assertTrue(wire.ended())
        wire.close()
        self.assertLess(self.memory() - before, 64 << 20)
        # The same with nothing in them.
        wire = http2.HTTP2(self.port)
        wire.send(http2.HEADERS, http2.END_STREAM, 1, fields)
        wire.send(http2.HTTP2.frame(http2.CONTINUATION, 0, 1) * 1000)
        self.assertTrue(wire.ended())
        wire.close()

    def memory(self):
        with open(f"/proc/{self.instance.pid}/statm") as file:
            return int(file.read().split()[1]) * 4096

    def test_rapid_reset(self):
        """Requests that are taken back at once (CVE-2023-44487)."""
        wire = http2.HTTP2(self.port)
        fields = http2.block([(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/clusters/attack/api/v1/configmaps"),
                              ("authorization", f"Bearer {self.token}")])
        sent = 0
        for stream in range(1, 200_001, 2):
            frames = http2.HTTP2.frame(http2.HEADERS, http2.END_STREAM | http2.END_HEADERS, stream, fields)
            if not wire.send(frames + http2.HTTP2.frame(http2.RST_STREAM, 0, stream, b"\x00\x00\x00\x08")):
                break
            sent += 1
        self.assertTrue(wire.ended(), sent)
        wire.close()

    def test_pings_and_settings_without_end(self):
        for frame in (http2.HTTP2.frame(http2.PING, 0, 0, b"12345678"), http2.HTTP2.frame(http2.SETTINGS, 0, 0)):
            wire = http2.HTTP2(self.port)
            # Nobody reads the answers.
            sent, before = 0, self.memory()
            wire.socket.settimeout(5)
            while sent < 500_000 and wire.send(frame * 1000):
                sent += 1000
            self.assertLess(self.memory() - before, 64 << 20)
            wire.close()

    def test_frames_that_never_end_with_a_piece_do_not_pile_up(self):
        """Every piece ends in the middle of a frame's header, so that a decoder always has a rest to keep."""
        wire = http2.HTTP2(self.port)
        wire.socket.settimeout(10)
        frame = http2.HTTP2.frame(0xFA, 0, 0, b"x" * 16000)
        before = self.memory()
        self.assertTrue(wire.send(frame[:5]))
        for _ in range(8000):
            if not wire.send(frame[5:] + frame[:5]):
                break
        self.assertLess(self.memory() - before, 48 << 20)
        wire.close()

    def test_slow_senders_keep_nobody_waiting(self):
        wires = []
        for number in range(300):
            wire = self.wire()
            wire.sendall([b"GET /clusters/attack/api HT", self.head("POST", "/clusters/attack" + MAPS, "Content-Length: 1000\r\n") + b"{"][number % 2])
            wires.append(wire)
        began = time.monotonic()
        for number in range(20):
            self.assertEqual(self.victim.request("POST", MAPS, config_map(f"meanwhile-{number}")).code, 201)
            self.assertEqual(self.cluster.request("GET", MAPS).code, 200)
        self.assertLess(time.monotonic() - began, 20)
        for wire in wires:
            wire.close()

    # What is inside

    def test_bombs(self):
        bomb = gzip.compress(b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"bomb"},"data":{"a":"' + b"x" * (64 << 20) + b'"}}')
        before = self.memory()
        answer = self.cluster.request("POST", MAPS, bomb, headers={"Content-Encoding": "gzip"})
        self.assertIn(answer.code, (400, 413, 415), answer)
        aliases = "a0: &a0 {x: y}\n" + "".join(f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(10))}}}\n" for n in range(1, 9))
        for body, kind in ((aliases, "application/yaml"), ("a: " + "[" * 50_000, "application/yaml"), ("{" * 50_000, "application/yaml"),
                           ("- " * 50_000, "application/yaml"), ('{"a":' * 500_000, "application/json"), ("[" * 3_000_000, "application/json")):
            with self.subTest(kind=kind, body=body[:20]):
                answer = self.cluster.request("POST", MAPS, body, content_type=kind)
                self.assertIn(answer.code, (400, 413, 422), answer)
                self.assertLess(len(answer.body), 100_000)
        self.assertLess(self.memory() - before, 512 << 20)

    def test_deep_patches(self):
        self.cluster.request("POST", MAPS, config_map("patched"))
        for body, kind in (('{"data":' * 100_000 + "1" + "}" * 100_000, "merge-patch"), ('{"data":' * 100_000 + "1" + "}" * 100_000, "strategic-merge-patch"),
                           (json.dumps([{"op": "add", "path": "/data" + "/a" * 50_000, "value": 1}]), "json-patch"),
                           (json.dumps([{"op": "copy", "from": "/metadata", "path": f"/metadata/labels/a{n}"} for n in range(60)]), "json-patch"),
                           (json.dumps([{"op": "test", "path": "/data", "value": 1}] * 20_000), "json-patch")):
            with self.subTest(kind=kind, body=body[:40]):
                answer = self.cluster.request("PATCH", f"{MAPS}/patched", body, content_type=f"application/{kind}+json")
                self.assertIn(answer.code, (400, 413, 422), answer)

    def test_huge_metadata(self):
        labels = {f"label-{n}": "value" for n in range(60_000)}
        began = time.monotonic()
        answer = self.cluster.request("POST", MAPS, {**config_map("labels"), "metadata": {"name": "labels", "labels": labels}})
        self.assertIn(answer.code, (201, 422), answer)
        answer = self.cluster.request("POST", MAPS, {**config_map("notes"), "metadata": {"name": "notes", "annotations": {"a": "x" * (257 << 10)}}})
        self.assertEqual(answer.code, 422, answer)
        selector = ",".join(f"label-{n}=value" for n in range(2000))
        self.assertIn(self.cluster.request("GET", f"{MAPS}?labelSelector={selector}").code, (200, 400, 414, 431))
        self.assertLess(time.monotonic() - began, 20)
        self.cluster.request("DELETE", f"{MAPS}/labels")

    def test_patterns_and_rules_that_never_end(self):
        schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"text": {"type": "string"}}}}}
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "traps.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "traps", "singular": "trap", "kind": "Trap", "listKind": "TrapList"},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]}}
        text = schema["properties"]["spec"]["properties"]["text"]
        text["pattern"] = "^(a|a|aa)*(a+)+(a*)*$"
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        self.assertEqual(self.cluster.request("POST", path, definition).code, 201)
        traps = "/apis/example.com/v1/namespaces/default/traps"
        until(lambda: self.cluster.request("GET", traps).code == 200, "the definition is served")
        began = time.monotonic()
        answer = self.cluster.request("POST", traps, {
            "apiVersion": "example.com/v1", "kind": "Trap", "metadata": {"name": "t"}, "spec": {"text": "a" * 100_000 + "b"}})
        self.assertEqual(answer.code, 422, answer)
        self.assertLess(time.monotonic() - began, 10)
        for rule in ("self.text.matches('" + "(a{1,1000}){1,1000}" + "')", "self.text.split('').all(a, self.text.split('').all(b, self.text.split('').all(c, a == b && b == c)))"):
            with self.subTest(rule):
                trap = json.loads(json.dumps(definition))
                trap["metadata"]["name"] = "loops.example.com"
                trap["spec"]["names"] = {"plural": "loops", "singular": "loop", "kind": "Loop", "listKind": "LoopList"}
                trap["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-validations"] = [{"rule": rule}]
                answer = self.cluster.request("POST", path, trap)
                self.assertEqual(answer.code, 422, answer)

    # Whose request it is

    def test_headers_make_nobody_an_administrator(self):
        """What a front proxy says of a user counts only with the front proxy's certificate; nobody here has one."""
        for headers in ({"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}, {"X-Remote-Extra-A": "b", "X-Remote-User": "system:admin"},
                        {"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "Forwarded": "for=127.0.0.1;proto=https"},
                        {"Impersonate-User": "admin", "Impersonate-Group": "system:masters"}):
            with self.subTest(headers):
                connection = self.victim.connect(token=None, certificate=None)
                answer = connection.request("GET", MAPS, headers=headers)
                connection.close()
                self.assertIn(answer.code, (401, 403), answer)

    def test_the_deputy_is_not_confused(self):
        """Who may do everything in one cluster is nobody in another, also when it says that it is somebody there."""
        for user in ("admin", "system:serviceaccount:default:default", "system:node:node", "system:apiserver"):
            with self.subTest(user):
                connection = Connection(self.victim.url, self.victim.authority, token=self.token)
                answer = connection.request("GET", MAPS, headers={"Impersonate-User": user, "Impersonate-Group": "system:masters"})
                connection.close()
                self.assertEqual(answer.code, 401, answer)
        # Nor does the name in the handshake, the host or the path of one cluster lend another's rights.
        answer = self.raw(
            f"GET /clusters/victim{MAPS}/treasure HTTP/1.1\r\nHost: attack.clusters.sampan.internal\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode())
        self.assertEqual(self.statuses(answer), ["401"])
        answer = self.raw(f"GET https://victim.clusters.sampan.internal/clusters/attack/../victim{MAPS}/treasure HTTP/1.1\r\nHost: localhost\r\n"
                          f"Authorization: Bearer {self.token}\r\n\r\n".encode())
        self.assertNotIn(b"gold", answer)

    def test_a_token_is_nothing_without_its_account(self):
        self.cluster.kubectl("create", "serviceaccount", "brief")
        token = self.cluster.kubectl("create", "token", "brief").strip()
        connection = Connection(self.cluster.url, self.cluster.authority, token=token)
        self.assertEqual(connection.request("GET", "/api").code, 200)
        self.cluster.kubectl("delete", "serviceaccount", "brief")
        # On the same connection, and though the account is made again.
        self.assertEqual(connection.request("GET", "/api").code, 401)
        self.cluster.kubectl("create", "serviceaccount", "brief")
        self.assertEqual(connection.request("GET", "/api").code, 401)
        connection.close()

    def test_webhooks_do_not_reach_the_metadata_of_a_cloud(self):
        for address in ("169.254.169.254", "127.0.0.1", "[::1]", "0.0.0.0", "localhost", "169.254.169.254.nip.io", "[::ffff:169.254.169.254]", "2852039166"):
            with self.subTest(address):
                self.cluster.apply({
                    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "reach"},
                    "webhooks": [{
                        "name": "reach.example.com", "clientConfig": {"url": f"https://{address}/latest"}, "failurePolicy": "Fail",
                        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
                        "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 3}]})
                try:
                    answer = self.cluster.request("POST", MAPS, config_map("reach"))
                    self.assertEqual(answer.code, 500, answer)
                    self.assertRegex(answer.json["message"], r"isn't one that this cluster's webhooks may have|no such host|dial tcp|invalid URL")
                finally:
                    self.cluster.kubectl("delete", "validatingwebhookconfiguration", "reach")

    def test_a_flood_of_one_cluster_leaves_the_other_its_turn(self):
        stop = threading.Event()

        def flood():
            connection = Connection(self.cluster.url, self.cluster.authority, token=self.token)
            while not stop.is_set():
                connection.request("GET", "/api/v1/secrets?limit=500")
            connection.close()

        floods = [threading.Thread(target=flood) for _ in range(16)]
        for thread in floods:
            thread.start()
        try:
            for number in range(30):
                self.assertEqual(self.victim.request("POST", MAPS, config_map(f"beside-{number}")).code, 201)
        finally:
            stop.set()
            for thread in floods:
                thread.join()
