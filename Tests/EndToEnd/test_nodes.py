"""Nodes that somebody else runs: taints by their conditions, and what pods on them make of it."""

import json
import unittest

from harness import shared
from harness.waiting import until

DOMAIN = "node.kubernetes.io/"


class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("nodes")

    def make(self, name):
        self.cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        self.addCleanup(self.cluster.kubectl, "delete", f"node/{name}", "--ignore-not-found")

    def taints(self, name):
        return sorted(
            f"{t['key'].removeprefix(DOMAIN)}:{t['effect']}" for t in self.cluster.get(f"node/{name}")["spec"].get("taints", []))

    def says(self, name, **conditions):
        body = {"status": {"conditions": [{"type": type, "status": status} for type, status in conditions.items()]}}
        self.cluster.kubectl("patch", f"node/{name}", "--subresource=status", "-p", json.dumps(body))

    def until_tainted(self, name, *taints):
        until(lambda: self.assertEqual(self.taints(name), sorted(taints)) or True, f"{name} has the taints {taints}")

    def test_cordon_and_uncordon(self):
        own = self.cluster.get("nodes")["items"][0]["metadata"]["name"]
        self.cluster.kubectl("cordon", own)
        self.until_tainted(own, "unschedulable:NoSchedule")
        self.cluster.kubectl("uncordon", own)
        self.until_tainted(own)

    def test_conditions_become_taints(self):
        self.make("far")
        # The one that every node comes with goes when its state was seen.
        self.until_tainted("far")
        self.says("far", Ready="True", MemoryPressure="True", NetworkUnavailable="True")
        self.until_tainted("far", "memory-pressure:NoSchedule", "network-unavailable:NoSchedule")
        self.says("far", MemoryPressure="False", NetworkUnavailable="False")
        self.until_tainted("far")

    def test_pods_leave_a_node_that_is_not_ready(self):
        self.make("lost")
        self.says("lost", Ready="True")
        spec = {"nodeName": "lost", "containers": [{"name": "main", "image": "x"}]}
        at_once = [{"key": DOMAIN + "not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}]
        for name, tolerations in (("goes", at_once), ("waits", [])):
            self.cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {**spec, "tolerations": tolerations}})
            self.cluster.kubectl("patch", f"pod/{name}", "--subresource=status", "-p", json.dumps(
                {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}))
        self.says("lost", Ready="False")
        self.until_tainted("lost", "not-ready:NoSchedule", "not-ready:NoExecute")
        until(lambda: "deletionTimestamp" in self.cluster.get("pod/goes")["metadata"], "the one that doesn't tolerate it is deleted")
        waits = self.cluster.get("pod/waits")
        self.assertNotIn("deletionTimestamp", waits["metadata"])
        until(lambda: [c["status"] for c in self.cluster.get("pod/waits")["status"]["conditions"] if c["type"] == "Ready"] == ["False"],
              "the other one isn't ready any more")
        self.assertIn("NodeNotReady", {e["reason"] for e in until(
            lambda: self.cluster.get("events", "--field-selector", "involvedObject.name=waits")["items"], "it is told why")})
        self.says("lost", Ready="True")
        self.until_tainted("lost")
        self.cluster.kubectl("delete", "pod/goes", "pod/waits", "--force", "--grace-period=0")
