"""What the conformance suite of v1.36 asks of pods whose resources change while they run (docs/conformance.md). One test for each of its tests,
named as it is in the first line of its text."""

import unittest

from harness import shared
from harness.api_test import APITest
from harness.waiting import until

PODS = "/api/v1/namespaces/default/pods"

# Upstream's, and what each container of a pod has more of it than the one before.
ORIGINAL, REDUCED, INCREASED = 20, 15, 25
STEP = 2


def requests(cpu=None, memory=None):
    """Amounts in thousandths of a processor and in mebibytes."""
    return {**({"cpu": f"{cpu}m"} if cpu is not None else {}), **({"memory": f"{memory}Mi"} if memory is not None else {})}


def resources(cpu=None, memory=None, cpu_limit=None, memory_limit=None):
    return {name: amounts for name, amounts in (("requests", requests(cpu, memory)), ("limits", requests(cpu_limit, memory_limit))) if amounts}


def guaranteed(*amounts):
    """A container for each (cpu, memory), which are its limits too, each a step above the last."""
    return [resources(*(2 * (cpu + STEP * index, memory + STEP * index))) for index, (cpu, memory) in enumerate(amounts)]


class ConformanceResize(APITest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("conf-resize")
        cls.addClassCleanup(shared.instance().delete, "conf-resize")

    def make(self, name, containers):
        self.ask("POST", PODS, {"metadata": {"name": name}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [
            {"name": f"c{number}", "image": "sampan.dev/sample/web:1", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "100000"], "resources": each}
            for number, each in enumerate(containers, 1)]}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")
        self.cluster.ready(name)
        self.acted(name, containers)

    def acted(self, name, containers):
        """Waits until the pod's containers have what they should, and compares what they're held to."""
        def told():
            tree = self.ask("GET", f"{PODS}/{name}")
            statuses = {each["name"]: each for each in tree["status"]["containerStatuses"]}
            for number, wanted in enumerate(containers, 1):
                status = statuses[f"c{number}"]
                self.assertEqual(status.get("resources", {}), wanted)
                self.assertEqual(status.get("allocatedResources", {}), wanted.get("requests", {}))
                self.assertEqual(status["restartCount"], 0)
            self.assertEqual([c["type"] for c in tree["status"]["conditions"] if c["type"].startswith("PodResize")], [])
            return tree
        tree = until(told, f"{name} is resized")
        self.assertEqual([c["resources"] for c in tree["spec"]["containers"]], containers)
        self.assertEqual(tree["status"]["observedGeneration"], tree["metadata"]["generation"])
        for number, wanted in enumerate(containers, 1):
            self.held(name, f"c{number}", wanted)

    def held(self, name, container, wanted):
        """Compares the container's control group with its resources."""
        say = "cd /sys/fs/cgroup; if [ -f cpu.max ]; then cat cpu.max memory.max; else cat cpu/cpu.cfs_quota_us memory/memory.limit_in_bytes cpu/cpu.shares; fi"
        said = self.cluster.kubectl("exec", name, "-c", container, "--", "sh", "-c", say).splitlines()
        limits = wanted.get("limits", {})
        if "cpu" in limits:
            # The kernel takes a thousandth of a second at least.
            self.assertEqual(said[0].split()[0], str(max(1000, int(limits["cpu"].removesuffix("m")) * 100)))
        else:
            self.assertIn(said[0].split()[0], ("-1", "max"))
        if "memory" in limits:
            self.assertEqual(said[1], str(int(limits["memory"].removesuffix("Mi")) << 20))
        if len(said) > 2:
            cpu = int(wanted.get("requests", {}).get("cpu", "0m").removesuffix("m"))
            self.assertEqual(said[2], str(max(2, cpu * 1024 // 1000)))

    def resized(self, name, before, after):
        """Has a pod's containers resized by a patch."""
        changes = [{"name": f"c{number}", "resources": wanted} for number, wanted in enumerate(after, 1) if wanted != before[number - 1]]
        patched = self.patch(f"{PODS}/{name}/resize", {"spec": {"containers": changes}}, self.STRATEGIC)
        self.assertEqual([c["resources"] for c in patched["spec"]["containers"]], after)
        self.acted(name, after)

    def there_and_back(self, name, before, after):
        self.make(name, before)
        self.resized(name, before, after)
        self.resized(name, after, before)

    def test_net_increase(self):
        """Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase"""
        self.there_and_back("net-increase", guaranteed(*[(ORIGINAL, ORIGINAL)] * 3),
                            guaranteed((INCREASED, INCREASED), (INCREASED, INCREASED), (REDUCED, REDUCED)))

    def test_net_decrease(self):
        """Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease"""
        self.there_and_back("net-decrease", guaranteed(*[(ORIGINAL, ORIGINAL)] * 3),
                            guaranteed((INCREASED, INCREASED), (REDUCED, REDUCED), (REDUCED, REDUCED)))

    def test_one_up_and_another_down(self):
        """Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2)"""
        self.there_and_back("mixed", guaranteed(*[(ORIGINAL, ORIGINAL)] * 3),
                            guaranteed((INCREASED, ORIGINAL), (REDUCED, INCREASED), (INCREASED, INCREASED)))

    def test_limits_and_requests_are_added(self):
        """Pod InPlace Resize Container burstable pods - extended 6 containers - various operations performed (including adding limits and requests)"""
        before = [resources(cpu=ORIGINAL), resources(memory=ORIGINAL), resources(ORIGINAL, ORIGINAL), resources(cpu=ORIGINAL), resources(memory=ORIGINAL)]
        self.make("various", before)
        self.resized("various", before, [
            resources(cpu=INCREASED, cpu_limit=35), resources(memory=REDUCED, memory_limit=35), resources(ORIGINAL, REDUCED),
            resources(REDUCED, ORIGINAL), resources(ORIGINAL, INCREASED)])

    def test_equivalents(self):
        """Pod InPlace Resize Container burstable pods - extended resize with equivalents"""
        self.there_and_back("equivalents", [resources(cpu=2, cpu_limit=10)], [resources(cpu=1, cpu_limit=5)])

    def test_the_replace_endpoint(self):
        """Pod InPlace Resize Container resize pod via the replace endpoint"""
        self.make("replaced", [resources(ORIGINAL, ORIGINAL)])
        tree = self.ask("GET", f"{PODS}/replaced")
        self.assertEqual(tree["metadata"]["generation"], 1)
        tree["spec"]["containers"][0]["resources"] = resources(INCREASED, INCREASED)
        self.ask("PUT", f"{PODS}/replaced/resize", tree)
        self.assertEqual(self.ask("GET", f"{PODS}/replaced")["metadata"]["generation"], 2)
        self.acted("replaced", [resources(INCREASED, INCREASED)])
        until(lambda: self.ask("GET", f"{PODS}/replaced") == self.ask("GET", f"{PODS}/replaced/resize"), "both endpoints say the same")


if __name__ == "__main__":
    unittest.main()
