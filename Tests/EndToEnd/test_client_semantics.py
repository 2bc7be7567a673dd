"""Lists, watches and applies of the Python client, its dynamic client, and a client of protobuf."""

import gzip
import json
import struct
import unittest

import kubernetes
import websocket
from kubernetes import dynamic, watch

from harness import shared

MAPS = "/api/v1/namespaces/default/configmaps"
PROTOBUF = "application/vnd.kubernetes.protobuf"


def config_map(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data or {}}


class ClientSemantics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("semantics")
        cls.core = cls.cluster.core()

    def tearDown(self):
        self.core.delete_collection_namespaced_config_map("default", label_selector="test")

    def make(self, name, data=None, labels=None, **metadata):
        body = config_map(name, data, labels={"test": "yes", **(labels or {})}, **metadata)
        return self.core.create_namespaced_config_map("default", body)

    def test_chunks_show_one_revision(self):
        for index in range(25):
            self.make(f"c{index:02}")
        page = self.core.list_namespaced_config_map("default", label_selector="test", limit=10)
        first = page.metadata.resource_version
        self.make("c05a")
        self.core.delete_namespaced_config_map("c20", "default")
        names = [item.metadata.name for item in page.items]
        while page.metadata._continue:
            page = self.core.list_namespaced_config_map("default", label_selector="test", limit=10, _continue=page.metadata._continue)
            self.assertEqual(page.metadata.resource_version, first)
            names += [item.metadata.name for item in page.items]
        self.assertEqual(names, [f"c{index:02}" for index in range(25)])
        whole = self.core.list_namespaced_config_map("default", limit=2)
        self.assertEqual(whole.metadata.remaining_item_count, 24)

    def test_watches_over_websockets(self):
        self.make("one", {"a": "1"})
        configuration = self.cluster.client().configuration
        options = {"ca_certs": configuration.ssl_ca_cert, "certfile": configuration.cert_file, "keyfile": configuration.key_file}
        url = self.cluster.url.replace("https://", "wss://") + MAPS + "?watch=true&labelSelector=test"

        def connect(accept, **more):
            return websocket.create_connection(
                url, header=[f"Accept: {accept}"], sslopt={k: v for k, v in options.items() if v}, timeout=30, **more)

        socket = connect("application/json", subprotocols=["base64.binary.k8s.io"])
        self.assertEqual(socket.subprotocol, "base64.binary.k8s.io")
        first = json.loads(socket.recv())
        self.assertEqual((first["type"], first["object"]["metadata"]["name"]), ("ADDED", "one"))
        self.core.delete_namespaced_config_map("one", "default")
        self.assertEqual(json.loads(socket.recv())["type"], "DELETED")
        socket.close()
        self.make("two")
        socket = connect(PROTOBUF)
        opcode, data = socket.recv_data()
        self.assertEqual(opcode, websocket.ABNF.OPCODE_BINARY)
        self.assertTrue(data.startswith(b"\n\x05ADDED\x12"), data[:20])
        socket.close()
        for more, status in (({"suppress_origin": True}, 403), ({"subprotocols": ["one", "two"]}, 400)):
            with self.assertRaises(websocket.WebSocketBadStatusException) as refused:
                connect("application/json", **more)
            self.assertEqual(refused.exception.status_code, status)

    def test_lists_of_revisions(self):
        before = self.make("one").metadata.resource_version
        self.make("two")

        def names(**options):
            found = self.core.list_namespaced_config_map("default", label_selector="test", **options)
            return [item.metadata.name for item in found.items]

        self.assertEqual(names(resource_version=before, resource_version_match="Exact"), ["one"])
        self.assertEqual(names(resource_version=before, resource_version_match="NotOlderThan"), ["one", "two"])
        self.assertEqual(names(resource_version="0"), ["one", "two"])
        with self.assertRaises(kubernetes.client.ApiException) as refused:
            names(resource_version="99999999999")
        self.assertEqual((refused.exception.status, json.loads(refused.exception.body)["details"]["causes"][0]["reason"]),
                         (504, "ResourceVersionTooLarge"))

    def test_watch_sees_a_selection_enter_and_leave(self):
        start = self.core.list_namespaced_config_map("default").metadata.resource_version
        self.make("w", labels={"on": "no"})
        for state in ("yes", "still", "no"):
            self.core.patch_namespaced_config_map("w", "default", {"metadata": {"labels": {"on": state}}})
        self.core.delete_namespaced_config_map("w", "default")
        events = watch.Watch().stream(
            self.core.list_namespaced_config_map, "default", resource_version=start, label_selector="on in (yes,still)", timeout_seconds=1)
        self.assertEqual(
            [(e["type"], e["object"].metadata.labels["on"]) for e in events], [("ADDED", "yes"), ("MODIFIED", "still"), ("DELETED", "still")])
        by_name = watch.Watch().stream(
            self.core.list_namespaced_config_map, "default", resource_version=start, field_selector="metadata.name=w", timeout_seconds=1)
        self.assertEqual([e["type"] for e in by_name], ["ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "DELETED"])

    def test_watch_lists_first_and_says_where_that_ends(self):
        self.make("a")
        seen = []
        stream = watch.Watch().stream(
            self.core.list_namespaced_config_map, "default", label_selector="test", send_initial_events=True,
            resource_version_match="NotOlderThan", allow_watch_bookmarks=True, timeout_seconds=10)
        for event in stream:
            seen.append((event["type"], event["raw_object"]["metadata"].get("annotations", {}).get("k8s.io/initial-events-end")))
            if len(seen) == 2:
                self.make("b")
            if len(seen) == 3:
                break
        self.assertEqual(seen, [("ADDED", None), ("BOOKMARK", "true"), ("ADDED", None)])

    def test_a_watch_from_before_what_is_known_is_told_so(self):
        answer = self.cluster.request("GET", MAPS + "?watch=1&resourceVersion=1&timeoutSeconds=1")
        event = json.loads(answer.body.splitlines()[0])
        if event["type"] != "ERROR":
            self.skipTest("the cluster still knows everything since its first revision")
        self.assertEqual((answer.code, event["object"]["code"], event["object"]["reason"]), (200, 410, "Expired"))
        self.assertRegex(event["object"]["message"], r"^too old resource version: 1 \(\d+\)$")

    def test_dynamic_client_applies(self):
        client = dynamic.DynamicClient(self.cluster.client())
        maps = client.resources.get(api_version="v1", kind="ConfigMap")
        wanted = config_map("applied", {"a": "1"}, labels={"test": "yes"})
        made = maps.server_side_apply(body=wanted, namespace="default", field_manager="python")
        self.assertEqual([m.manager for m in made.metadata.managedFields], ["python"])
        maps.patch(name="applied", namespace="default", body={"data": {"a": "2", "b": "3"}}, content_type="application/merge-patch+json")
        with self.assertRaises(dynamic.exceptions.ConflictError):
            maps.server_side_apply(body=wanted, namespace="default", field_manager="python")
        forced = maps.server_side_apply(body=wanted, namespace="default", field_manager="python", force_conflicts=True)
        self.assertEqual(forced.data.to_dict(), {"a": "1", "b": "3"})
        names = [item.metadata.name for item in maps.get(namespace="default", label_selector="test").items]
        self.assertEqual(names, ["applied"])

    def test_stale_writes_conflict(self):
        made = self.make("stale", {"a": "1"})
        self.core.patch_namespaced_config_map("stale", "default", {"data": {"a": "2"}})
        made.data = {"a": "3"}
        with self.assertRaises(kubernetes.client.ApiException) as refused:
            self.core.replace_namespaced_config_map("stale", "default", made)
        self.assertEqual((refused.exception.status, refused.exception.reason), (409, "Conflict"))

    def test_forms_of_lists(self):
        self.make("form", {"secret": "no"})
        path = MAPS + "?labelSelector=test"
        for version in ("v1", "v1beta1"):
            def get(kind, query=""):
                accept = f"application/json;as={kind};g=meta.k8s.io;v={version}"
                return self.cluster.request("GET", path + query, headers={"Accept": accept}).json
            table = get("Table", "&includeObject=Object")
            self.assertEqual((table["apiVersion"], table["rows"][0]["cells"][0]), (f"meta.k8s.io/{version}", "form"))
            self.assertEqual(table["rows"][0]["object"]["data"], {"secret": "no"})
            partial = get("PartialObjectMetadataList")
            self.assertEqual((partial["kind"], partial["items"][0]["metadata"]["name"]), ("PartialObjectMetadataList", "form"))
            self.assertNotIn("data", partial["items"][0])

    def test_long_answers_are_compressed_when_asked_for(self):
        self.make("long", {"text": "0123456789" * 20_000})
        plain = self.cluster.request("GET", MAPS + "/long")
        packed = self.cluster.request("GET", MAPS + "/long", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(packed.headers["Content-Encoding"], "gzip")
        self.assertLess(len(packed.body), len(plain.body) // 10)
        self.assertEqual(gzip.decompress(packed.body), plain.body)

    # A client of protobuf, by hand: field numbers are those of Kubernetes' published .proto files.

    @staticmethod
    def field(number, value):
        if isinstance(value, str):
            value = value.encode()
        length, head = len(value), [number << 3 | 2]
        while length > 127:
            head.append(length & 127 | 128)
            length >>= 7
        return bytes(head + [length]) + value

    @staticmethod
    def fields(message):
        """The length-delimited fields of a message."""
        position, found = 0, []

        def number():
            nonlocal position
            value = shift = 0
            while True:
                byte = message[position]
                position += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value

        while position < len(message):
            key = number()
            if key & 7 == 2:
                length = number()
                found.append((key >> 3, message[position:position + length]))
                position += length
            else:
                found.append((key >> 3, number()))
        return found

    def document(self, message):
        field = self.field
        return b"k8s\0" + field(1, field(1, "v1") + field(2, "ConfigMap")) + field(2, message)

    def opened(self, document):
        """The kind and the message of a document."""
        self.assertEqual(document[:4], b"k8s\0")
        envelope = dict(self.fields(document[4:]))
        return dict(self.fields(envelope[1]))[2].decode(), envelope[2]

    def test_protobuf_client(self):
        field = self.field
        metadata = field(1, "proto") + field(11, field(1, "test") + field(2, "yes"))
        entry = field(2, field(1, "a") + field(2, "b"))
        headers = {"Accept": PROTOBUF}
        made = self.cluster.request("POST", MAPS, self.document(field(1, metadata) + entry), content_type=PROTOBUF, headers=headers)
        self.assertEqual((made.code, made.headers["Content-Type"]), (201, PROTOBUF))
        kind, message = self.opened(made.body)
        self.assertEqual(kind, "ConfigMap")
        self.assertEqual([dict(self.fields(value)) for number, value in self.fields(message) if number == 2], [{1: b"a", 2: b"b"}])
        self.assertEqual(self.core.read_namespaced_config_map("proto", "default").data, {"a": "b"})

        kind, message = self.opened(self.cluster.request("GET", MAPS + "?labelSelector=test", headers=headers).body)
        self.assertEqual((kind, len([1 for number, _ in self.fields(message) if number == 2])), ("ConfigMapList", 1))

        missing = self.cluster.request("GET", MAPS + "/none", headers=headers)
        kind, status = self.opened(missing.body)
        self.assertEqual((missing.code, kind, dict(self.fields(status))[4]), (404, "Status", b"NotFound"))

        stream = self.cluster.request("GET", MAPS + "?watch=1&labelSelector=test&timeoutSeconds=1", headers=headers)
        self.assertEqual(stream.headers["Content-Type"], PROTOBUF + ";stream=watch")
        (length,) = struct.unpack(">I", stream.body[:4])
        event = dict(self.fields(stream.body[4:4 + length]))
        self.assertEqual(event[1], b"ADDED")
        self.assertEqual(self.opened(dict(self.fields(event[2]))[1])[0], "ConfigMap")
        self.assertEqual(len(stream.body), 4 + length)

        both = self.cluster.request("GET", MAPS + "/proto", headers={"Accept": PROTOBUF + ",application/json"})
        self.assertEqual(both.headers["Content-Type"], PROTOBUF)
        wrong = self.cluster.request("POST", MAPS, b"k8s\0\xff\xff", content_type=PROTOBUF)
        self.assertEqual((wrong.code, wrong.json["reason"]), (400, "BadRequest"))
