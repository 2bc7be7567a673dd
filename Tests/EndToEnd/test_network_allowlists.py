"""The platform's network allowlists, by real pods and a machine outside: where pods may go, who may come, and who may say so."""

import json
import os
import subprocess
import unittest

from harness import shared
from harness.cluster import Cluster, pod
from harness.outside import Outside
from harness.waiting import until

TEAM = "/apis/sampan.dev/v1alpha1/teams/listed"
CLUSTER = "/apis/sampan.dev/v1alpha1/namespaces/listed/virtualclusters/demo"


class NetworkAllowlists(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.outside = Outside()
        cls.addClassCleanup(cls.outside.close)
        cls.outside.serve(80, 8443)
        cls.instance = shared.instance()
        cls.root = cls.instance.root()
        cls.instance.sampan("team", "create", "listed", "--member", "dora=developer", "--member", "olga=owner")
        cls.addClassCleanup(cls.instance.sampan, "team", "delete", "listed", "--now")
        cls.instance.sampan("cluster", "create", "demo", "--team", "listed")
        cls.addClassCleanup(cls.instance.sampan, "cluster", "delete", "demo", "--team", "listed")
        file = os.path.join(cls.instance.directory, "listed-demo.kubeconfig")
        cls.instance.sampan("cluster", "kubeconfig", "demo", "--team", "listed", "--long-lived", "--output", file)
        cls.cluster = Cluster("listed--demo", file)
        cls.cluster.deploy("web")
        cls.cluster.shell("client")
        cls.cluster.kubectl("expose", "deployment", "web", "--name=out", "--type=NodePort", "--port=80", "--target-port=8080")
        cls.port = cls.cluster.get("service", "out")["spec"]["ports"][0]["nodePort"]
        cls.other = cls.instance.cluster("unlisted")
        cls.addClassCleanup(cls.instance.delete, "unlisted")
        cls.other.shell("client")

    def tearDown(self):
        self.say(TEAM, None)
        self.say(CLUSTER, None)

    def say(self, path, network, cluster=None, code=200):
        answer = (cluster or self.root).request(
            "PATCH", path, {"spec": {"network": network}}, content_type="application/merge-patch+json")
        self.assertEqual(answer.code, code, answer)
        return answer.json

    def reaches(self, url, cluster=None):
        return (cluster or self.cluster).exec("client", "timeout", "1", "wget", "-q", "-O", "-", url, check=False).returncode == 0

    def explain(self, source, target):
        return json.loads(self.instance.sampan(
            "network", "explain", source, target, "--cluster", "demo", "--team", "listed", "-o", "json").stdout)

    def check(self, port, expected, reason, words):
        url = f"http://{self.outside.address}:{port}/"
        until(lambda: self.reaches(url) == expected, f"{url} {'is' if expected else 'is not'} reached")
        found = self.explain("client", f"{self.outside.address}:{port}")
        self.assertEqual((found["reason"], found["reachable"]), (reason, expected), found)
        self.assertIn(words, found["message"])

    def test_where_pods_may_go(self):
        net = f"{self.outside.address}/32"
        self.check(80, True, "Open", "outside")
        self.say(TEAM, {"egress": [{"cidrs": [net], "ports": [{"port": 80}]}]})
        self.check(80, True, "Allowed", "spec.network.egress[0] of team listed lets it out")
        self.check(8443, False, "NotAllowlisted", "team listed has an allowlist for what goes out")
        self.assertTrue(self.reaches("http://web"), "its own services and DNS are as always")
        self.assertTrue(self.reaches(f"http://{self.outside.address}:8443/", self.other), "another cluster isn't meant")
        # The cluster's own list narrows the team's, and opens nothing.
        self.say(CLUSTER, {"egress": [{"cidrs": ["0.0.0.0/0"]}]})
        self.check(80, True, "Allowed", "spec.network.egress[0] of team listed and spec.network.egress[0] of virtual cluster listed/demo let it out")
        self.check(8443, False, "NotAllowlisted", "team listed")
        self.say(CLUSTER, {"egress": []})
        self.assertEqual(self.root.request("GET", CLUSTER).json["spec"]["network"], {"egress": []})
        self.check(80, False, "NotAllowlisted", "virtual cluster listed/demo")
        self.assertTrue(self.reaches("http://web"))
        self.say(CLUSTER, None)
        self.check(80, True, "Allowed", "team listed")

    def test_a_new_pod_is_never_open(self):
        self.say(TEAM, {"egress": []})
        command = f"timeout 1 wget -q -O - http://{self.outside.address}/ && echo REACHED; echo done"
        self.addCleanup(self.cluster.kubectl, "delete", "pod", "eager-0", "eager-1")
        for number in range(2):
            self.cluster.apply(pod(f"eager-{number}", ["sh", "-c", command], restartPolicy="Never"))
        for number in range(2):
            self.cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/eager-{number}", "--timeout=60s")
            log = self.cluster.kubectl("logs", f"eager-{number}")
            self.assertIn("done", log)
            self.assertNotIn("REACHED", log)

    def test_who_may_come(self):
        host = self.outside.host
        until(lambda: self.outside.fetch(host, self.port), "the node port answers")
        def check(expected, reason, words):
            until(lambda: (self.outside.fetch(host, self.port) is not None) == expected, f"reached: {expected}")
            found = self.explain(self.outside.address, "service/out")
            self.assertEqual((found["reason"], found["reachable"]), (reason, expected), found)
            self.assertIn(words, found["message"])
        source = f"{self.outside.address}/32"
        self.say(TEAM, {"ingress": [{"cidrs": [source], "ports": [{"port": self.port}]}]})
        check(True, "Allowed", "spec.network.ingress[0] of team listed lets it in")
        self.say(TEAM, {"ingress": [{"cidrs": ["192.0.2.0/24"]}]})
        check(False, "NotAllowlisted", "team listed has an allowlist for what comes in")
        self.assertTrue(self.reaches(f"http://{host}:{self.port}/"), "from within the cluster it is reached")
        self.assertTrue(self.reaches(f"http://{self.outside.address}/"), "what goes out isn't meant, nor what answers it")
        # Who may not come wakes nobody.
        self.instance.sampan("cluster", "sleep", "demo", "--team", "listed")
        self.assertIsNone(self.outside.fetch(host, self.port))
        phase = self.root.request("GET", CLUSTER).json["status"]["phase"]
        self.assertEqual(phase, "Asleep")
        self.say(TEAM, {"ingress": [{"cidrs": [source]}]})
        until(lambda: self.outside.fetch(host, self.port), "who may come wakes it")

    def test_webhooks_are_bound_too(self):
        self.cluster.apply({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "far"},
            "webhooks": [{
                "name": "far.example.org", "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 2,
                "clientConfig": {"url": f"https://{self.outside.address}:8443/"},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]}]})
        self.addCleanup(self.cluster.kubectl, "delete", "validatingwebhookconfiguration", "far")
        def refusal():
            return self.cluster.kubectl("create", "configmap", "asked", "--dry-run=server", check=False).stderr
        bound = "the address isn't one that this cluster's webhooks may have"
        for network, is_bound in ((None, False), ({"egress": []}, True), ({"egress": [{"cidrs": ["0.0.0.0/0"], "ports": [{"port": 443}]}]}, True),
                                  ({"egress": [{"cidrs": [f"{self.outside.address}/32"], "ports": [{"port": 8443}]}]}, False)):
            with self.subTest(network=network):
                self.say(TEAM, network)
                # What answers there doesn't speak TLS.
                until(lambda: "failed calling webhook" in refusal() and (bound in refusal()) == is_bound, f"bound: {is_bound}")

    def test_who_may_say_it_and_what_is_wrong(self):
        for name, path in (("olga", TEAM), ("dora", CLUSTER)):
            file = os.path.join(self.instance.directory, f"{name}.kubeconfig")
            self.instance.sampan("team", "kubeconfig", "listed", name, "--output", file)
            answer = self.say(path, {"egress": [{"cidrs": ["0.0.0.0/0"]}]}, Cluster(name, file), code=403)
            self.assertIn("spec.network", answer["message"])
        answer = self.say(TEAM, {"egress": [{"cidrs": ["203.0.113.7/24"]}]}, code=422)
        self.assertIn("spec.network.egress[0].cidrs[0]: Invalid value: \"203.0.113.7/24\": must not have bits set after the prefix; "
                      "did you mean 203.0.113.0/24?", answer["message"])
        self.assertIn("Where pods may go", self.root.kubectl("explain", "team.spec.network"))

    def test_the_rules_outlive_the_server(self):
        self.say(TEAM, {"egress": []})
        url = f"http://{self.outside.address}/"
        until(lambda: not self.reaches(url), "it is shut")
        address = self.cluster.get("pod", "client")["status"]["podIP"]
        self.instance.kill()
        table = "sampan_" + "".join(c if c.isalnum() else "_" for c in self.instance.name)
        rules = subprocess.run(["nft", "list", "map", "inet", table, "allowed_out_1"], capture_output=True, text=True, check=True)
        self.assertIn(address, rules.stdout)
        self.instance.up()
        until(lambda: self.reaches("http://web"), "the server is back")
        self.assertFalse(self.reaches(url))
