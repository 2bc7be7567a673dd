"""What pods use: kubectl top, the API behind it, and autoscalers that go by it."""

import json
import unittest

from harness import shared
from harness.cluster import pod
from harness.waiting import until


def busy(name, labels=None):
    made = pod(name, ["sh", "-c", "while :; do :; done"], labels=labels)
    made["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "200m"}, "requests": {"cpu": "20m", "memory": "1Mi"}}
    return made


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("metrics")

    def test_top_and_the_api(self):
        cluster = self.cluster
        cluster.apply(busy("busy"))
        cluster.shell("idle")
        cluster.ready("busy")

        def lines():
            result = cluster.kubectl("top", "pods", "--no-headers", check=False)
            found = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
            return found if {"busy", "idle"} <= set(found) and int(found["busy"][0].rstrip("m")) >= 50 else None

        found = until(lines, "both pods are measured, the busy one as busy")
        self.assertLess(int(found["idle"][0].rstrip("m")), 50)
        self.assertRegex(found["busy"][1], r"^\d+Mi$")
        node, = cluster.kubectl("top", "nodes", "--no-headers").splitlines()
        self.assertGreaterEqual(int(node.split()[1].rstrip("m")), 50)
        answer = cluster.request("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/busy").json
        self.assertEqual((answer["kind"], answer["apiVersion"]), ("PodMetrics", "metrics.k8s.io/v1beta1"))
        self.assertEqual([c["name"] for c in answer["containers"]], ["main"])
        chosen = cluster.request("GET", "/apis/metrics.k8s.io/v1beta1/pods?labelSelector=app%3Didle").json
        self.assertEqual([item["metadata"]["name"] for item in chosen["items"]], ["idle"])
        missing = cluster.request("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/none")
        self.assertEqual((missing.code, missing.json["reason"]), (404, "NotFound"))
        # Another cluster sees nothing of them.
        other = shared.instance().cluster("unmeasured")
        self.assertEqual(other.request("GET", "/apis/metrics.k8s.io/v1beta1/pods").json["items"], [])
        # The plain word still means the pods themselves.
        self.assertEqual(cluster.kubectl("get", "pods", "busy", "-o", "jsonpath={.kind}"), "Pod")
        cluster.kubectl("delete", "pod", "busy", "idle", "--grace-period=0", "--force")

    def test_the_ledger_has_processor_time_and_memory(self):
        instance = shared.instance()
        cluster = instance.cluster("ledger")
        cluster.apply(busy("worker"))
        cluster.ready("worker")

        def used():
            records = json.loads(instance.sampan("usage", "-o", "json").stdout)
            return next((item for item in records if item.get("cluster") == "ledger"), {})
        # It is limited to a fifth of a processor.
        until(lambda: used().get("cpuSeconds", 0) >= 1, "a second of processor time is counted", timeout=90)
        until(lambda: used()["memoryGiBHours"] > 0, "memory is counted", timeout=60)
        self.assertLess(used()["cpuSeconds"], 60)
        cluster.kubectl("delete", "pod", "worker", "--grace-period=0", "--force")

    def test_the_kernel_keeps_a_container_to_what_it_is_charged_for(self):
        instance = shared.instance()
        instance.sampan("cluster", "create", "charged", "--limit", "memory=1Gi")
        cluster = instance.cluster("charged")
        cluster.shell("silent")
        limit = cluster.kubectl("exec", "silent", "--", "sh", "-c",
                                "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes").strip()
        self.assertEqual(limit, str(256 << 20))
        cluster.kubectl("delete", "pod", "silent", "--grace-period=0", "--force")

    def test_an_autoscaler_goes_by_it(self):
        cluster = self.cluster
        template = busy("loaded", labels={"app": "loaded"})
        cluster.apply({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "loaded"},
            "spec": {
                "replicas": 1, "selector": {"matchLabels": {"app": "loaded"}},
                "template": {"metadata": {"labels": {"app": "loaded"}}, "spec": template["spec"]}}})
        cluster.kubectl("rollout", "status", "deployment/loaded", "--timeout=60s")
        cluster.kubectl("autoscale", "deployment", "loaded", "--min=1", "--max=2", "--cpu-percent=50")
        until(lambda: cluster.get("deployment/loaded")["spec"]["replicas"] == 2, "it asks for a second", timeout=90)
        cluster.kubectl("delete", "hpa,deployment", "loaded")
