"""Network policies, by real pods: who may speak to whom, in both directions."""

import subprocess
import time
import unittest

from harness import shared
from harness.cluster import pod
from harness.waiting import until


def policy(name, namespace="shop", **spec):
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": {}, **spec}}


def placed(namespace, name, **labels):
    """A pod that serves on 8080, and from which others can be asked."""
    made = pod(name, ["/web"], labels={"app": name, **labels})
    made["metadata"]["namespace"] = namespace
    container = made["spec"]["containers"][0]
    del container["command"]
    container["ports"] = [{"name": "http", "containerPort": 8080}]
    container["readinessProbe"] = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    return made


PODS = [("shop", "web"), ("shop", "client"), ("other", "visitor")]
EVERYBODY = {(a[1], b[1]) for a in PODS for b in PODS}


class NetworkPolicies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("policies")
        for namespace in ("shop", "other"):
            cls.cluster.kubectl("create", "namespace", namespace)
        cls.cluster.kubectl("label", "namespace", "other", "team=visitors")
        for namespace, name in PODS:
            cls.cluster.apply(placed(namespace, name))
        cls.addresses = {}
        for namespace, name in PODS:
            cls.cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
            cls.addresses[name] = cls.cluster.get("pod", name, "-n", namespace)["status"]["podIP"]
        cls.cluster.kubectl("expose", "pod", "web", "-n", "shop", "--port=80", "--target-port=8080")

    def tearDown(self):
        for namespace in ("shop", "other"):
            self.cluster.kubectl("delete", "networkpolicies", "-n", namespace, "--all")

    def reaches(self, source, url):
        namespace, name = next(pair for pair in PODS if pair[1] == source)
        return self.cluster.kubectl(
            "exec", "-n", namespace, name, "--", "timeout", "1", "wget", "-q", "-O", "-", url, check=False).returncode == 0

    def matrix(self):
        """Which pods get an answer from which others."""
        return {
            (source, target) for _, source in PODS for _, target in PODS
            if self.reaches(source, f"http://{self.addresses[target]}:8080/")}

    def check(self, forbidden, *policies):
        self.cluster.apply(*policies)
        expected = EVERYBODY - forbidden
        until(lambda: self.matrix() == expected, f"exactly these are refused: {forbidden}")

    def test_what_comes_in(self):
        shut = {("client", "web"), ("visitor", "web"), ("web", "client"), ("visitor", "client")}
        self.check(shut, policy("shut"))
        # Probes come from the node: the pods stay ready.
        time.sleep(2.5)
        for name in ("web", "client"):
            conditions = self.cluster.get("pod", name, "-n", "shop")["status"]["conditions"]
            self.assertIn("True", [c["status"] for c in conditions if c["type"] == "Ready"])
        web = {"podSelector": {"matchLabels": {"app": "web"}}}
        self.check(shut - {("client", "web")}, policy("open", **web, ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}]))
        self.assertTrue(self.reaches("client", "http://web.shop/"), "by its service too")
        self.assertFalse(self.reaches("visitor", "http://web.shop/"))
        self.check(shut - {("visitor", "web")}, policy(
            "open", **web, ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "visitors"}}}], "ports": [{"port": "http"}]}]))
        self.check(shut, policy("open", **web, ingress=[{"ports": [{"port": 8081, "endPort": 9000}]}]))
        self.check(shut - {("visitor", "web"), ("client", "web")}, policy("open", **web, ingress=[{"ports": [{"port": 8000, "endPort": 8080}]}]))
        block = {"cidr": "0.0.0.0/0", "except": [f"{self.addresses['visitor']}/32"]}
        self.check(shut - {("client", "web")}, policy("open", **web, ingress=[{"from": [{"ipBlock": block}]}]))

    def test_what_goes_out_and_names(self):
        client = {"podSelector": {"matchLabels": {"app": "client"}}, "policyTypes": ["Egress"]}
        out = {("client", "web"), ("client", "visitor")}
        self.check(out, policy("out", **client))
        self.assertFalse(self.reaches("client", "http://web.shop/"))
        # Without DNS there are addresses only.
        to_web = {"to": [{"podSelector": {"matchLabels": {"app": "web"}}}]}
        self.check(out - {("client", "web")}, policy("out", **client, egress=[to_web]))
        self.assertFalse(self.reaches("client", "http://web.shop/"))
        dns = {
            "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
            "ports": [{"port": 53, "protocol": "UDP"}]}
        self.check(out - {("client", "web")}, policy("out", **client, egress=[to_web, dns]))
        until(lambda: self.reaches("client", "http://web.shop/"), "names are answered, and the service's pod may be reached")

    def test_a_new_pod_is_never_open(self):
        cluster = self.cluster
        cluster.apply(policy("shut", namespace="other", policyTypes=["Egress"]))
        command = f"timeout 1 wget -q -O - http://{self.addresses['web']}:8080/ && echo REACHED; echo done"
        for number in range(3):
            made = pod(f"eager-{number}", ["sh", "-c", command], restartPolicy="Never")
            made["metadata"]["namespace"] = "other"
            cluster.apply(made)
        for number in range(3):
            cluster.kubectl("wait", "-n", "other", "--for=jsonpath={.status.phase}=Succeeded", f"pod/eager-{number}", "--timeout=60s")
            log = cluster.kubectl("logs", "-n", "other", f"eager-{number}")
            self.assertIn("done", log)
            self.assertNotIn("REACHED", log)

    def test_labels_change_and_policies_outlive_the_server(self):
        self.check({("visitor", "web"), ("client", "web")}, policy(
            "only", podSelector={"matchLabels": {"app": "web"}}, ingress=[{"from": [{"podSelector": {"matchLabels": {"role": "friend"}}}]}]))
        self.cluster.kubectl("label", "pod", "client", "-n", "shop", "role=friend")
        until(lambda: self.reaches("client", f"http://{self.addresses['web']}:8080/"), "the label lets it in")
        instance = shared.instance()
        instance.kill()
        self.assertIn(self.addresses["web"], self.isolated_pods(), "nobody can be asked now, but the kernel has the rules")
        instance.up()
        until(lambda: self.reaches("client", f"http://{self.addresses['web']}:8080/"), "the server is back")
        self.assertFalse(self.reaches("visitor", f"http://{self.addresses['web']}:8080/"))
        self.cluster.kubectl("label", "pod", "client", "-n", "shop", "role-")
        until(lambda: not self.reaches("client", f"http://{self.addresses['web']}:8080/"), "without it it's shut out again")

    def isolated_pods(self):
        table = "sampan_" + "".join(c if c.isalnum() else "_" for c in shared.instance().name)
        return subprocess.run(
            ["nft", "list", "map", "inet", table, "isolated_in"], capture_output=True, text=True, check=True).stdout
