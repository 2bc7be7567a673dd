"""The server stops, or is killed, and starts again: pods go on as if nothing had been."""

import fcntl
import os
import signal
import subprocess
import threading
import unittest

from harness import shared
from harness.cluster import pod
from harness.waiting import until

TICK = "i=0; while :; do i=$((i+1)); echo $i > /tmp/next; mv /tmp/next /tmp/now; echo tick $i; sleep 0.2; done"


class Restart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("restart")
        cls.cluster.deploy("web", replicas=2)
        cls.cluster.shell("visitor")
        cls.cluster.apply(pod("ticker", ["sh", "-c", TICK]))
        cls.cluster.ready("ticker")
        cls.cluster.fetch_until("visitor", "http://web")

    def containers(self):
        """What mustn't change: of each pod its uid, address, and its containers' ids, starts and restarts."""
        return {
            item["metadata"]["name"]: (
                item["metadata"]["uid"], item["status"]["podIP"],
                [(s["containerID"], s["restartCount"], s["state"]["running"]["startedAt"]) for s in item["status"]["containerStatuses"]])
            for item in self.cluster.get("pods")["items"]}

    def check(self, number):
        before = self.containers()
        first = int(self.cluster.exec("ticker", "cat", "/tmp/now"))
        self.instance.signal(number)
        self.assertEqual(self.instance.status()["state"], "stopped")
        self.instance.up()
        self.cluster.kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
        self.assertEqual(self.containers(), before)
        self.assertGreater(int(self.cluster.exec("ticker", "cat", "/tmp/now")), first)
        self.assertIn("version 1", self.cluster.fetch_until("visitor", "http://web"))
        self.assertIn("tick 1\n", self.cluster.kubectl("logs", "ticker"))
        followed = subprocess.Popen(self.cluster.command("logs", "-f", "--tail=1", "ticker"), stdout=subprocess.PIPE, text=True)
        lines = [followed.stdout.readline() for _ in range(3)]
        followed.kill()
        followed.wait()
        self.assertTrue(all(line.startswith("tick ") for line in lines), lines)
        # What it adopted it still looks after.
        self.cluster.kubectl("scale", "deployment/web", "--replicas=3")
        self.cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        self.cluster.kubectl("scale", "deployment/web", "--replicas=2")
        until(lambda: len(self.cluster.get("pods", "-l", "app=web")["items"]) == 2, "the third pod is gone")

    def test_1_stopped_and_started(self):
        self.check(signal.SIGTERM)

    def test_2_killed_and_started(self):
        self.check(signal.SIGKILL)

    def test_3_notices_what_happened_meanwhile(self):
        """A container that ends while no server runs is found ended, and restarted by the next server."""
        self.cluster.apply(pod("brief", ["sh", "-c", "[ -e /tmp/seen ] || sleep 3; exit 4"]))
        self.cluster.ready("brief")
        self.instance.kill()
        import time
        time.sleep(4)
        self.instance.up()
        status = until(
            lambda: next((s for s in self.cluster.get("pod/brief")["status"]["containerStatuses"] if s["restartCount"] >= 1), None),
            "the ended container is restarted")
        self.assertEqual(status["lastState"]["terminated"]["exitCode"], 4)
        self.cluster.kubectl("delete", "pod/brief", "--wait=false")

    def test_4_started_while_a_killed_server_still_keeps_its_lock(self):
        """The kernel gives a lock back when it has taken the process apart, which may be after everybody saw it dead."""
        self.instance.kill()
        with open(os.path.join(self.instance.directory, "sampan.pid"), "a") as dying:
            fcntl.lockf(dying, fcntl.LOCK_EX)
            release = threading.Timer(1, fcntl.lockf, [dying, fcntl.LOCK_UN])
            release.start()
            self.assertTrue(self.instance.up()["started"])
            release.join()
        self.assertEqual(self.instance.status()["state"], "ready")
