"""The audit log: what is noted of requests, and what never is."""

import base64
import json
import os
import unittest

import yaml

from harness import settings, shared
from harness.issuer import LocalServer
from harness.waiting import until

POLICY = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "omitManagedFields": True,
    "rules": [
        {"level": "None", "nonResourceURLs": ["/*"]},
        {"level": "None", "resources": [{"group": "", "resources": ["events"]}]},
        {"level": "RequestResponse", "resources": [{"group": "", "resources": ["configmaps", "secrets", "serviceaccounts/token"]}]},
        {"level": "Metadata"},
    ],
}


class Audit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        path = os.path.join(settings.folder, "audit-policy.yaml")
        with open(path, "w") as file:
            yaml.safe_dump(POLICY, file)
        cls.addClassCleanup(os.remove, path)
        cls.receiver = LocalServer(cls, "audit_receiver.py")
        with open(os.path.join(cls.receiver.folder, "config"), "w") as file:
            yaml.safe_dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "c",
                "clusters": [{"name": "c", "cluster": {
                    "server": f"{cls.receiver.url}/events", "certificate-authority-data": base64.b64encode(cls.receiver.authority.encode()).decode()}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "users": [{"name": "u", "user": {"token": "audit-token"}}]}, file)
        cls.instance = shared.new("audit", containers=False, options=["--audit-policy", path, "--audit-webhook-config", file.name])
        cls.cluster = cls.instance.cluster("audit", "--pod-security", "privileged")

    def events(self, **fields):
        with open(os.path.join(self.instance.directory, "log", "audit.log")) as file:
            events = [json.loads(line) for line in file]
        return [e for e in events if all(e.get(k, e.get("objectRef", {}).get(k)) == v for k, v in fields.items())]

    def event(self, **fields):
        return until(lambda: self.events(**fields), f"an event with {fields}")[-1]

    def test_a_request_is_noted_with_who_what_and_how_it_ended(self):
        answer = self.cluster.request("POST", "/api/v1/namespaces/default/configmaps", {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "b"}})
        # The path doesn't say which one it is, but the body does.
        event = self.event(resource="configmaps", name="one", verb="create")
        self.assertEqual(event["auditID"], answer.headers["Audit-Id"])
        self.assertEqual((event["kind"], event["apiVersion"], event["level"], event["stage"]),
                         ("Event", "audit.k8s.io/v1", "RequestResponse", "ResponseComplete"))
        self.assertEqual(event["responseStatus"]["code"], 201)
        self.assertEqual(event["requestObject"]["data"], {"a": "b"})
        self.assertTrue(event["responseObject"]["metadata"]["uid"])
        self.assertNotIn("managedFields", event["responseObject"]["metadata"])
        self.assertEqual(event["annotations"]["authorization.k8s.io/decision"], "allow")
        self.assertEqual(event["annotations"]["sampan.dev/cluster"], "audit")
        self.assertIn("system:authenticated", event["user"]["groups"])
        self.assertEqual(event["objectRef"]["namespace"], "default")

    def test_who_acts_as_somebody_else_is_noted_too(self):
        self.cluster.kubectl("--as=jane", "get", "pods", check=False)
        event = self.event(resource="pods", verb="list")
        self.assertEqual(event["impersonatedUser"]["username"], "jane")
        self.assertNotEqual(event["user"]["username"], "jane")
        self.assertEqual((event["responseStatus"]["code"], event["responseStatus"]["reason"]), (403, "Forbidden"))
        self.assertEqual(event["annotations"]["authorization.k8s.io/decision"], "forbid")
        self.assertEqual(event["level"], "Metadata")

    def test_policies_and_admission_leave_their_notes(self):
        self.cluster.kubectl("label", "namespace/default", "pod-security.kubernetes.io/audit=baseline")
        self.cluster.kubectl("run", "p", "--image=web", "--overrides", '{"spec":{"hostNetwork":true}}')
        event = self.event(resource="pods", verb="create")
        self.assertEqual(event["annotations"]["pod-security.kubernetes.io/audit-violations"],
                         'would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)')

    def test_a_watch_is_noted_when_it_begins_and_when_it_ends(self):
        answer = self.cluster.request("GET", "/api/v1/namespaces/default/endpoints?watch=1&timeoutSeconds=1")
        self.assertEqual(answer.code, 200, answer)
        audit = answer.headers["Audit-Id"]
        events = until(lambda: len(found := self.events(auditID=audit)) == 2 and found, "both events are noted")
        self.assertEqual([event["stage"] for event in events], ["ResponseStarted", "ResponseComplete"])
        self.assertEqual([event["responseStatus"]["code"] for event in events], [200, 200])
        self.assertLess(events[0]["stageTimestamp"], events[1]["stageTimestamp"])

    def test_secrets_and_tokens_are_never_noted(self):
        self.cluster.kubectl("create", "secret", "generic", "s", "--from-literal=password=never-in-the-log")
        token = self.cluster.kubectl("create", "token", "default").strip()
        self.cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}})
        self.event(resource="tokenreviews")
        self.assertEqual(self.event(resource="secrets", name="s", verb="create")["level"], "Metadata")
        with open(os.path.join(self.instance.directory, "log", "audit.log")) as file:
            content = file.read()
        self.assertNotIn("bmV2ZXItaW4tdGhlLWxvZ", content)
        self.assertNotIn("never-in-the-log", content)
        self.assertNotIn(token, content)
        self.assertFalse(self.events(requestURI="/version"))

    def sent(self, audit_id):
        """The events of a request that the receiver has taken, and how many batches it had."""
        batches = [request for request in self.receiver.requests if not request["failed"]]
        return [event for batch in batches for event in batch["body"]["items"] if event["auditID"] == audit_id]

    def test_events_go_to_a_webhook_too(self):
        first = self.cluster.request("GET", "/api/v1/namespaces/default/pods").headers["Audit-Id"]
        until(lambda: self.sent(first), "the event is sent")
        request = self.receiver.requests[-1]
        self.assertEqual((request["path"], request["token"]), ("/events", "Bearer audit-token"))
        self.assertEqual((request["body"]["kind"], request["body"]["apiVersion"]), ("EventList", "audit.k8s.io/v1"))
        self.assertEqual(self.sent(first), self.events(auditID=first))
        # While it fails nothing is lost, and nobody waits.
        block = os.path.join(self.receiver.folder, "fail")
        open(block, "w").close()
        ids = [self.cluster.request("GET", "/api/v1/namespaces/default/pods").headers["Audit-Id"] for _ in range(20)]
        until(lambda: any(request["failed"] for request in self.receiver.requests), "it was tried")
        self.assertFalse(any(self.sent(audit) for audit in ids))
        os.remove(block)
        until(lambda: all(self.sent(audit) for audit in ids), "all are sent")
        self.assertTrue(all(len(self.sent(audit)) == 1 for audit in ids))
        # What is too large to send goes without its objects.
        large = self.cluster.request("POST", "/api/v1/namespaces/default/configmaps", {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large"}, "data": {"a": "x" * 200000}}).headers["Audit-Id"]
        event = until(lambda: self.sent(large), "the event is sent")[0]
        self.assertEqual(event["annotations"]["audit.k8s.io/truncated"], "true")
        self.assertNotIn("requestObject", event)
        self.assertIn("requestObject", self.events(auditID=large)[0])

    def test_a_bad_policy_is_told_of(self):
        path = os.path.join(settings.folder, "bad-policy.yaml")
        with open(path, "w") as file:
            file.write("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: All}]\n")
        self.addCleanup(os.remove, path)
        other = shared.Instance("bad", containers=False, start=False)
        self.addCleanup(other.stop)
        result = other.sampan("serve", "--no-containers", "--api-port", str(other.api_port), "--dns-port", str(other.dns_port),
                              "--instance", other.name, "--audit-policy", path, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("rules[0].level: must be one of None, Metadata, Request, RequestResponse", result.stderr)
