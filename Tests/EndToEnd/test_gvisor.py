"""Pods with a kernel of their own: gVisor's runsc under containerd, for a RuntimeClass and for a whole cluster."""

import os
import subprocess
import time
import unittest

from harness import shared
from harness.cluster import pod
from harness.waiting import until

# What gVisor says it is.
KERNEL = "Linux version 4.4.0 "


def main(command, **fields):
    return {"name": "main", "image": "sampan.dev/sample/web:1", "command": ["sh", "-c", command], **fields}


class GVisor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("gvisor", "--isolation", "gvisor")

    def pending(self):
        return os.listdir(os.path.join(self.instance.directory, "containerd", "runsc-pending"))

    def status(self, name, container="main"):
        statuses = self.cluster.get("pod", name)["status"].get("containerStatuses", [])
        return next((s for s in statuses if s["name"] == container), None)

    def test_a_class_gives_one_pod_a_kernel_of_its_own(self):
        cluster = self.instance.cluster("gvisor-class")
        self.assertEqual(cluster.get("runtimeclass", "gvisor")["handler"], "runsc")
        cluster.apply(pod("inside", ["sleep", "600"], runtimeClassName="gvisor"), pod("outside", ["sleep", "600"]))
        for name in ("inside", "outside"):
            cluster.ready(name)
        self.assertTrue(cluster.exec("inside", "cat", "/proc/version").startswith(KERNEL))
        with open("/proc/version") as file:
            self.assertEqual(cluster.exec("outside", "cat", "/proc/version").strip(), file.read().strip())
        self.instance.delete("gvisor-class")

    def test_containers_of_a_sandbox_run_end_and_speak_as_any(self):
        cluster = self.cluster
        cluster.apply(pod(
            "many", [], initContainers=[{**main("echo first; cat /proc/version"), "name": "init"}],
            containers=[
                main("echo out; echo err >&2; sleep 600"), {**main("echo side; sleep 1; exit 3"), "name": "side"},
                {**main("cat"), "name": "reader", "stdin": True, "stdinOnce": True},
                {"name": "terminal", "image": "sampan.dev/sample/web:1", "command": ["sh"], "stdin": True, "tty": True}]))
        until(lambda: (self.status("many", "side") or {}).get("restartCount"), "the second start of what ended")
        self.assertEqual(self.status("many", "side")["lastState"]["terminated"]["exitCode"], 3)
        self.assertIn(KERNEL, cluster.kubectl("logs", "many", "-c", "init"))
        self.assertEqual(sorted(cluster.kubectl("logs", "many", "-c", "main").split()), ["err", "out"])
        self.assertEqual(cluster.exec("many", "sh", "-c", "cat; echo said >&2; exit 0", input="heard").strip(), "heard")
        failed = subprocess.run(
            cluster.command("exec", "many", "-c", "main", "--", "sh", "-c", "exit 7"), capture_output=True, text=True, timeout=60)
        self.assertEqual(failed.returncode, 7, failed.stderr)
        self.assertIn("told", cluster.kubectl("attach", "-i", "many", "-c", "reader", input="told\n"))
        until(lambda: "built-in shell" in cluster.kubectl("logs", "many", "-c", "terminal"), "the shell at its terminal")
        began = time.monotonic()
        cluster.kubectl("delete", "pod", "many", "--wait")
        self.assertLess(time.monotonic() - began, 30)
        until(lambda: not self.pending(), "nothing to be left of its containers")

    def test_its_network_is_the_pods(self):
        cluster = self.cluster
        cluster.deploy("sandboxed", replicas=2)
        cluster.shell("guest")
        cluster.fetch_until("guest", "http://sandboxed")
        self.assertTrue(cluster.exec("guest", "cat", "/proc/version").startswith(KERNEL))
        self.assertIn("10.96.0.1", cluster.exec("guest", "nslookup", "kubernetes.default.svc.cluster.local"))

    def test_nothing_in_the_cluster_leads_out_of_it(self):
        cluster = self.cluster
        cluster.apply(
            {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "out"}, "handler": "runc"},
            pod("escapes", ["sleep", "600"], runtimeClassName="out"))

        def message():
            events = cluster.get("events", "--field-selector", "involvedObject.name=escapes,reason=FailedCreatePodSandBox")["items"]
            return events[0]["message"] if events else None
        self.assertIn('its pods can\'t have the runtime handler "runc" of RuntimeClass "out"', until(message, "a refusal"))
        self.assertEqual(cluster.get("pod", "escapes")["status"]["phase"], "Pending")

    def test_a_sandbox_that_eats_its_memory_ends_and_another_begins(self):
        cluster = self.cluster
        limits = {"limits": {"memory": "32Mi", "cpu": "1"}}
        cluster.apply(pod("glutton", [], containers=[main("cat /proc/uptime; tail /dev/zero; echo survived", resources=limits)]))
        first = until(lambda: (self.status("glutton") or {}).get("containerID"), "a container")
        until(lambda: (self.status("glutton") or {}).get("containerID") not in (None, first), "another one", timeout=90)
        self.assertNotIn("survived", cluster.kubectl("logs", "glutton", check=False).stdout)
        cluster.kubectl("delete", "pod", "glutton", "--wait")

    def test_it_outlives_the_server_and_containerd(self):
        cluster = self.cluster
        cluster.apply(pod("lasting", ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i > /tmp/now; sleep 0.2; done"]))
        cluster.ready("lasting")
        before = self.status("lasting")
        with open(os.path.join(self.instance.directory, "containerd", "containerd.pid")) as file:
            containerd = int(file.read())
        self.instance.kill()
        os.kill(containerd, 9)
        self.instance.up()
        cluster.ready("lasting")
        after = self.status("lasting")
        self.assertEqual((after["containerID"], after["restartCount"]), (before["containerID"], before["restartCount"]))
        first = int(cluster.exec("lasting", "cat", "/tmp/now"))
        until(lambda: int(cluster.exec("lasting", "cat", "/tmp/now")) > first, "it to go on")
        self.assertIn("", cluster.kubectl("delete", "pod", "lasting", "--wait"))

    def test_another_class_is_refused_and_the_way_back_is_the_platforms(self):
        refused = self.instance.sampan("cluster", "create", "odd", "--isolation", "vm", check=False)
        self.assertIn('spec.isolation: Unsupported value: "vm": supported values: "shared", "gvisor"', refused.stderr)
