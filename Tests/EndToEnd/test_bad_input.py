"""Bad input gets upstream's Status: reason, code, causes, and upstream's words where clients show them."""

import json
import unittest

from harness import shared

PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
JSON, YAML = "application/json", "application/yaml"
STRATEGIC, MERGE, PATCH = (f"application/{kind}+json" for kind in ("strategic-merge-patch", "merge-patch", "json-patch"))


def config_map(name, **fields):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}


def a_pod(name="p", **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def a_deployment(**spec):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}, **spec}}


# what: method, path, body, content type, code, reason, a pattern of the message
STATUSES = {
    "JSON that ends early": ("POST", PODS, '{"apiVersion":"v1","kind":"Pod"', JSON, 400, "BadRequest", r"unexpected (end of JSON input|EOF)"),
    "no JSON at all": ("POST", PODS, "hello", JSON, 400, "BadRequest", r"couldn't get version/kind; json parse error: "),
    "an empty body": ("POST", PODS, "", JSON, 400, "BadRequest", r"."),
    "JSON that is a list": ("POST", PODS, "[]", JSON, 400, "BadRequest", r"cannot unmarshal array"),
    "malformed YAML": ("POST", PODS, "a: [1\nb: }", YAML, 400, "BadRequest", r"yaml|json"),
    "nothing but braces": ("POST", PODS, "{}", JSON, 422, "Invalid", r"name or generateName is required"),
    "another kind": ("POST", PODS, config_map("x"), JSON, 400, "BadRequest", r'ConfigMap in version "v1" cannot be handled as a Pod'),
    "another version": ("POST", PODS, {**a_pod(), "apiVersion": "v2"}, JSON, 400, "BadRequest", r"no kind \"Pod\" is registered for version \"v2\"|does not match"),
    "a text for a list": ("POST", PODS, a_pod(containers="x"), JSON, 400, "BadRequest",
                          r"Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field PodSpec\.spec\.containers of type \[\]v1\.Container"),
    "a text for a number": ("POST", DEPLOYMENTS, a_deployment(replicas="three"), JSON, 400, "BadRequest",
                            r"Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32"),
    "a number for a text": ("POST", MAPS, config_map("x", data={"a": 1}), JSON, 400, "BadRequest", r"cannot unmarshal number into Go struct field ConfigMap\.data of type string"),
    "a bad quantity": ("POST", PODS, a_pod(containers=[{"name": "c", "image": "i", "resources": {"limits": {"cpu": "lots"}}}]), JSON, 400, "BadRequest", r"quantities must match the regular expression"),
    "an unknown field, strictly": ("POST", MAPS + "?fieldValidation=Strict", config_map("x", colour="red"), JSON, 400, "BadRequest", r"strict decoding error: unknown field \"colour\""),
    "a bad fieldValidation": ("POST", MAPS + "?fieldValidation=Sometimes", config_map("x"), JSON, 422, "Invalid", r"fieldValidation: Unsupported value: \"Sometimes\""),
    "a body of 3 MiB and more": ("POST", MAPS, config_map("x", data={"a": "x" * (3 << 20)}), JSON, 413, "RequestEntityTooLarge", r"limit is 3145728"),
    "an unknown content type": ("POST", MAPS, "x", "text/plain", 415, "UnsupportedMediaType", r"the body of the request was in an unknown format - accepted media types include: "),
    "an unknown kind of patch": ("PATCH", MAPS + "/there", "{}", JSON, 415, "UnsupportedMediaType", r"accepted media types include: "),
    "a namespace that isn't the path's": ("POST", MAPS, {**config_map("x"), "metadata": {"name": "x", "namespace": "other"}}, JSON, 400, "BadRequest",
                                          r"the namespace of the provided object does not match the namespace sent on the request"),
    "a name that isn't the path's": ("PUT", MAPS + "/there", config_map("elsewhere"), JSON, 400, "BadRequest",
                                     r"the name of the object \(elsewhere\) does not match the name on the URL \(there\)"),
    "a namespace that isn't there": ("POST", "/api/v1/namespaces/nowhere/configmaps", config_map("x"), JSON, 404, "NotFound", r"^namespaces \"nowhere\" not found$"),
    "a name that isn't there": ("GET", MAPS + "/nothing", None, None, 404, "NotFound", r"^configmaps \"nothing\" not found$"),
    "a name that is there": ("POST", MAPS, config_map("there"), JSON, 409, "AlreadyExists", r"^configmaps \"there\" already exists$"),
    "an old resourceVersion": ("PUT", MAPS + "/there", {**config_map("there"), "metadata": {"name": "there", "resourceVersion": "1"}}, JSON, 409, "Conflict",
                               r"^Operation cannot be fulfilled on configmaps \"there\": the object has been modified; please apply your changes to the latest version and try again$"),
    "a resourceVersion on create": ("POST", MAPS, {**config_map("x"), "metadata": {"name": "x", "resourceVersion": "1"}}, JSON, 500, None, r"resourceVersion should not be set on objects to be created"),
    "another uid on delete": ("DELETE", MAPS + "/there", {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "x"}}, JSON, 409, "Conflict", r"the UID in the precondition \(x\) does not match the UID in record"),
    "a bad label selector": ("GET", MAPS + "?labelSelector=a+in+(b", None, None, 400, "BadRequest", r"unable to parse requirement: found '', expected: ',' or '\)'|unable to parse"),
    "a selector's bad key": ("GET", MAPS + "?labelSelector=-a%3Db", None, None, 400, "BadRequest", r"name part must consist of alphanumeric characters"),
    "a field selector on nothing": ("GET", PODS + "?fieldSelector=spec.colour%3Dred", None, None, 400, "BadRequest", r"field label not supported: spec\.colour"),
    "a malformed field selector": ("GET", PODS + "?fieldSelector=spec", None, None, 400, "BadRequest", r"invalid selector: 'spec'; can't understand 'spec'|can't understand"),
    "a bad limit": ("GET", MAPS + "?limit=some", None, None, 400, "BadRequest", r"strconv\.ParseInt: parsing \"some\": invalid syntax|invalid"),
    "a bad continue token": ("GET", MAPS + "?limit=1&continue=zzz", None, None, 400, "BadRequest", r"continue key is not valid"),
    "a bad resourceVersion": ("GET", MAPS + "?resourceVersion=x", None, None, 400, "BadRequest", r"invalid resource version: resourceVersion: Invalid value: \"x\""),
    "a resourceVersion of the future": ("GET", MAPS + "?resourceVersion=99999999999", None, None, 504, "Timeout", r"Too large resource version"),
    "a method that a resource doesn't have": ("POST", PODS + "/x", a_pod("x"), JSON, 405, "MethodNotAllowed", r"the server does not allow this method on the requested resource"),
    "a malformed JSON patch": ("PATCH", MAPS + "/there", '[{"op":"fly","path":"/x"}]', PATCH, 400, "BadRequest", r"invalid operation .*: unsupported operation"),
    "a JSON patch of what isn't there": ("PATCH", MAPS + "/there", '[{"op":"remove","path":"/data/none"}]', PATCH, 422, "Invalid", r"the server rejected our request due to an error in our request"),
    "a JSON patch whose test fails": ("PATCH", MAPS + "/there", '[{"op":"test","path":"/data/a","value":"z"}]', PATCH, 422, "Invalid", r"."),
    "a merge patch that is no object": ("PATCH", MAPS + "/there", "[]", MERGE, 400, "BadRequest", r"."),
    "a patch of what isn't there": ("PATCH", MAPS + "/nothing", "{}", MERGE, 404, "NotFound", r"^configmaps \"nothing\" not found$"),
}

# what: path, object, the causes that upstream gives: reason, field, a part of the message
CAUSES = {
    "no containers": (PODS, a_pod(containers=[]), [("FieldValueRequired", "spec.containers", "Required value")]),
    "no name": (MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}, [("FieldValueRequired", "metadata.name", "name or generateName is required")]),
    "a bad name": (MAPS, config_map("Bad_Name"), [("FieldValueInvalid", "metadata.name", "a lowercase RFC 1123 subdomain must consist of")]),
    "a bad label": (MAPS, {**config_map("x"), "metadata": {"name": "x", "labels": {"a b": "c"}}}, [("FieldValueInvalid", "metadata.labels", "name part must consist of")]),
    "a bad key": (MAPS, config_map("x", data={"a/b": "c"}), [("FieldValueInvalid", "data[a/b]", "a valid config key must consist of")]),
    "fewer than no replicas": (DEPLOYMENTS, a_deployment(replicas=-1), [("FieldValueInvalid", "spec.replicas", "must be greater than or equal to 0")]),
    "a selector that doesn't match": (DEPLOYMENTS, a_deployment(selector={"matchLabels": {"x": "y"}}), [("FieldValueInvalid", "spec.template.metadata.labels", "`selector` does not match template `labels`")]),
    "two containers of one name": (PODS, a_pod(containers=[{"name": "c", "image": "i"}] * 2), [("FieldValueDuplicate", "spec.containers[1].name", "Duplicate value: \"c\"")]),
    "an unknown policy": (PODS, a_pod(restartPolicy="Sometimes"), [("FieldValueNotSupported", "spec.restartPolicy", "Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"")]),
    "a mount of no volume": (PODS, a_pod(containers=[{"name": "c", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]), [("FieldValueNotFound", "spec.containers[0].volumeMounts[0].name", "Not found: \"v\"")]),
    "a port too high": ("/api/v1/namespaces/default/services", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 70000}]}}, [("FieldValueInvalid", f"spec.ports[0].{field}", "must be between 1 and 65535, inclusive") for field in ("port", "targetPort")]),
    "no ports": ("/api/v1/namespaces/default/services", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {}}, [("FieldValueRequired", "spec.ports", "Required value")]),
    "several at once": (PODS, a_pod("Bad_Name", containers=[{"image": "i"}], restartPolicy="No"), [
        ("FieldValueInvalid", "metadata.name", ""), ("FieldValueRequired", "spec.containers[0].name", ""), ("FieldValueNotSupported", "spec.restartPolicy", "")]),
}


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("bad-input")
        cls.cluster.request("POST", MAPS, config_map("there", data={"a": "b"}))

    def test_statuses(self):
        for what, (method, path, body, content_type, code, reason, pattern) in STATUSES.items():
            with self.subTest(what):
                answer = self.cluster.request(method, path, body, content_type=content_type)
                self.assertEqual(answer.code, code, answer)
                self.assertIn("application/json", answer.headers["Content-Type"])
                status = answer.json
                self.assertEqual((status["kind"], status["status"], status["code"]), ("Status", "Failure", code), answer)
                if reason:
                    self.assertEqual(status["reason"], reason, answer)
                self.assertRegex(status["message"], pattern)

    def test_causes(self):
        for what, (path, body, causes) in CAUSES.items():
            with self.subTest(what):
                answer = self.cluster.request("POST", path, body)
                self.assertEqual(answer.code, 422, answer)
                status = answer.json
                self.assertEqual(status["reason"], "Invalid")
                self.assertEqual(status["details"]["kind"], body["kind"])
                given = status["details"]["causes"]
                for reason, field, message in causes:
                    match = [c for c in given if c["reason"] == reason and c["field"] == field and message in c["message"]]
                    self.assertTrue(match, f"no cause {reason} at {field} saying {message!r} in {json.dumps(given)}")
                self.assertEqual(len(given), len(causes), json.dumps(given))

    def test_unknown_resources(self):
        for path in ("/api/v1/namespaces/default/widgets", "/apis/apps/v1/widgets", "/apis/no.such.group/v1/things", "/nowhere"):
            with self.subTest(path):
                self.assertEqual(self.cluster.request("GET", path).code, 404)
        result = self.cluster.kubectl("get", "widgets", check=False)
        self.assertIn('the server doesn\'t have a resource type "widgets"', result.stderr)

    def test_unknown_clusters(self):
        connection = self.cluster.connect()
        connection.prefix = "/clusters/no-such-cluster"
        self.assertIn(connection.request("GET", "/api/v1/pods").code, (401, 403, 404))
        connection.close()

    def test_what_kubectl_makes_of_it(self):
        for what, arguments, text, expected in (
            ("malformed YAML", ("apply", "-f", "-"), "a: [", "error parsing"),
            ("a wrong type", ("apply", "-f", "-"), json.dumps(a_deployment(replicas="three")), "replicas"),
            ("an invalid object", ("create", "-f", "-"), json.dumps(a_deployment(replicas=-1)),
             'The Deployment "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'),
            ("a bad selector", ("get", "pods", "-l", "a in (b"), None, "unable to parse requirement"),
            ("a name that isn't there", ("get", "configmap/nothing"), None, 'configmaps "nothing" not found'),
        ):
            with self.subTest(what):
                result = self.cluster.kubectl(*arguments, input=text, check=False)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(expected, result.stderr)

    def test_requests_that_are_no_http(self):
        """The server outlives what a port scanner sends."""
        import socket
        port = shared.instance().api_port
        for garbage in (b"\x00" * 64, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"A" * 600, b""):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
                raw.sendall(garbage)
                raw.shutdown(socket.SHUT_WR)
                raw.settimeout(5)
                try:
                    while raw.recv(4096):
                        pass
                except (ConnectionError, TimeoutError):
                    pass
        self.assertEqual(self.cluster.request("GET", "/readyz").code, 200)

    def test_deep_and_odd_json(self):
        """The server outlives trees that would break a naive parser."""
        for body in ("[" * 100000, '{"a":' * 100000, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"' + "\\u0000" * 10 + '"}}',
                     '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\\ud800"}}', b"\xff\xfe\x00", "1e999999"):
            answer = self.cluster.request("POST", MAPS, body)
            self.assertIn(answer.code, (400, 422), answer)
        bomb = "a: &a [x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))
        self.assertEqual(self.cluster.request("POST", MAPS, bomb, content_type=YAML).code, 400)
        self.assertEqual(self.cluster.request("GET", "/readyz").code, 200)
