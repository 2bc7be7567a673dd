"""A cluster that shows several nodes, all of them this machine: what depends on there being several works as anywhere."""

import json

from harness import shared
from harness.api_test import APITest
from harness.cluster import deployment
from harness.waiting import until


class SeveralNodes(APITest):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("nodes", "--nodes", "3")
        cls.addClassCleanup(cls.instance.delete, "nodes")
        cls.names = [item["metadata"]["name"] for item in cls.cluster.get("nodes")["items"]]

    def spread(self, app):
        """The nodes of an app's pods that run, sorted."""
        pods = self.cluster.get("pods", "-l", f"app={app}")["items"]
        return sorted(pod["spec"].get("nodeName", "") for pod in pods if pod["status"].get("phase") == "Running"
                      and "deletionTimestamp" not in pod["metadata"])

    def test_1_there_are_three(self):
        """Conformance Tests should have at least two untainted nodes"""
        self.assertEqual(len(self.names), 3)
        first = min(self.names, key=len)
        self.assertEqual(sorted(self.names), sorted([first, f"{first}-2", f"{first}-3"]))
        for item in self.cluster.get("nodes")["items"]:
            self.assertEqual(self.condition(item, "Ready")["status"], "True")
            self.assertNotIn("taints", item["spec"])
            self.assertEqual(item["metadata"]["labels"]["kubernetes.io/hostname"], item["metadata"]["name"])

    def test_2_a_daemon_is_on_each(self):
        template = deployment("daemon", 1, "sampan.dev/sample/web:1")["spec"]
        self.cluster.apply({
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "daemon"},
            "spec": {"selector": template["selector"], "template": template["template"]}})
        self.cluster.kubectl("rollout", "status", "daemonset/daemon", "--timeout=90s")
        self.assertEqual(self.spread("daemon"), sorted(self.names))
        for name in self.names:
            pods = self.ask("GET", f"/api/v1/nodes/{name}/proxy/pods")["items"]
            self.assertEqual([pod["metadata"]["labels"]["app"] for pod in pods], ["daemon"])
        pod = self.cluster.get("pods", "-l", "app=daemon")["items"][0]
        self.assertIn("version 1", self.cluster.exec(pod["metadata"]["name"], "wget", "-q", "-O", "-", "http://127.0.0.1:8080"))
        events = self.cluster.get("events", "--field-selector", f"involvedObject.uid={pod['metadata']['uid']},reason=Started")["items"]
        self.assertEqual(events[0]["source"], {"component": "kubelet", "host": pod["spec"]["nodeName"]})
        self.cluster.kubectl("delete", "daemonset/daemon", "--cascade=foreground")

    def test_3_pods_that_avoid_each_other_and_a_drained_node(self):
        tree = deployment("shy", 3, "sampan.dev/sample/web:1")
        tree["spec"]["template"]["spec"]["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "shy"}}}]}}
        self.cluster.apply(tree)
        self.cluster.kubectl("rollout", "status", "deployment/shy", "--timeout=90s")
        self.assertEqual(self.spread("shy"), sorted(self.names))
        self.cluster.kubectl("scale", "deployment/shy", "--replicas=4")
        message = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."
        until(lambda: message in self.cluster.kubectl("get", "events", "--field-selector=reason=FailedScheduling"), "the fourth waits")
        self.cluster.kubectl("scale", "deployment/shy", "--replicas=2")
        until(lambda: len(self.spread("shy")) == 2, "two are left")
        drained = self.spread("shy")[0]
        left = sorted(set(self.names) - {drained})
        self.cluster.kubectl("drain", drained, "--ignore-daemonsets", "--timeout=90s")
        until(lambda: self.spread("shy") == left, "they are on the others")
        self.assertIn("SchedulingDisabled", self.cluster.kubectl("get", "node", drained))
        self.cluster.kubectl("uncordon", drained)
        self.cluster.kubectl("delete", "deployment/shy", "--cascade=foreground")

    def test_4_pods_of_all_nodes_reach_each_other_and_survive_the_server(self):
        self.cluster.deploy("web", replicas=3)
        self.assertEqual(self.spread("web"), sorted(self.names))
        self.cluster.shell("visitor")
        self.cluster.fetch_until("visitor", "http://web")
        before = {pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["containerID"] for pod in self.cluster.get("pods")["items"]}
        self.instance.kill()
        self.instance.up()
        self.cluster.kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
        self.assertEqual(before, {
            pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["containerID"] for pod in self.cluster.get("pods")["items"]})
        self.cluster.fetch_until("visitor", "http://web")
        until(lambda: len(self.cluster.kubectl("top", "nodes", "--no-headers").splitlines()) == 3, "each node tells what is used")

    def test_5_a_volume_stays_with_its_node(self):
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
             "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "writer"}, "spec": {
                "nodeName": None, "nodeSelector": {"kubernetes.io/hostname": self.names[-1]}, "terminationGracePeriodSeconds": 0,
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
                "containers": [{"name": "c", "image": "sampan.dev/sample/web:1", "command": ["sh", "-c", "echo kept > /data/file; sleep 1000"],
                                "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}})
        self.cluster.ready("writer")
        volume = self.cluster.get("pvc/data")["spec"]["volumeName"]
        self.assertIn(self.names[-1], json.dumps(self.cluster.get(f"pv/{volume}")["spec"]["nodeAffinity"]))
        self.cluster.kubectl("delete", "pod/writer")
        self.cluster.shell("reader", volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
        self.assertEqual(self.cluster.get("pod/reader")["spec"]["nodeName"], self.names[-1])

    def test_6_how_many_is_said_once(self):
        refused = self.instance.sampan("cluster", "create", "crowd", "--nodes", "11", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("spec.nodes: Invalid value: 11: must be between 1 and 10, inclusive", refused.stderr)
        root = self.instance.root()
        changed = root.kubectl("patch", "virtualcluster", "nodes", "--type=merge", "-p", '{"spec":{"nodes":2}}', check=False)
        self.assertIn("spec.nodes: Invalid value: 2: field is immutable", changed.stderr)
        root.kubectl("patch", "virtualcluster", "nodes", "--type=merge", "-p", '{"spec":{"description":"three nodes"}}')


class RightAfterTheStart(APITest):
    def test_a_cluster_that_is_made_then_has_all_its_nodes(self):
        """Who finds none takes it for unusable, as upstream's suite does before its first test."""
        cluster = shared.new("early").cluster("early", "--nodes", "2")
        self.assertEqual(len(cluster.get("nodes")["items"]), 2)
