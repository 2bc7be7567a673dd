"""What the conformance suite of v1.36 asks of pods whose resources change while they run (docs/conformance.md). One test for each of its tests,
named as it is in the first line of its text; then what upstream's other tests ask of them."""

import threading
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


class ResizeTest(APITest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("conf-resize")
        cls.addClassCleanup(shared.instance().delete, "conf-resize")

    @staticmethod
    def container(name, resources, **fields):
        return {"name": name, "image": "sampan.dev/sample/web:1", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "100000"],
                "resources": resources, **fields}

    def make(self, name, containers, **fields):
        self.ask("POST", PODS, {"metadata": {"name": name}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [
            self.container(f"c{number}", each, **fields) for number, each in enumerate(containers, 1)]}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")
        self.cluster.ready(name)
        self.acted(name, containers)

    def acted(self, name, containers, restarts=0):
        """Waits until the pod's containers have what they should, and compares what they're held to."""
        def told():
            tree = self.ask("GET", f"{PODS}/{name}")
            statuses = {each["name"]: each for each in tree["status"]["containerStatuses"]}
            for number, wanted in enumerate(containers, 1):
                status = statuses[f"c{number}"]
                self.assertEqual(status["resources"], wanted)
                self.assertEqual(status.get("allocatedResources", {}), wanted.get("requests", {}))
                self.assertEqual((status["restartCount"], "running" in status["state"]), (restarts, True))
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

    def resized(self, name, before, after, restarts=0):
        """Has a pod's containers resized by a patch."""
        changes = [{"name": f"c{number}", "resources": wanted} for number, wanted in enumerate(after, 1) if wanted != before[number - 1]]
        patched = self.patch(f"{PODS}/{name}/resize", {"spec": {"containers": changes}}, self.STRATEGIC)
        self.assertEqual([c["resources"] for c in patched["spec"]["containers"]], after)
        self.acted(name, after, restarts)

    def there_and_back(self, name, before, after):
        self.make(name, before)
        self.resized(name, before, after)
        self.resized(name, after, before)


class ConformanceResize(ResizeTest):
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


class Resize(ResizeTest):
    REFUSED = [
        # What the containers have, what they're to have, and what's said of it.
        ({}, resources(memory=ORIGINAL), "Pod QOS Class may not change as a result of resizing"),
        ({}, resources(cpu=ORIGINAL), "Pod QOS Class may not change as a result of resizing"),
        (resources(20, 20, 35, 35), resources(35, 35, 35, 35), "Pod QOS Class may not change as a result of resizing"),
        (resources(20, 20, 20, 20), resources(20, 20), "resource limits cannot be removed"),
        (resources(20, 20, 35, 35), resources(25, 25), "resource limits cannot be removed"),
        (resources(memory=ORIGINAL), {}, "resource requests cannot be removed"),
        (resources(cpu=ORIGINAL), {}, "resource requests cannot be removed"),
        ({"requests": {"cpu": "20m", "ephemeral-storage": "1"}}, {"requests": {"cpu": "20m", "ephemeral-storage": "3"}},
         "only cpu and memory resources are mutable"),
    ]

    def refuse(self, name, containers, said, **others):
        before = self.ask("GET", f"{PODS}/{name}")["spec"]

        def tried():
            tree = self.ask("GET", f"{PODS}/{name}")
            tree["spec"] = {**before, "containers": containers, **others}
            answer = self.cluster.request("PUT", f"{PODS}/{name}/resize", tree)
            # Its status may be written meanwhile.
            return None if answer.code == 409 else answer
        answer = until(tried, "the pod isn't written meanwhile")
        self.assertEqual((answer.code, answer.json["reason"]), (422, "Invalid"), answer)
        self.assertIn(said, answer.json["message"])
        # For one reason only: a container without requests says that it can be resized, too.
        self.assertNotIn("without support for resize", answer.json["message"])
        self.assertEqual(self.ask("GET", f"{PODS}/{name}")["spec"], before)

    def test_what_is_refused(self):
        for number, (before, after, said) in enumerate(self.REFUSED):
            with self.subTest(before=before, after=after):
                name = f"refused-{number}"
                self.make(name, [before])
                containers = self.ask("GET", f"{PODS}/{name}")["spec"]["containers"]
                self.refuse(name, [{**containers[0], "resources": after}], said)

    def test_containers_keep_their_names_and_order(self):
        self.make("order", [resources(cpu=ORIGINAL)] * 2)
        one, two = self.ask("GET", f"{PODS}/order")["spec"]["containers"]
        for containers in ([two, one], [{**one, "name": "new1"}, {**two, "name": "new2"}]):
            self.refuse("order", containers, ", ".join(
                f"spec.containers[{number}].name: Forbidden: containers may not be renamed or reordered on resize" for number in (0, 1)))

    def test_init_containers_that_end_keep_theirs(self):
        self.ask("POST", PODS, {"metadata": {"name": "init"}, "spec": {
            "initContainers": [self.container("first", resources(ORIGINAL, ORIGINAL))], "containers": [self.container("c1", {})]}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{PODS}/init?gracePeriodSeconds=0")
        until(lambda: self.ask("GET", f"{PODS}/init")["spec"].get("nodeName"), "the pod has its node")
        spec = self.ask("GET", f"{PODS}/init")["spec"]
        self.refuse("init", spec["containers"], "resources for non-sidecar init containers are immutable",
                    initContainers=[{**spec["initContainers"][0], "resources": resources(INCREASED, INCREASED)}])

    def test_sidecars_are_resized(self):
        before, after = resources(ORIGINAL, ORIGINAL, 30, 30), resources(INCREASED, INCREASED, 35, 35)
        self.ask("POST", PODS, {"metadata": {"name": "sidecar"}, "spec": {
            "terminationGracePeriodSeconds": 0, "containers": [self.container("c1", before)],
            "initContainers": [self.container("side", before, restartPolicy="Always")]}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{PODS}/sidecar?gracePeriodSeconds=0")
        self.cluster.ready("sidecar")
        self.patch(f"{PODS}/sidecar/resize", {"spec": {"initContainers": [{"name": "side", "resources": after}]}}, self.STRATEGIC)
        status = lambda: self.ask("GET", f"{PODS}/sidecar")["status"]["initContainerStatuses"][0]
        until(lambda: status().get("resources") == after, "the sidecar is resized")
        self.assertEqual(status()["restartCount"], 0)
        self.held("sidecar", "side", after)
        self.held("sidecar", "c1", before)

    def test_containers_are_started_anew_where_they_want_it(self):
        before, more_cpu, more_memory = resources(20, 20, 30, 30), resources(25, 20, 35, 30), resources(25, 25, 35, 35)
        self.make("policy", [before], resizePolicy=[{"resourceName": "cpu", "restartPolicy": "NotRequired"},
                                                    {"resourceName": "memory", "restartPolicy": "RestartContainer"}])
        self.resized("policy", [before], [more_cpu])
        self.resized("policy", [more_cpu], [more_memory], 1)
        self.resized("policy", [more_memory], [before], 2)

    def test_limits_below_what_is_used(self):
        before, little = resources(memory=ORIGINAL, memory_limit=ORIGINAL), {"requests": {"memory": "10Ki"}, "limits": {"memory": "10Ki"}}
        self.make("below", [before])
        self.patch(f"{PODS}/below/resize", {"spec": {"containers": [{"name": "c1", "resources": little}]}}, self.STRATEGIC)
        found = until(lambda: (found := self.condition(self.ask("GET", f"{PODS}/below"), "PodResizeInProgress")) and found.get("reason") and found,
                      "the condition tells what's wrong")
        self.assertEqual(found["reason"], "Error")
        self.assertRegex(found["message"], r"memory limit \(\d+\) below current usage")
        self.assertIsNone(self.condition(self.ask("GET", f"{PODS}/below"), "PodResizePending"))
        self.assertEqual(self.ask("GET", f"{PODS}/below")["status"]["containerStatuses"][0]["resources"], before)
        self.resized("below", [little], [before])

    def test_of_two_at_once_that_do_not_both_fit_one_waits(self):
        """Which of them is chance; that it's exactly one isn't."""
        node = self.cluster.get("nodes")["items"][0]["status"]["allocatable"]["cpu"]
        most = int(node) * 600
        names, before, after = ("first", "second"), resources(cpu=ORIGINAL), resources(cpu=most)
        for name in names:
            self.make(name, [before])

        def ask(name, wanted):
            self.patch(f"{PODS}/{name}/resize", {"spec": {"containers": [{"name": "c1", "resources": wanted}]}}, self.STRATEGIC)

        def state(name):
            tree = self.ask("GET", f"{PODS}/{name}")
            if tree["status"]["containerStatuses"][0].get("resources") == after:
                return "resized"
            pending = self.condition(tree, "PodResizePending")
            return pending and pending["reason"]

        for _ in range(5):
            both = [threading.Thread(target=ask, args=(name, after)) for name in names]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()
            states = until(lambda: (found := sorted(map(str, map(state, names)))) and "None" not in found and found, "both are decided")
            self.assertEqual(states, ["Deferred", "resized"])
            for name in names:
                ask(name, before)
            for name in names:
                self.acted(name, [before])


if __name__ == "__main__":
    unittest.main()
