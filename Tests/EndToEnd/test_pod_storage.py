"""What pods take of the node's disk: pods that take more than they may are ended, and what all take is told."""

import json
import unittest

from harness import shared
from harness.cluster import pod
from harness.waiting import until
from test_storage import claim

IMAGE = "sampan.dev/sample/web:1"
WAIT = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"


def writing(name, megabytes, place, limits=None, volumes=(), mounts=()):
    return pod(name, None, volumes=list(volumes), containers=[{
        "name": "main", "image": IMAGE, "command": ["sh", "-c", f"dd if=/dev/zero of={place}/file bs=1M count={megabytes}; {WAIT}"],
        "resources": {"limits": limits or {}}, "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts]}])


class PodStorage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("pod-storage")
        cls.addClassCleanup(shared.instance().delete, "pod-storage")

    def test_who_takes_more_than_they_may_is_ended(self):
        scratch = [{"name": "scratch", "emptyDir": {"sizeLimit": "2Mi"}}]
        self.cluster.apply(
            writing("volume", 8, "/scratch", volumes=scratch, mounts=[("scratch", "/scratch")]),
            writing("root", 8, "/tmp", limits={"ephemeral-storage": "2Mi"}),
            writing("modest", 1, "/scratch", limits={"ephemeral-storage": "64Mi"}, volumes=scratch, mounts=[("scratch", "/scratch")]))
        for name, message in (
                ("volume", 'Usage of EmptyDir volume "scratch" exceeds the limit "2Mi". '),
                ("root", "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ")):
            with self.subTest(name):
                status = until(lambda: (found := self.cluster.get(f"pod/{name}")["status"])["phase"] == "Failed" and found, f"{name} is ended")
                self.assertEqual((status["reason"], status["message"]), ("Evicted", message))
                self.assertNotIn("DisruptionTarget", [condition["type"] for condition in status["conditions"]])
                events = self.cluster.get("events", "--field-selector", f"involvedObject.name={name},reason=Evicted")["items"]
                self.assertEqual([(event["type"], event["message"]) for event in events], [("Warning", message)])
                # Nothing of it runs.
                until(lambda: "running" not in self.cluster.get(f"pod/{name}")["status"]["containerStatuses"][0]["state"], "its container has ended")
        self.assertEqual(self.cluster.get("pod/modest")["status"]["phase"], "Running")
        self.cluster.kubectl("delete", "pod", "--all", "--force", "--grace-period=0")

    def test_what_is_used_is_told(self):
        self.cluster.apply(claim("kept"), writing("user", 3, "/data", volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": "kept"}}, {"name": "scratch", "emptyDir": {}}],
            mounts=[("data", "/data"), ("scratch", "/scratch")]))
        self.cluster.ready("user")
        self.cluster.exec("user", "dd", "if=/dev/zero", "of=/scratch/file", "bs=1M", "count=2")
        self.cluster.exec("user", "dd", "if=/dev/zero", "of=/root-file", "bs=1M", "count=1")
        node = self.cluster.get("nodes")["items"][0]["metadata"]["name"]
        proxy = f"/api/v1/nodes/{node}/proxy"

        def told():
            summary = json.loads(self.cluster.kubectl("get", "--raw", f"{proxy}/stats/summary"))
            mine = next((one for one in summary["pods"] if one["podRef"]["name"] == "user"), None)
            if not mine or "volume" not in mine:
                return None
            volumes = {one["name"]: one for one in mine["volume"]}
            mib = 1 << 20
            self.assertGreaterEqual(volumes["data"]["usedBytes"], 3 * mib)
            self.assertGreaterEqual(volumes["scratch"]["usedBytes"], 2 * mib)
            self.assertGreaterEqual(mine["containers"][0]["rootfs"]["usedBytes"], mib)
            return summary, mine, volumes
        summary, mine, volumes = until(told, "what was written is counted")
        self.assertEqual(volumes["data"]["pvcRef"], {"name": "kept", "namespace": "default"})
        self.assertNotIn("pvcRef", volumes["scratch"])
        # The pod's own: not what outlives it.
        self.assertGreaterEqual(mine["ephemeral-storage"]["usedBytes"], 3 << 20)
        self.assertLess(mine["ephemeral-storage"]["usedBytes"], volumes["data"]["usedBytes"] + (3 << 20))
        self.assertGreater(mine["containers"][0]["logs"]["usedBytes"], 0)
        self.assertEqual(mine["network"]["name"], "eth0")
        self.assertGreaterEqual(mine["process_stats"]["process_count"], 1)
        for place in (summary["node"]["fs"], volumes["data"], mine["ephemeral-storage"]):
            self.assertGreater(place["capacityBytes"], place["availableBytes"])
            self.assertGreater(place["inodesUsed"], 0)
        self.assertGreater(summary["node"]["rlimit"]["maxpid"], 0)
        runtime = summary["node"]["runtime"]
        self.assertGreater(runtime["imageFs"]["usedBytes"], 0)
        self.assertGreaterEqual(runtime["containerFs"]["usedBytes"], 1 << 20)
        # Who may see pods may see what they use.
        for role, allowed in (("view", "yes"), ("system:node", "no")):
            self.cluster.kubectl("create", "clusterrolebinding", f"{role.replace(':', '-')}-reader", f"--clusterrole={role}", f"--user={role}-user")
            said = self.cluster.kubectl("auth", "can-i", "list", "pods.metrics.k8s.io", f"--as={role}-user", check=False).stdout
            self.assertEqual(said.strip().splitlines()[-1], allowed, role)
        short = json.loads(self.cluster.kubectl("get", "--raw", f"{proxy}/stats/summary?only_cpu_and_memory=true"))
        self.assertNotIn("fs", short["node"])
        page = self.cluster.kubectl("get", "--raw", f"{proxy}/metrics")
        used = next(line for line in page.splitlines() if line.startswith('kubelet_volume_stats_used_bytes{namespace="default",persistentvolumeclaim="kept"}'))
        self.assertGreaterEqual(int(used.split()[1]), 3 << 20)
        self.assertIn("kubelet_running_pods ", page)
        # Another cluster sees nothing of it.
        other = shared.instance().cluster("pod-storage-other")
        self.addCleanup(shared.instance().delete, "pod-storage-other")
        other.shell("idle")
        self.assertNotIn("kept", other.kubectl("get", "--raw", f"{proxy}/metrics"))
        self.cluster.kubectl("delete", "pod", "user", "--force", "--grace-period=0")


if __name__ == "__main__":
    unittest.main()
