"""The rough treatment that a node gets: kills, a reboot, a full disk, bad images, a network that fails, containers that take all they can.
Each ends as it would with upstream's node, and nothing stays of pods that are gone: counted before and after.

SAMPAN_E2E_PODS is how many pods run through the kills (30; a node of issue 6 has 200)."""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

from harness import holdings, settings, shared
from harness.cluster import pod
from harness.registry import Registry
from harness.waiting import until

PODS = int(os.environ.get("SAMPAN_E2E_PODS", "30"))
# Each cluster's node takes 110.
CLUSTERS = max(3, -(-PODS // 80))
IMAGE = "sampan.dev/sample/web:1"
IDLE = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"]


class Survival(unittest.TestCase):
    """An instance of its own, in which nothing else goes on."""

    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("survival", options=["--pod-pids-limit", "200"])
        cls.addClassCleanup(cls.drop)
        cls.instance.sampan("image", "load", *shared.images())
        cls.cluster = cls.instance.cluster("one")
        cls.before = holdings.of(cls.instance)

    @classmethod
    def drop(cls):
        cls.instance.stop()
        shared.forget(cls.instance)

    def tearDown(self):
        """Whatever a test did, when its pods are gone there's nothing more than before the first."""
        for cluster in self.instance.clusters.values():
            cluster.kubectl("delete", "deployment,pod,service", "--all", "--force", "--grace-period=0", "--wait=false")
        self.nothing_is_left()

    # How many sandboxes a killed containerd was making: it has leased the layers of what it makes for a day, and then gives them back itself.
    leased = 0

    def nothing_is_left(self):
        def same():
            more = holdings.more(self.before, holdings.of(self.instance))
            layers = more.get("layers", [])
            if 0 < len(layers) <= self.leased:
                more.pop("layers")
                self.before["layers"] = self.before["layers"] | set(layers)
            self.assertEqual(more, {})
            return True
        until(same, "everything of the pods is gone", timeout=90, interval=1)

    def status(self, name, cluster=None):
        return (cluster or self.cluster).get(f"pod/{name}")["status"]

    def said(self, name, reason):
        """The messages of a pod's events with that reason."""
        events = self.cluster.get("events", "--field-selector", f"involvedObject.name={name},reason={reason}")["items"]
        return [event["message"] for event in events]

    def engine(self):
        with open(os.path.join(self.instance.directory, "containerd", "containerd.pid")) as file:
            return int(file.read())

    def kill_engine(self):
        pid = self.engine()
        os.kill(pid, signal.SIGKILL)
        until(lambda: not os.path.exists(f"/proc/{pid}") or "Z (zombie)" in open(f"/proc/{pid}/status").read(), "containerd is dead", interval=0.01)
        return pid

    def engine_is_back(self, before):
        until(lambda: self.engine() != before, "containerd was started again")

    # Kills

    def crowd(self):
        """`PODS` pods in several clusters, and what mustn't change of them."""
        clusters = [self.instance.cluster(f"crowd-{number}") for number in range(CLUSTERS)]
        each = [PODS // CLUSTERS + (number < PODS % CLUSTERS) for number in range(CLUSTERS)]
        for cluster, count in zip(clusters, each):
            cluster.apply({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "crowd"},
                "spec": {"replicas": count, "selector": {"matchLabels": {"app": "crowd"}}, "template": {
                    "metadata": {"labels": {"app": "crowd"}}, "spec": pod("x", IDLE)["spec"]}}})
        for cluster in clusters:
            cluster.kubectl("rollout", "status", "deployment/crowd", "--timeout=600s", timeout=700)
        return clusters

    def lives(self, clusters):
        return {
            item["metadata"]["uid"]: (
                item["status"]["podIP"], [(s["containerID"], s["restartCount"], s["ready"]) for s in item["status"]["containerStatuses"]])
            for cluster in clusters for item in cluster.get("pods", "-l", "app=crowd")["items"] if not item["metadata"].get("deletionTimestamp")}

    def test_kills_of_the_server_and_of_containerd_with_many_pods_running(self):
        clusters = self.crowd()
        before = self.lives(clusters)
        self.assertEqual(len(before), PODS)
        full = holdings.of(self.instance)
        self.assertGreaterEqual(len(full["links"]), PODS)

        def as_before(what):
            until(lambda: self.assertEqual(self.lives(clusters), before) or True, f"all pods are as before {what}")
            name = clusters[-1].get("pods", "-l", "app=crowd")["items"][0]["metadata"]["name"]
            until(lambda: "here" in clusters[-1].exec(name, "echo", "here"), "commands run in them")
            until(lambda: self.assertEqual(holdings.more(full, holdings.of(self.instance)), {}) or True, f"nothing is twice {what}", interval=1)

        self.instance.kill()
        self.instance.up()
        as_before("a kill of the server")
        dead = self.kill_engine()
        self.engine_is_back(dead)
        as_before("a kill of containerd")
        # Both, while pods come and go.
        for cluster in clusters:
            cluster.kubectl("scale", "deployment/crowd", "--replicas=0")
            cluster.apply(*(pod(f"new-{number}", IDLE) for number in range(3)))
        self.leased = 3 * len(clusters)
        dead = self.kill_engine()
        self.instance.kill()
        self.instance.up()
        self.engine_is_back(dead)
        for cluster in clusters:
            for number in range(3):
                cluster.ready(f"new-{number}")
            until(lambda: not cluster.get("pods", "-l", "app=crowd")["items"], "those that were to go are gone")

    def test_what_a_reboot_leaves_is_brought_back_from_disk(self):
        """The machine isn't restarted; but what a restart takes away is: processes, mounts, namespaces, links, rules, control groups and the
        boot's id. What it leaves, the disk, is left."""
        cluster = self.cluster
        cluster.deploy("web", replicas=2)
        cluster.shell("visitor")
        cluster.fetch_until("visitor", "http://web")
        lives = {item["metadata"]["uid"]: item["status"]["containerStatuses"][0]["containerID"] for item in cluster.get("pods")["items"]}
        instance = self.instance
        instance.kill()
        self.kill_engine()
        for pid in holdings.shims(instance):
            os.kill(int(pid), signal.SIGKILL)
        for group in sorted(holdings.cgroups(instance), key=len, reverse=True):
            until(lambda: self.emptied(group), f"{group} is gone", interval=0.05)
        for path in sorted(holdings.mounts(instance), key=len, reverse=True):
            subprocess.run(["umount", "-l", path], check=False, capture_output=True)
        for link in holdings.links(instance):
            subprocess.run(["ip", "link", "delete", link], check=False, capture_output=True)
        subprocess.run(["nft", "delete", "table", "inet", holdings.table(instance)], check=True)
        # What it says of itself, in /run, which a reboot empties.
        os.unlink(f"/run/sampan/{instance.name}.json")
        with open(os.path.join(instance.directory, "containerd", "boot-id"), "w") as file:
            file.write("00000000-0000-0000-0000-000000000000\n")
        instance.up()

        def back():
            items = cluster.get("pods")["items"]
            self.assertEqual({item["metadata"]["uid"] for item in items}, set(lives))
            for item in items:
                status = item["status"]["containerStatuses"][0]
                self.assertTrue(status["ready"], status)
                self.assertNotEqual(status["containerID"], lives[item["metadata"]["uid"]])
                self.assertEqual(status["restartCount"], 1)
            return True
        until(back, "the same pods run, each container for the second time", timeout=120)
        self.assertIn("version 1", cluster.fetch_until("visitor", "http://web"))
        # Somebody empties the firewall while the server runs: it puts that right, and says so.
        subprocess.run(["nft", "delete", "table", "inet", holdings.table(instance)], check=True)
        until(lambda: 'sampan_healed_total{what="rules"} 1' in instance.root().kubectl("get", "--raw", "/metrics"), "the rules are set again", timeout=120)
        self.assertIn("version 1", cluster.fetch_until("visitor", "http://web"))
        self.assertRegex(instance.sampan("doctor", "--all", check=False).stdout, r"Put right by the server itself since its start: .*rules 1")

    @staticmethod
    def emptied(group):
        try:
            with open(os.path.join(group, "cgroup.procs")) as file:
                for pid in file.read().split():
                    os.kill(int(pid), signal.SIGKILL)
            os.rmdir(group)
        except ProcessLookupError:
            return False
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    # Images

    def test_an_image_that_is_corrupt(self):
        for what, damage, words in (
                ("a layer that isn't what its digest says", "digest", "failed"),
                ("a layer that is no archive", "archive", "failed")):
            with self.subTest(what):
                registry = Registry(shared.images()[0])
                self.addCleanup(registry.close)
                mend = registry.corrupt(damage)
                name = f"corrupt-{damage}"
                image = f"{registry.address}/sample/web:{damage}"
                self.cluster.apply(pod(name, IDLE, image=image))
                waiting = until(
                    lambda: (state := self.status(name)["containerStatuses"][0]["state"].get("waiting", {})).get("reason") == "ImagePullBackOff" and state,
                    "the pull is given up for a while")
                self.assertIn("Back-off pulling image", waiting["message"])
                self.assertIn("ErrImagePull", waiting["message"])
                self.assertEqual(self.status(name)["phase"], "Pending")
                self.assertTrue(any("Failed to pull image" in message and words in message for message in self.said(name, "Failed")), self.said(name, "Failed"))
                mend()
                # It goes on by itself, when the back-off is over.
                self.cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=150s")

    # The network

    def test_a_network_plugin_that_fails(self):
        """It fails after the cable is there: by a setting that no kernel has. Then it's mended."""
        folder = os.path.join(self.instance.directory, "cni", "net.d")
        path, = (os.path.join(folder, name) for name in os.listdir(folder))
        with open(path) as file:
            good = file.read()
        bad = json.loads(good)
        bad["plugins"].append({"type": "tuning", "sysctl": {"net.ipv4.conf.IFNAME.no_such_setting": "1"}})

        def write(text):
            with open(path + ".new", "w") as file:
                file.write(text)
            os.rename(path + ".new", path)
        self.addCleanup(write, good)
        write(json.dumps(bad))

        def failing():
            # containerd takes the file up when it hears of it.
            for name in list(names):
                if self.said(name, "FailedCreatePodSandBox"):
                    return name
                if self.status(name)["phase"] == "Running":
                    self.cluster.kubectl("delete", "pod", name, "--force", "--grace-period=0")
                    names.remove(name)
            if len(names) < 1:
                names.append(f"cut-{time.monotonic_ns()}")
                self.cluster.apply(pod(names[-1], IDLE))
            return None
        names = []
        name = until(failing, "a pod's network fails")
        self.assertIn("Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox", self.said(name, "FailedCreatePodSandBox")[0])
        self.assertEqual(self.status(name)["phase"], "Pending")
        until(lambda: len(self.said(name, "FailedCreatePodSandBox")) >= 1 and self.tried(name) >= 3, "it's tried again", timeout=90)
        with self.subTest("no attempt leaves anything in the network"):
            until(lambda: not (holdings.addresses(self.instance) or holdings.links(self.instance)) or None, "no cable and no address is left between attempts")
        write(good)
        self.cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=150s")
        self.assertEqual(len(holdings.addresses(self.instance)), 1)

    def tried(self, name):
        events = self.cluster.get("events", "--field-selector", f"involvedObject.name={name},reason=FailedCreatePodSandBox")["items"]
        return sum(event.get("count", 1) for event in events)

    # Greed

    def test_a_container_that_forks_without_end(self):
        self.cluster.shell("neighbour")
        self.cluster.apply(pod("bomb", None, containers=[{
            "name": "main", "image": IMAGE, "command": ["sh", "-c", "i=0; while [ $i -lt 400 ]; do sleep 1000 & i=$((i+1)); done; sleep 1000"],
            "resources": {"limits": {"cpu": "200m"}}}]))
        uid = self.cluster.get("pod/bomb")["metadata"]["uid"]

        def count(name):
            found = [path for path in holdings.cgroups(self.instance) if path.endswith(f"pod{uid}") or path.endswith(f"pod{uid.replace('-', '_')}.slice")]
            for path in found:
                try:
                    with open(os.path.join(path, name)) as file:
                        return file.read().strip()
                except FileNotFoundError:
                    continue
            return None
        until(lambda: count("pids.max") == "200", "the pod is kept to 200 processes")
        # The shell says so, and ends or goes on as it likes; the container may be started again.
        until(lambda: "can't fork" in self.cluster.kubectl("logs", "bomb", check=False).stdout + self.cluster.kubectl("logs", "bomb", "--previous", check=False).stdout,
              "the kernel refuses more")
        self.assertLessEqual(int(count("pids.current") or 0), 200)
        self.assertEqual(self.status("bomb")["phase"], "Running")
        self.assertIn("here", self.cluster.exec("neighbour", "echo", "here"))
        self.assertEqual(self.status("neighbour")["containerStatuses"][0]["restartCount"], 0)

    def test_a_container_that_eats_its_memory(self):
        self.cluster.shell("neighbour")
        self.cluster.apply(pod("glutton", None, containers=[{
            "name": "main", "image": IMAGE, "command": ["tail", "/dev/zero"],
            "resources": {"limits": {"memory": "32Mi"}}}]))
        ended = until(
            lambda: self.status("glutton").get("containerStatuses", [{}])[0].get("lastState", {}).get("terminated"), "it was ended and started again")
        self.assertEqual((ended["reason"], ended["exitCode"]), ("OOMKilled", 137))
        until(lambda: self.status("glutton")["containerStatuses"][0]["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff", "it is started ever later")
        self.assertEqual(self.status("neighbour")["containerStatuses"][0]["restartCount"], 0)


class FullDiskOfPods(unittest.TestCase):
    """The file system under everything, the engine's images and layers too, has no room left."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sampan-pd-", dir=settings.folder)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "sampan-test", self.folder], capture_output=True, text=True)
        if mounted.returncode != 0:
            os.rmdir(self.folder)
            self.skipTest(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
        self.instance = None

    def tearDown(self):
        if self.instance:
            self.instance.stop()
            shared.forget(self.instance)
        subprocess.run(["umount", self.folder], check=True)
        os.rmdir(self.folder)

    def test_pods_go_on_new_ones_wait_and_begin_when_there_is_room(self):
        self.instance = instance = shared.new("pod-disk", directory=self.folder)
        instance.sampan("image", "load", *shared.images())
        cluster = instance.cluster("full")
        before = holdings.of(instance)
        cluster.shell("first")
        life = cluster.get("pod/first")["status"]["containerStatuses"][0]["containerID"]
        # The new pod is stored while there is room; the engine has none for it.
        filler = os.path.join(self.folder, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * (1 << 20))
            except OSError:
                pass
        answer = cluster.request("POST", "/api/v1/namespaces/default/pods", pod("second", IDLE))
        if answer.code == 201:
            until(lambda: cluster.get("pod/second")["status"]["phase"] == "Pending", "it waits")
        else:
            self.assertRegex(answer.json["message"].lower(), r"disk|space")
        # What runs goes on. (A command in it needs room for runc's own files.)
        running = cluster.get("pod/first")["status"]["containerStatuses"][0]
        self.assertEqual((running["containerID"], running["ready"], running["restartCount"]), (life, True, 0))
        os.unlink(filler)
        if answer.code != 201:
            until(lambda: cluster.request("POST", "/api/v1/namespaces/default/pods", pod("second", IDLE)).code in (201, 409), "writes work again")
        cluster.ready("second")
        self.assertIn("here", cluster.exec("first", "echo", "here"))
        self.assertEqual(cluster.get("pod/first")["status"]["containerStatuses"][0]["containerID"], life)
        cluster.kubectl("delete", "pod", "--all", "--force", "--grace-period=0")
        until(lambda: self.assertEqual(holdings.more(before, holdings.of(instance)), {}) or True, "nothing is left", interval=1)


if __name__ == "__main__":
    unittest.main()
