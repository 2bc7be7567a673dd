"""What a pod's containers have together is what the pod may have: in the kernel, whichever way a tenant tries to get more."""

import json
import unittest

from harness import cgroups, shared
from harness.waiting import until

IMAGE = "sampan.dev/sample/web:1"
PODS = "/api/v1/namespaces/default/pods"
MEBI = 1 << 20
IDLE = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"]


def container(name="main", limits=None, requests=None, **fields):
    resources = {key: value for key, value in (("limits", limits), ("requests", requests)) if value}
    return {"name": name, "image": IMAGE, "command": IDLE, "resources": resources,
            "volumeMounts": [{"name": "memory", "mountPath": "/memory"}], **fields}


class PodGroup(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("grouped")
        cls.addClassCleanup(cls.instance.delete, "grouped")

    def make(self, name, *containers, cluster=None, ready=True, **spec):
        cluster = cluster or self.cluster
        tree = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
            "terminationGracePeriodSeconds": 0, "containers": list(containers), **spec,
            "volumes": [{"name": "memory", "emptyDir": {"medium": "Memory"}}]}}
        answer = cluster.request("POST", PODS, tree)
        self.assertEqual(answer.code, 201, answer)
        if ready:
            cluster.ready(name)
        self.addCleanup(cluster.kubectl, "delete", "pod", name, "--force", "--grace-period=0", "--ignore-not-found")
        return answer.json["metadata"]["uid"]

    def kept(self, uid):
        """Its memory and its processor time."""
        return (cgroups.memory(self.instance, uid), cgroups.processor(self.instance, uid))

    def test_a_pod_has_what_it_says(self):
        weights = {}
        for name, resources, kept in (
                ("guaranteed", [{"limits": {"cpu": "500m", "memory": "32Mi"}}, {"limits": {"cpu": "1", "memory": "16Mi"}}], (48 * MEBI, 150000)),
                ("burstable", [{"requests": {"cpu": "100m"}, "limits": {"memory": "32Mi"}}, {"requests": {"cpu": "150m"}}], (None, None)),
                ("nothing", [{}], (None, None))):
            uid = self.make(name, *(container(f"c{index}", **each) for index, each in enumerate(resources)))
            self.assertEqual(self.kept(uid), kept, name)
            weights[name] = cgroups.shares(self.instance, uid)
        self.assertAlmostEqual(weights["guaranteed"], 1536, delta=30)
        self.assertAlmostEqual(weights["burstable"], 256, delta=30)
        self.assertEqual(weights["nothing"], 2)

    def test_what_it_says_as_a_whole_holds(self):
        uid = self.make("whole", container(), container("second", limits={"memory": "16Mi"}),
                        resources={"limits": {"memory": "48Mi", "cpu": "250m"}, "requests": {"cpu": "100m"}})
        self.assertEqual(self.kept(uid), (48 * MEBI, 25000))
        result = self.cluster.exec("whole", "dd", "if=/dev/zero", "of=/memory/much", "bs=1M", "count=100", check=False)
        self.assertNotEqual(result.returncode, 0)

    def test_a_resize_moves_it_and_a_restart_of_the_server_keeps_it(self):
        uid = self.make("resized", container(limits={"cpu": "100m", "memory": "32Mi"}, requests={"cpu": "50m", "memory": "16Mi"}))

        def resize(memory, cpu):
            self.cluster.kubectl("patch", "pod", "resized", "--subresource=resize", "-p", json.dumps({"spec": {"containers": [
                {"name": "main", "resources": {"limits": {"memory": memory, "cpu": cpu}}}]}}))
        resize("64Mi", "200m")
        until(lambda: self.kept(uid) == (64 * MEBI, 20000), "the pod has more")
        resize("24Mi", "80m")
        until(lambda: self.kept(uid) == (24 * MEBI, 8000), "the pod has less")
        # As it may be with a server of before.
        cgroups.set_processor(self.instance, uid, 90000)
        self.instance.kill()
        self.instance.up()
        until(lambda: self.kept(uid) == (24 * MEBI, 8000), "the server sets it again")

    def test_no_way_leads_beyond_a_clusters_limit(self):
        cluster = self.instance.cluster("bounded", "--limit", "memory=512Mi", "--limit", "cpu=1")
        self.addCleanup(self.instance.delete, "bounded")

        def fills(pod, container):
            """Whether a container of a pod can have 300 MiB."""
            result = cluster.kubectl(
                "exec", pod, "-c", container, "--", "dd", "if=/dev/zero", "of=/memory/much", "bs=1M", "count=300", check=False)
            cluster.kubectl("exec", pod, "-c", container, "--", "rm", "-f", "/memory/much", check=False)
            return result.returncode == 0

        uid = self.make("zero", container(limits={"memory": "0"}, requests={"cpu": "0"}), cluster=cluster)
        self.assertEqual(cluster.get("pod", "zero")["spec"]["containers"][0]["resources"]["limits"]["memory"], "256Mi")
        self.assertEqual(cgroups.memory(self.instance, uid), 256 * MEBI)
        self.assertFalse(fills("zero", "main"))
        refused = cluster.kubectl("patch", "pod", "zero", "--subresource=resize", "-p", json.dumps({"spec": {"containers": [
            {"name": "main", "resources": {"limits": {"memory": "0"}}}]}}), check=False)
        self.assertEqual(cgroups.memory(self.instance, uid), 256 * MEBI, refused)

        uid = self.make("later", container(limits={"memory": "32Mi"}), cluster=cluster)
        cluster.kubectl("patch", "pod", "later", "--subresource=ephemeralcontainers", "-p", json.dumps({"spec": {"ephemeralContainers": [
            {key: value for key, value in container("late").items() if key != "resources"}]}}))
        until(lambda: "running" in (cluster.get("pod", "later")["status"].get("ephemeralContainerStatuses") or [{}])[0].get("state", {}),
              "the ephemeral container runs")
        self.assertFalse(fills("later", "late"))
