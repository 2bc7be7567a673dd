"""A machine that runs short: its nodes say so, take no more pods, and end those that have taken the most. The thresholds are raised above what is
there, so that nothing has to be filled."""

import os
import unittest

from harness import shared
from harness.cluster import pod
from harness.instance import Instance
from harness.registry import Registry
from harness.waiting import until

IMAGE = "sampan.dev/sample/web:1"
WAIT = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"


def total(word="MemTotal"):
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(word + ":"))


def quantity(text):
    """Of whole units, as nodes have them."""
    powers = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}
    return int(text[:-2]) << powers[text[-2:]] if text[-2:] in powers else int(text)


def container(command=WAIT, image=IMAGE, **resources):
    return {"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", command], "resources": {"requests": resources}}


def one(name, **fields):
    return pod(name, None, containers=[container(**fields.pop("container", {}))], **fields)


class NodePressure(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("pressure", options=["--eviction-pressure-transition-period", "3s"])
        cls.instance.sampan("image", "load", *shared.images())
        cls.modest, cls.greedy = cls.instance.cluster("modest"), cls.instance.cluster("greedy")
        cls.addClassCleanup(lambda: (shared.forget(cls.instance), cls.instance.stop()))

    def thresholds(self, text, soft="", *options):
        """The same instance with other thresholds; containers go on meanwhile."""
        self.instance.kill()
        self.instance.options = ["--eviction-hard", text, "--eviction-soft", soft, *options]
        self.instance.up()

    def setUp(self):
        self.thresholds("")
        self.addCleanup(self.clear, self.modest, self.greedy)

    def condition(self, cluster, kind):
        conditions = cluster.get("nodes")["items"][0]["status"]["conditions"]
        return next((c["status"], c["reason"], c["message"]) for c in conditions if c["type"] == kind)

    def taints(self, cluster):
        return [(taint["key"], taint["effect"]) for taint in cluster.get("nodes")["items"][0]["spec"].get("taints", [])]

    def status(self, cluster, name):
        return cluster.get(f"pod/{name}")["status"]

    def clear(self, *clusters):
        for cluster in clusters:
            cluster.kubectl("delete", "pods", "--all", "--force", "--grace-period=0")

    def test_memory(self):
        self.modest.apply(one("requested", container={"memory": "256Mi", "cpu": "10m"}), one("free"))
        memory = {"volumes": [{"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "200Mi"}}]}
        eater = container(f"dd if=/dev/zero of=/memory/file bs=1M count=64; {WAIT}")
        eater["volumeMounts"] = [{"name": "memory", "mountPath": "/memory"}]
        # Important in its cluster, and nowhere else.
        self.greedy.apply(
            {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "mine"}, "value": 1000000},
            pod("eater", None, containers=[eater], priorityClassName="mine", **memory))
        self.modest.ready("requested")
        self.modest.ready("free")
        self.greedy.ready("eater")
        until(lambda: "64+0 records out" in self.greedy.kubectl("logs", "eater"), "the memory is eaten")
        self.assertEqual(self.condition(self.greedy, "MemoryPressure"), ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"))

        self.thresholds(f"memory.available<{total()}Ki")
        status = until(lambda: (found := self.status(self.greedy, "eater"))["phase"] == "Failed" and found, "who has taken the most is ended")
        for name in ("requested", "free"):
            self.assertEqual(self.status(self.modest, name)["phase"], "Running")
        self.assertEqual(status["reason"], "Evicted")
        self.assertRegex(status["message"], r"^The node was low on resource: memory\. Threshold quantity: \d+[KMG]i, available: \d+[KMG]i\. "
                         r"Container main was using \d+[KMG]i, request is 0, has larger consumption of memory\. $")
        disruption = next(c for c in status["conditions"] if c["type"] == "DisruptionTarget")
        self.assertEqual((disruption["status"], disruption["reason"], disruption["message"]), ("True", "TerminationByKubelet", status["message"]))
        events = self.greedy.get("events", "--field-selector", "involvedObject.name=eater,reason=Evicted")["items"]
        self.assertEqual([(event["type"], event["message"]) for event in events], [("Warning", status["message"])])
        for cluster in (self.modest, self.greedy):
            self.assertEqual(self.condition(cluster, "MemoryPressure"),
                             ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"))
            self.assertEqual(self.condition(cluster, "DiskPressure")[0], "False")
            until(lambda: self.taints(cluster) == [("node.kubernetes.io/memory-pressure", "NoSchedule")], "the node has the taint")
            until(lambda: "Node vm status is now: NodeHasInsufficientMemory".replace("vm", os.uname().nodename.lower()) in cluster.kubectl(
                "get", "events", "--field-selector", "involvedObject.kind=Node"), "the node's event is there")
        self.assertIn("Attempting to reclaim memory", self.greedy.kubectl("get", "events", "--field-selector", "involvedObject.kind=Node"))

        # New pods aren't scheduled; who binds them without asking finds them refused, unless they have asked for something.
        node = self.greedy.get("nodes")["items"][0]["metadata"]["name"]
        self.greedy.apply(one("waits"), one("bound", nodeName=node))
        until(lambda: "untolerated taint(s)" in self.greedy.kubectl("get", "events", "--field-selector", "involvedObject.name=waits")
              or "untolerated taint {node.kubernetes.io/memory-pressure: }" in self.greedy.kubectl("get", "events", "--field-selector", "involvedObject.name=waits"),
              "the scheduler says why the pod waits")
        status = until(lambda: (found := self.status(self.greedy, "bound"))["phase"] == "Failed" and found, "the bound pod is refused")
        self.assertEqual((status["reason"], status["message"]), ("Evicted", "Pod was rejected: The node had condition: [MemoryPressure]. "))
        # A cluster that is made now has a node that says it, too.
        late = self.instance.cluster("late")
        until(lambda: self.condition(late, "MemoryPressure")[0] == "True", "a new cluster's node says it")
        # Who asked for more than it uses goes last.
        until(lambda: self.status(self.modest, "free")["phase"] == "Failed", "the next one is ended")
        self.assertEqual(self.status(self.modest, "requested")["phase"], "Running")

        self.thresholds("memory.available<1Mi")
        for cluster in (self.modest, self.greedy, late):
            until(lambda: self.condition(cluster, "MemoryPressure")[0] == "False", "the pressure is over")
            until(lambda: not self.taints(cluster), "the taint is gone")
        self.greedy.ready("waits")

    def test_disk_and_processes(self):
        registry = Registry(shared.images()[0])
        self.addCleanup(registry.close)
        # With a layer of its own: it isn't the image that was loaded.
        registry.corrupt("archive")()
        pulled = f"{registry.address}/unused:1"
        self.modest.apply(one("puller", container={"image": pulled}), one("small"))
        self.greedy.apply(one("writer", container={"command": f"dd if=/dev/zero of=/tmp/file bs=1M count=32; {WAIT}"}))
        for cluster, name in ((self.modest, "puller"), (self.modest, "small"), (self.greedy, "writer")):
            cluster.ready(name)
        until(lambda: "32+0 records out" in self.greedy.kubectl("logs", "writer"), "the disk is used")
        self.modest.kubectl("delete", "pod", "puller", "--force", "--grace-period=0")
        images = lambda: self.instance.sampan("image", "list", "-o", "name").stdout
        self.assertIn(pulled, images())
        space = os.statvfs(self.instance.directory)
        self.thresholds(f"nodefs.available<{space.f_blocks * space.f_frsize}")
        status = until(lambda: (found := self.status(self.greedy, "writer"))["phase"] == "Failed" and found, "who has written the most is ended")
        self.assertEqual(self.status(self.modest, "small")["phase"], "Running")
        self.assertRegex(status["message"], r"^The node was low on resource: ephemeral-storage\. Threshold quantity: \d+\w*, available: \d+\w*\. "
                         r"Container main was using \d+[KMG]i, request is 0, has larger consumption of ephemeral-storage\. $")
        # What can come again is removed as soon as no container has it; what was loaded by hand can't.
        until(lambda: pulled not in images(), "the image that nobody uses is removed")
        self.assertIn("sampan.dev/sample/web:2", images())
        self.assertEqual(self.condition(self.greedy, "DiskPressure"), ("True", "KubeletHasDiskPressure", "kubelet has disk pressure"))

        # It may have gone for the disk's sake meanwhile. However many processes there are, fewer than that are free.
        with open("/proc/sys/kernel/pid_max") as file:
            most = int(file.read())
        self.thresholds(f"pid.available<{most}")
        status = until(lambda: (found := self.status(self.modest, "small"))["phase"] == "Failed" and found, "the last one is ended")
        if "pids" in status["message"]:
            self.assertRegex(status["message"], r"^The node was low on resource: pids\. Threshold quantity: \d+, available: \d+k?\. $")
        self.thresholds("")
        until(lambda: {self.condition(self.modest, kind)[0] for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")} == {"False"},
              "without thresholds there is no pressure")

    def test_a_soft_threshold_waits_and_gives_time_to_end(self):
        """Hard ones end pods at once and within a second: this one takes two to end as it likes to."""
        slow = "trap 'sleep 2; echo ended; exit 7' TERM; while :; do sleep 1 & wait $!; done"
        self.greedy.apply(one("slow", container={"command": slow}, terminationGracePeriodSeconds=20))
        self.greedy.ready("slow")
        self.thresholds("", f"memory.available<{total()}Ki", "--eviction-soft-grace-period", "memory.available=15s",
                        "--eviction-max-pod-grace-period", "60")
        until(lambda: self.condition(self.greedy, "MemoryPressure")[0] == "True", "the node says so at once")
        self.assertEqual(self.status(self.greedy, "slow")["phase"], "Running", "no pod has to go yet")
        status = until(lambda: (found := self.status(self.greedy, "slow"))["phase"] == "Failed" and found, "the pod goes", timeout=90)
        self.assertEqual(status["reason"], "Evicted")
        ended = until(lambda: self.status(self.greedy, "slow")["containerStatuses"][0]["state"].get("terminated"), "its container has ended")
        self.assertEqual(ended["exitCode"], 7, ended)
        self.thresholds("")
        until(lambda: self.condition(self.greedy, "MemoryPressure")[0] == "False", "the pressure is over")

    def node(self):
        return self.modest.get("nodes")["items"][0]["status"]

    def test_what_can_be_allocated_is_what_is_left(self):
        whole = self.node()["capacity"]
        until(lambda: self.node()["allocatable"] == whole, "without thresholds and reservations it is everything")
        self.thresholds("memory.available<100Mi,nodefs.available<10%", "", "--kube-reserved", "cpu=200m,memory=1Gi,ephemeral-storage=1Gi",
                        "--system-reserved", "cpu=100m")
        left = until(lambda: (found := self.node()["allocatable"]) != whole and found, "less can be allocated")
        self.assertEqual(self.node()["capacity"], whole)
        self.assertEqual(left["cpu"], f"{int(whole['cpu']) * 1000 - 300}m")
        self.assertEqual(quantity(left["memory"]), quantity(whole["memory"]) - (1124 << 20))
        disk = quantity(whole["ephemeral-storage"])
        self.assertAlmostEqual(quantity(left["ephemeral-storage"]), disk - disk // 10 - (1 << 30), delta=1 << 10)
        # What no node could give waits; what only the whole machine could give does, too.
        self.modest.apply(pod("whole-machine", ["true"], containers=[{
            "name": "main", "image": "x", "resources": {"requests": {"memory": whole["memory"]}}}]))
        self.addCleanup(self.modest.kubectl, "delete", "pod/whole-machine", "--now", "--wait=false")
        until(lambda: "Insufficient memory" in str(self.modest.get("events", "--field-selector", "involvedObject.name=whole-machine")), "it waits")
        # One that is bound by somebody else is refused by the node.
        bound = pod("bound", None, nodeName=self.modest.get("nodes")["items"][0]["metadata"]["name"], containers=[{
            "name": "main", "image": "x", "resources": {"requests": {"cpu": whole["cpu"]}}}])
        self.modest.apply(bound)
        self.addCleanup(self.modest.kubectl, "delete", "pod/bound", "--now", "--wait=false")
        until(lambda: self.modest.get("pod/bound")["status"].get("reason") == "OutOfcpu", "it is refused")
        self.thresholds("", "", "--kube-reserved", "", "--system-reserved", "")
        until(lambda: self.node()["allocatable"] == whole, "everything again")

    def test_bad_reservations_are_refused(self):
        other = Instance("reservations", containers=False, start=False)
        self.addCleanup(other.stop)
        for text, why in (("gpu=1", 'cannot reserve "gpu" resource'), ("cpu=1000", "Expected capacity >= reservation"),
                          ("memory=-1", 'resource quantity for "memory" cannot be negative')):
            other.options = ["--system-reserved", text]
            with self.assertRaises(AssertionError) as refused:
                other.up()
            self.assertIn(why, str(refused.exception))

    def test_bad_thresholds_are_refused(self):
        other = Instance("thresholds", containers=False, start=False)
        self.addCleanup(other.stop)
        for text, why in (("cpu.available<1", "unsupported eviction signal cpu.available"), ("memory.available<120%", "must be >= 0%"),
                          ("memory.available", "isn't SIGNAL<QUANTITY")):
            other.options = ["--eviction-hard", text]
            with self.assertRaises(AssertionError) as refused:
                other.up()
            self.assertIn(why, str(refused.exception))
        other.options = ["--eviction-soft", "memory.available<1Gi"]
        with self.assertRaises(AssertionError) as refused:
            other.up()
        self.assertIn("grace period must be specified for the soft eviction threshold memory.available", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
