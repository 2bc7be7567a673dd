"""What else kubelet does for its node: leases that are renewed, pods that want AppArmor, and resources of pods as a whole."""

import calendar
import glob
import json
import os
import threading
import time
import unittest

from harness import shared
from harness.api_test import APITest
from harness.cluster import pod
from harness.waiting import until

IMAGE = "sampan.dev/sample/web:1"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
PODS = "/api/v1/namespaces/default/pods"


def seconds(text):
    return calendar.timegm(time.strptime(text.split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S"))


class NodeAgent(APITest):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("agent", "--nodes", "2", "--pod-security", "privileged")
        cls.addClassCleanup(cls.instance.delete, "agent")
        cls.nodes = {item["metadata"]["name"]: item for item in cls.cluster.get("nodes")["items"]}

    # Leases

    def leases(self):
        return {item["metadata"]["name"]: item for item in self.ask("GET", LEASES)["items"]}

    def test_a_lease_for_each_node_is_fresh_whenever_somebody_looks(self):
        found = self.leases()
        self.assertEqual(set(found), set(self.nodes))
        for name, lease in found.items():
            self.assertEqual((lease["spec"]["holderIdentity"], lease["spec"]["leaseDurationSeconds"]), (name, 40))
            self.assertRegex(lease["spec"]["renewTime"], r"\.\d{6}Z$")
            self.assertLess(abs(time.time() - seconds(lease["spec"]["renewTime"])), 15)
            self.assertEqual(lease["metadata"]["ownerReferences"], [
                {"apiVersion": "v1", "kind": "Node", "name": name, "uid": self.nodes[name]["metadata"]["uid"]}])
        # Looks of all kinds in a row are one renewal.
        again = self.leases()
        for path in (LEASES, "/apis/coordination.k8s.io/v1/leases", f"{LEASES}/{min(self.nodes)}"):
            self.ask("GET", path)
        self.assertEqual({name: lease["metadata"]["resourceVersion"] for name, lease in again.items()},
                         {name: lease["metadata"]["resourceVersion"] for name, lease in self.leases().items()})
        said = self.cluster.kubectl("describe", "node", min(self.nodes))
        self.assertRegex(said, rf"HolderIdentity: +{min(self.nodes)}\n")
        self.assertRegex(said, r"RenewTime: +\w{3}, \d\d \w{3}")
        # Whoever can't see them renews none.
        self.ask("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases")
        self.ask("GET", f"{LEASES}/somebody-else", code=404)

    def test_a_watch_has_them_renewed_and_made_anew(self):
        first, gone = sorted(self.nodes)
        version = self.ask("GET", LEASES)["metadata"]["resourceVersion"]
        events = []

        def watch():
            answer = self.cluster.request("GET", f"{LEASES}?watch=true&resourceVersion={version}&timeoutSeconds=13")
            events.extend(json.loads(line) for line in answer.body.splitlines())
        watching = threading.Thread(target=watch)
        watching.start()
        time.sleep(0.5)
        self.ask("DELETE", f"{LEASES}/{gone}")
        # A second one costs nothing.
        self.cluster.request("GET", f"{LEASES}?watch=true&resourceVersion={version}&timeoutSeconds=12")
        watching.join()
        seen = [(event["type"], event["object"]["metadata"]["name"]) for event in events]
        self.assertIn(("MODIFIED", first), seen)
        self.assertIn(("ADDED", gone), seen[seen.index(("DELETED", gone)):])
        times = [seconds(event["object"]["spec"]["renewTime"]) for event in events if event["object"]["metadata"]["name"] == first]
        self.assertLessEqual(len(times), 2, "each is renewed once in ten seconds, however many watch")

    def test_heartbeats_are_fresh_whenever_somebody_looks(self):
        name = max(self.nodes)
        old = {"lastHeartbeatTime": "2020-01-01T00:00:00Z"}
        answer = self.patch(f"/api/v1/nodes/{name}/status", {"status": {"conditions": [{"type": "Ready", **old}, {"type": "MemoryPressure", **old}]}},
                            self.STRATEGIC)
        self.assertIn(old["lastHeartbeatTime"], str(answer))
        # Others' reads don't show it.
        self.ask("GET", f"/api/v1/nodes/{min(self.nodes)}")
        for path in (f"/api/v1/nodes/{name}", "/api/v1/nodes"):
            tree = self.ask("GET", path)
            tree = tree if "items" not in tree else next(item for item in tree["items"] if item["metadata"]["name"] == name)
            for condition in tree["status"]["conditions"]:
                self.assertLess(abs(time.time() - seconds(condition["lastHeartbeatTime"])), 400, condition)
                self.assertNotEqual(condition["lastHeartbeatTime"], old["lastHeartbeatTime"])

    def test_a_lease_goes_with_its_node(self):
        other = self.instance.cluster("agent-other", "--nodes", "2")
        self.addCleanup(self.instance.delete, "agent-other")
        names = sorted(item["metadata"]["name"] for item in other.get("leases", "-n", "kube-node-lease")["items"])
        self.assertEqual(names, sorted(self.nodes))
        other.kubectl("delete", "node", names[1])
        until(lambda: [item["metadata"]["name"] for item in other.get("leases", "-n", "kube-node-lease")["items"]] == names[:1],
              "the lease is collected, and isn't made anew")

    # AppArmor

    @unittest.skipIf(os.path.exists("/sys/kernel/security/apparmor"), "the kernel has AppArmor: nothing is refused")
    def test_profiles_are_refused_where_nobody_enforces_them(self):
        context = {"type": "Localhost", "localhostProfile": "k8s-tight"}
        self.cluster.apply(pod("confined", None, containers=[
            {"name": "main", "image": IMAGE, "command": ["true"], "securityContext": {"appArmorProfile": context}}]))
        noted = pod("noted", ["true"])
        noted["metadata"]["annotations"] = {"container.apparmor.security.beta.kubernetes.io/main": "localhost/k8s-tight"}
        made = self.cluster.request("POST", PODS, noted)
        self.assertEqual(made.code, 201, made)
        self.assertEqual(made.json["spec"]["containers"][0]["securityContext"]["appArmorProfile"], context)
        self.assertIn("deprecated since v1.30; use the \\\"appArmorProfile\\\" field instead", made.headers.get("Warning", ""))
        self.cluster.apply(pod("free", ["true"], restartPolicy="Never", securityContext={"appArmorProfile": {"type": "Unconfined"}}))
        for name in ("confined", "noted"):
            status = until(lambda: (found := self.cluster.get(f"pod/{name}")["status"])["phase"] == "Failed" and found, f"{name} is refused")
            self.assertEqual((status["reason"], status["message"]), (
                "AppArmor", "Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host"))
            events = until(lambda: self.cluster.get("events", "--field-selector", f"involvedObject.name={name},reason=AppArmor")["items"], "it is told")
            self.assertEqual((events[0]["type"], events[0]["message"]), ("Warning", "Cannot enforce AppArmor: AppArmor is not enabled on the host"))
        until(lambda: self.cluster.get("pod/free")["status"]["phase"] == "Succeeded", "what is unconfined runs")
        self.cluster.kubectl("delete", "pod", "confined", "noted", "free", "--now", "--wait=false")

    # Resources of the pod as a whole

    def group(self, tree, file):
        """A number of the pod's control group, of v1 or v2."""
        uid = tree["metadata"]["uid"]
        names = {"memory": ("memory/*/pod{}/memory.limit_in_bytes", "*/pod{}/memory.max", "*/*pod{}*/memory.max"),
                 "cpu": ("cpu/*/pod{}/cpu.cfs_quota_us", "*/pod{}/cpu.max", "*/*pod{}*/cpu.max"),
                 "shares": ("cpu/*/pod{}/cpu.shares",)}[file]
        for name in names:
            for path in glob.glob("/sys/fs/cgroup/" + name.format(uid)) + glob.glob("/sys/fs/cgroup/" + name.format(uid.replace("-", "_"))):
                with open(path) as opened:
                    return int(opened.read().split()[0])
        return None

    def test_a_pod_as_a_whole_has_resources_and_is_resized(self):
        def container(name, **fields):
            return {"name": name, "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "100000"], **fields}
        self.cluster.apply(pod("whole", None, terminationGracePeriodSeconds=0, containers=[
            container("a"), container("b", resources={"requests": {"cpu": "20m"}, "limits": {"cpu": "100m", "memory": "16Mi"}})],
            resources={"requests": {"cpu": "100m", "memory": "50Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}}))
        self.addCleanup(self.cluster.kubectl, "delete", "pod/whole", "--now", "--wait=false")
        self.cluster.ready("whole")

        def told(requests, limits):
            tree = self.cluster.get("pod/whole")
            self.assertEqual(tree["status"]["allocatedResources"], requests)
            self.assertEqual(tree["status"]["resources"], {"requests": requests, "limits": limits})
            self.assertEqual([c["type"] for c in tree["status"]["conditions"] if c["type"].startswith("PodResize")], [])
            return tree
        tree = told({"cpu": "100m", "memory": "50Mi"}, {"cpu": "200m", "memory": "64Mi"})
        self.assertEqual((self.group(tree, "memory"), self.group(tree, "cpu")), (64 << 20, 20_000))
        self.assertIn(self.group(tree, "shares"), (102, None))
        limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
        self.assertEqual([self.cluster.kubectl("exec", "whole", "-c", name, "--", "sh", "-c", limit).strip() for name in "ab"],
                         [str(64 << 20), str(16 << 20)], "a container without a limit has the pod's")
        # More of one and less of the other at once.
        for requests, limits in (({"cpu": "150m", "memory": "40Mi"}, {"cpu": "300m", "memory": "48Mi"}),
                                 ({"cpu": "50m", "memory": "60Mi"}, {"cpu": "150m", "memory": "80Mi"})):
            self.cluster.kubectl("patch", "pod/whole", "--subresource=resize", "-p", json.dumps({"spec": {"resources": {"requests": requests, "limits": limits}}}))
            tree = until(lambda: told(requests, limits), "the pod is resized")
            self.assertEqual((self.group(tree, "memory"), self.group(tree, "cpu")),
                             (int(limits["memory"][:-2]) << 20, int(limits["cpu"][:-1]) * 100))
            self.assertEqual(self.cluster.kubectl("exec", "whole", "-c", "a", "--", "sh", "-c", limit).strip(), str(int(limits["memory"][:-2]) << 20))
            self.assertEqual([each["restartCount"] for each in tree["status"]["containerStatuses"]], [0, 0])
        reasons = {event["reason"] for event in self.cluster.get("events", "--field-selector", "involvedObject.name=whole")["items"]}
        self.assertLessEqual({"ResizeStarted", "ResizeCompleted"}, reasons)
        # What the node can't give, and what a resize can't change.
        self.patch(f"{PODS}/whole/resize", {"spec": {"resources": {"requests": {"cpu": "1000"}, "limits": {"cpu": "1000"}}}}, code=403)
        refused = self.cluster.request("PATCH", f"{PODS}/whole/resize", json.dumps([{"op": "remove", "path": "/spec/resources/limits/cpu"}]),
                                       content_type=self.JSON_PATCH)
        self.assertEqual(refused.code, 422, refused)
        self.assertIn("spec.resources.limits: Forbidden: pod-level resource limits cannot be removed", refused.json["message"])
        told({"cpu": "50m", "memory": "60Mi"}, {"cpu": "150m", "memory": "80Mi"})

    def test_a_pod_as_a_whole_ends_for_its_memory(self):
        """Both containers are below their own limits, and together above the pod's."""
        body = pod("full", None, restartPolicy="Never", containers=[
            {"name": name, "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["dd", "if=/dev/zero", "of=/dev/null", "bs=40M", "count=100000"],
             "resources": {"requests": {"memory": "1Mi"}, "limits": {"memory": "60Mi"}}} for name in "ab"],
            resources={"limits": {"memory": "64Mi"}})
        self.cluster.apply(body)
        self.addCleanup(self.cluster.kubectl, "delete", "pod/full", "--now", "--wait=false")
        until(lambda: any(each["state"].get("terminated", {}).get("reason") == "OOMKilled"
                          for each in self.cluster.get("pod/full")["status"].get("containerStatuses", [])), "one is ended for memory")


if __name__ == "__main__":
    unittest.main()
