"""Admission webhooks, as their authors have them: a server in a pod behind a service, and stock kubectl in front."""

import json
import os
import time
import unittest

from harness import shared
from harness.waiting import until
from harness.webhook import Webhook


def config_map(name, **labels):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": {"a": "b"}}


class AdmissionWebhooks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("admission")
        cls.hook = Webhook(cls, cls.cluster, "admission.py")
        cls.log = os.path.join(cls.hook.folder, "requests.jsonl")
        cls.configure("ready", "/deny", [("CREATE", "", "v1", "configmaps")], matchPolicy="Exact")
        until(lambda: cls.cluster.apply(config_map("ready", ready="yes")) and cls.asked("/deny"), "the webhook answers")
        cls.forget()

    def setUp(self):
        self.addCleanup(self.forget)

    @classmethod
    def forget(cls):
        cls.cluster.kubectl("delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "--all")
        cls.cluster.kubectl("delete", "configmaps", "-l", "!kept", "--field-selector=metadata.name!=kube-root-ca.crt")
        open(cls.log, "w").close()

    @classmethod
    def asked(cls, path=None):
        with open(cls.log) as file:
            requests = [json.loads(line) for line in file]
        return [r for r in requests if path is None or r["path"].startswith(path)]

    @classmethod
    def configure(cls, name, path, rules, mutating=False, config=None, **more):
        cls.cluster.apply({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration" if mutating else "ValidatingWebhookConfiguration", "metadata": {"name": name},
            "webhooks": [{
                "name": f"{name}.example.com", "clientConfig": config or cls.hook.client_config(path), "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "rules": [{"operations": [o], "apiGroups": [g], "apiVersions": [v], "resources": [r]} for o, g, v, r in rules],
                # The webhook's own pod is left alone.
                "objectSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["hook"]}]}, **more,
            }],
        })

    def refused(self, *arguments, **options):
        result = self.cluster.kubectl(*arguments, check=False, **options)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        return result.stderr

    def test_a_denial_reaches_the_user_word_for_word(self):
        self.configure("deny", "/deny", [(o, "", "v1", r) for o in ("CREATE", "UPDATE", "DELETE") for r in ("configmaps", "pods")])
        user = self.cluster.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
        words = f'Error from server (NotHere): admission webhook "deny.example.com" denied the request: CREATE isn\'t for {user}\n'
        self.assertEqual(self.refused("create", "-f", "-", input=json.dumps(config_map("no", refuse="yes"))).replace(
            'error when creating "STDIN": ', ""), words)
        allowed = self.cluster.kubectl("create", "-f", "-", input=json.dumps(config_map("yes")), check=False)
        self.assertEqual((allowed.returncode, allowed.stderr), (0, "Warning: this was looked at\n"))
        self.assertIn("UPDATE isn't for", self.refused("label", "configmap/yes", "refuse=yes"))
        self.cluster.kubectl("delete", "validatingwebhookconfiguration/deny")
        self.cluster.kubectl("label", "configmap/yes", "refuse=yes")
        self.configure("deny", "/deny", [("DELETE", "", "v1", "configmaps")])
        self.assertIn("DELETE isn't for", self.refused("delete", "configmap/yes"))
        self.assertIn("DELETE isn't for", self.refused("delete", "configmaps", "-l", "refuse=yes"))
        answer = self.cluster.request("DELETE", "/api/v1/namespaces/default/configmaps?labelSelector=refuse%3Dyes")
        self.assertEqual((answer.code, answer.json["reason"]), (403, "NotHere"), answer)
        self.assertEqual(self.asked()[-1]["oldObject"]["data"], {"a": "b"})

    def test_connections_can_be_denied(self):
        self.configure("connect", "/deny", [("CONNECT", "", "v1", "pods/exec"), ("CONNECT", "", "v1", "pods/attach"),
                                            ("CONNECT", "", "v1", "pods/portforward"), ("CONNECT", "", "v1", "services/proxy")], objectSelector={})
        for arguments in (("exec", "hook", "--", "ls", "-l"), ("attach", "hook"), ("port-forward", "hook", "0:8443")):
            with self.subTest(arguments[0]):
                self.assertIn('admission webhook "connect.example.com" denied the request: CONNECT isn\'t for', self.refused(*arguments, timeout=20))
        answer = self.cluster.request("GET", "/api/v1/namespaces/default/services/https:hook:443/proxy/x")
        self.assertEqual(answer.code, 403, answer)
        asked = {r["subResource"]: r for r in self.asked()}
        self.assertEqual(asked["exec"]["kind"]["kind"], "PodExecOptions")
        self.assertEqual(asked["exec"]["object"]["command"], ["ls", "-l"])
        self.assertEqual(asked["proxy"]["object"], {"apiVersion": "v1", "kind": "ServiceProxyOptions", "path": "/x"})

    def test_objects_are_changed_and_completed(self):
        self.configure("mutate", "/mutate", [("CREATE", "", "v1", "configmaps"), ("CREATE", "", "v1", "pods")], mutating=True)
        self.cluster.apply(config_map("one"))
        self.assertEqual(self.cluster.get("configmap/one")["data"], {"a": "b", "mutated": "yes"})
        self.cluster.kubectl("run", "two", "--image=sampan.dev/sample/web:1", "--command", "--", "sleep", "1000")
        self.addCleanup(self.cluster.kubectl, "delete", "pod/two", "--grace-period=1")
        sidecar = self.cluster.get("pod/two")["spec"]["containers"][1]
        self.assertEqual(
            (sidecar["name"], sidecar["terminationMessagePolicy"], sidecar["volumeMounts"][0]["mountPath"]),
            ("sidecar", "File", "/var/run/secrets/kubernetes.io/serviceaccount"))
        self.cluster.kubectl("wait", "--for=condition=Ready", "pod/two", "--timeout=60s")

    def test_everything_is_changed_but_what_the_conditions_skip(self):
        """AdmissionWebhook should mutate everything except 'skip-me' configmaps"""
        skip = [{"name": "skip-me", "expression": "!(request.resource.resource == 'configmaps' && object.metadata.name == 'skip-me')"}]
        self.configure("skip", "/mutate", [("CREATE", "", "v1", "configmaps")], mutating=True, matchConditions=skip)
        self.cluster.apply(config_map("skip-me"), config_map("not-me"))
        self.assertEqual(self.cluster.get("configmap/skip-me")["data"], {"a": "b"})
        self.assertEqual(self.cluster.get("configmap/not-me")["data"], {"a": "b", "mutated": "yes"})
        self.assertEqual([r["name"] for r in self.asked("/mutate")], ["not-me"])

    def test_what_controllers_write_passes_webhooks_too(self):
        self.configure("deny", "/deny", [("CREATE", "", "v1", "pods")])
        self.cluster.kubectl("create", "deployment", "web", "--image=sampan.dev/sample/web:1")
        self.addCleanup(self.cluster.kubectl, "delete", "deployment/web")
        until(lambda: any(r["userInfo"]["username"] == "system:serviceaccount:kube-system:replicaset-controller" for r in self.asked()),
              "the ReplicaSet's pod is asked about")

    def test_a_webhook_that_does_not_answer_fails_closed_or_open(self):
        rules = [("CREATE", "", "v1", "configmaps")]
        self.configure("slow", "/slow", rules, timeoutSeconds=1)
        start = time.monotonic()
        error = self.refused("create", "-f", "-", input=json.dumps(config_map("late")))
        self.assertLess(time.monotonic() - start, 6)
        self.assertIn('Internal error occurred: failed calling webhook "slow.example.com": failed to call webhook: Post '
                      '"https://hook.default.svc:443/slow?timeout=1s": context deadline exceeded', error)
        self.configure("slow", "/slow", rules, timeoutSeconds=1, failurePolicy="Ignore")
        self.cluster.apply(config_map("late"))
        self.cluster.kubectl("delete", "validatingwebhookconfiguration/slow")
        outside = {
            "nobody": (self.hook.client_config("/", name="nobody"), 'service "nobody" not found'),
            "redirect": (self.hook.client_config("/redirect"), "the server rejected our request for an unknown reason"),
            "huge": (self.hook.client_config("/huge"), "the answer has more than"),
            "garbage": (self.hook.client_config("/garbage"), "the answer isn't JSON"),
            "metadata": ({"url": "https://169.254.169.254/latest"}, "isn't one that this cluster's webhooks may have"),
            "itself": ({"url": "https://127.0.0.1:6443/"}, "isn't one that this cluster's webhooks may have"),
        }
        for name, (config, message) in outside.items():
            with self.subTest(name):
                self.configure(name, "/", rules, config=config)
                error = self.refused("create", "-f", "-", input=json.dumps(config_map(name)))
                self.assertIn(f'failed calling webhook "{name}.example.com": ', error)
                self.assertIn(message, error)
                self.cluster.kubectl("delete", f"validatingwebhookconfiguration/{name}")

    def test_webhooks_cannot_lock_themselves_in(self):
        for mutating in (True, False):
            self.configure("all", "/deny", [("*", "*", "*", "*/*")], mutating=mutating, objectSelector={},
                           matchConditions=[{"name": "users", "expression": "!request.userInfo.username.startsWith('system:')"}],
                           config=self.hook.client_config("/", name="nobody"))
        self.assertIn("failed calling webhook", self.refused("create", "configmap", "x"))
        self.assertIn("failed calling webhook", self.refused("auth", "can-i", "get", "pods"))
        self.cluster.kubectl("delete", "mutatingwebhookconfiguration/all", "validatingwebhookconfiguration/all")
        self.cluster.kubectl("create", "configmap", "x")

    def test_custom_resources_and_their_definitions(self):
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "boats.example.com", "labels": {"refuse": "yes"}},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "boats", "singular": "boat", "kind": "Boat"},
                "versions": [{"name": v, "served": True, "storage": v == "v1", "schema": {"openAPIV3Schema": {
                    "type": "object", "properties": {"data": {"type": "object", "properties": {"a": {"type": "string"}}}}}}}
                    for v in ("v1", "v2")]}}
        self.configure("crd", "/deny", [("CREATE", "apiextensions.k8s.io", "*", "*")])
        self.assertIn("CREATE isn't for", self.refused("create", "-f", "-", input=json.dumps(definition)))
        definition["metadata"]["labels"] = {}
        self.cluster.apply(definition)
        self.addCleanup(self.cluster.kubectl, "delete", "crd/boats.example.com")
        self.cluster.kubectl("wait", "--for=condition=Established", "crd/boats.example.com", "--timeout=30s")
        self.configure("mutate", "/mutate", [("CREATE", "example.com", "v2", "boats")], mutating=True)
        self.configure("deny", "/deny", [("*", "example.com", "v1", "boats")])
        boat = {"apiVersion": "example.com/v1", "kind": "Boat", "metadata": {"name": "b"}, "data": {"a": "b"}}
        self.cluster.apply(boat)
        # What the schema doesn't have is pruned after the webhook as before it.
        self.assertEqual(self.cluster.get("boat/b")["data"], {"a": "b"})
        self.assertEqual(self.asked("/mutate")[0]["object"]["apiVersion"], "example.com/v2")
        self.assertIn("CREATE isn't for", self.refused("create", "-f", "-", input=json.dumps(
            {**boat, "metadata": {"name": "c", "labels": {"refuse": "yes"}}})))
        self.assertIn("UPDATE isn't for", self.refused("label", "boat/b", "refuse=yes"))
