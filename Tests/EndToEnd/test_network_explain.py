"""`sampan network explain` says what happens: each answer is compared with a connection that is tried."""

import json
import os
import unittest

from harness import shared
from harness.cluster import Cluster
from harness.instance import free_port
from harness.outside import Outside
from harness.waiting import until
from test_host_ports import serving


class NetworkExplain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("explained", "--pod-security", "privileged")
        cls.cluster.deploy("web")
        cls.cluster.shell("friend")
        cls.cluster.kubectl("label", "pod", "friend", "friend=yes")
        cls.cluster.shell("stranger")
        cls.cluster.apply({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "friends"},
            "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [
                {"from": [{"podSelector": {"matchLabels": {"friend": "yes"}}}], "ports": [{"port": 8080}]}]}})
        cls.other = cls.instance.cluster("explained-other")
        cls.other.deploy("web")

    def explain(self, source, target, *options):
        return json.loads(self.instance.sampan(
            "network", "explain", source, target, "--cluster", "explained", "-o", "json", *options).stdout)

    def reaches(self, source, url):
        return self.cluster.exec(source, "timeout", "2", "wget", "-q", "-O", "-", url, check=False).returncode == 0

    def test_answers_are_what_happens(self):
        address = self.other.get("pods", "-l", "app=web")["items"][0]["status"]["podIP"]
        web = self.cluster.get("pods", "-l", "app=web")["items"][0]["metadata"]["name"]
        self.cluster.fetch_until("friend", "http://web")
        for source, target, url, reason, words in (
                ("friend", "service/web", "http://web", "Allowed", "default/friends lets it in by spec.ingress[0]"),
                ("stranger", "service/web", "http://web", "IngressDenied", "network policy default/friends is for the receiving pod"),
                ("stranger", f"{address}:8080", f"http://{address}:8080", "OtherCluster", "clusters can't reach each other"),
                ("friend", "169.254.169.254:80", "http://169.254.169.254", "Blocked", "169.254.0.0/16")):
            with self.subTest(source=source, target=target):
                found = self.explain(source, target)
                self.assertEqual(found["reason"], reason, found)
                self.assertIn(words, found["message"])
                self.assertEqual(found["reachable"], self.reaches(source, url), found)
        self.assertEqual(self.explain("friend", f"{web}:8080")["reason"], "Allowed")
        self.assertEqual(self.explain("friend", f"{web}:80")["reason"], "IngressDenied")
        self.assertEqual(self.explain("friend", "nobody:80")["reason"], "NotRunning")
        self.assertEqual(self.explain("friend", "cluster/explained-other")["reason"], "OtherCluster")
        self.assertEqual(self.explain("friend", "10.96.0.10:53", "--protocol", "UDP")["reason"], "Open")
        text = self.instance.sampan("network", "explain", "stranger", "service/web", "--cluster", "explained").stdout
        self.assertIn("stranger doesn't reach service/web: network policy default/friends", text)

    def test_ports_of_the_machine(self):
        outside = Outside(3)
        self.addCleanup(outside.close)
        self.cluster.deploy("site", type="NodePort")
        self.cluster.kubectl("expose", "deployment", "web", "--name=guarded", "--type=NodePort", "--port=80", "--target-port=8080")
        self.addCleanup(self.cluster.kubectl, "delete", "service", "guarded")
        ports = {name: self.cluster.get("service", name)["spec"]["ports"][0]["nodePort"] for name in ("site", "guarded")}
        front = free_port()
        self.cluster.apply(serving("front", front))
        self.cluster.ready("front")
        self.addCleanup(self.cluster.kubectl, "delete", "pod", "front")
        until(lambda: outside.fetch(outside.host, ports["site"]) and outside.fetch(outside.host, front), "both ports answer")
        for port, reason, words in (
                (ports["site"], "Open", "no network policy is for what comes into the pod"),
                (ports["guarded"], "IngressDenied", "network policy default/friends is for the receiving pod"),
                (front, "Open", "no network policy is for what comes into the pod"),
                (free_port(), "Outside", "no service and no pod has port")):
            with self.subTest(port=port, reason=reason):
                found = self.explain(outside.address, f"{outside.host}:{port}")
                self.assertEqual(found["reason"], reason, found)
                self.assertIn(words, found["message"])
                self.assertEqual(found["reachable"], outside.fetch(outside.host, port) is not None, found)
        for port, reason in ((ports["site"], "Open"), (ports["guarded"], "IngressDenied"), (front, "Open")):
            with self.subTest("from within", port=port):
                found = self.explain("stranger", f"{outside.host}:{port}")
                self.assertEqual(found["reason"], reason, found)
                self.assertEqual(found["reachable"], self.reaches("stranger", f"http://{outside.host}:{port}/"), found)
        said = self.explain("friend", f"{outside.host}:{front}")
        self.assertTrue(any(f"port {front} of the machine is a pod's host port, default/front" in step for step in said["steps"]), said)

    def test_what_is_wrong_is_said(self):
        path = "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters/explained/network"
        root = self.instance.root()
        for question, field in (({"from": "a", "to": "b"}, "port"), ({"from": "", "to": "b", "port": 80}, "from"),
                                ({"from": "a", "to": "b", "port": 0}, "port"), ({"from": "a", "to": "x/y/z", "port": 1}, "to"),
                                ({"from": "a", "to": "b", "port": 1, "protocol": "ICMP"}, "protocol")):
            with self.subTest(question):
                answer = root.request("POST", path, {"apiVersion": "sampan.dev/v1alpha1", "kind": "NetworkExplanation", **question})
                self.assertEqual(answer.code, 422, answer)
                self.assertEqual([cause["field"] for cause in answer.json["details"]["causes"]], [field], answer)
        result = self.instance.sampan("network", "explain", "a", "b:80", "--cluster", "nothing", check=False)
        self.assertIn("There is no cluster nothing", result.stderr)

    def test_members_ask_about_their_own_clusters(self):
        self.instance.sampan("team", "create", "askers", "--member", "ann=viewer")
        self.addCleanup(self.instance.sampan, "team", "delete", "askers", "--now")
        self.instance.sampan("cluster", "create", "own", "--team", "askers")
        self.addCleanup(self.instance.sampan, "cluster", "delete", "own", "--team", "askers")
        file = os.path.join(self.instance.directory, "ann.kubeconfig")
        self.instance.sampan("team", "kubeconfig", "askers", "ann", "--output", file)
        ann = Cluster("ann", file)
        question = {"apiVersion": "sampan.dev/v1alpha1", "kind": "NetworkExplanation", "from": "a", "to": "b", "port": 80}
        base = "/apis/sampan.dev/v1alpha1/namespaces"
        own = ann.request("POST", f"{base}/askers/virtualclusters/own/network", question)
        self.assertEqual((own.code, own.json["reason"]), (201, "NotRunning"), own)
        self.assertEqual(ann.request("POST", f"{base}/default/virtualclusters/explained/network", question).code, 403)
