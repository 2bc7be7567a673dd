"""The disk under the data directory is full: the API says so, stays readable, and recovers by itself."""

import os
import subprocess
import tempfile
import unittest

from harness import settings, shared, system
from harness.waiting import until

MAPS = "/api/v1/namespaces/default/configmaps"


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sampan-disk-", dir=settings.folder)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "sampan-test", self.folder], capture_output=True, text=True)
        if mounted.returncode != 0:
            os.rmdir(self.folder)
            self.skipTest(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")

    def tearDown(self):
        def unmount():
            unmounted = subprocess.run(["umount", self.folder], capture_output=True, text=True)
            self.assertEqual(unmounted.returncode, 0, f"{unmounted.stderr}{system.users_of(self.folder)}")
            return True

        # A container that another instance starts at this moment has a copy of the mount until it has its own root.
        until(unmount, "the disk is unmounted", timeout=10)
        os.rmdir(self.folder)

    def test_says_so_stays_readable_and_recovers(self):
        instance = shared.new("disk", containers=False, directory=self.folder)
        cluster = instance.cluster("full")

        def create(name, size=200_000):
            return cluster.request("POST", MAPS, {
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"fill": "x" * size}})

        filler = os.path.join(self.folder, "filler")
        with open(filler, "wb", buffering=0) as file:
            free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
            file.write(b"\0" * max(free - (8 << 20), 0))

        written, refused = [], None
        for i in range(200):
            answer = create(f"m{i}")
            if answer.code != 201:
                refused = answer
                break
            written.append(f"m{i}")
        self.assertIsNotNone(refused, "the disk never got full")
        self.assertGreater(len(written), 2)
        self.assertGreaterEqual(refused.code, 500, refused)
        status = refused.json
        self.assertEqual((status["kind"], status["status"]), ("Status", "Failure"))
        self.assertRegex(status["message"].lower(), r"disk|space")

        with self.subTest("stays readable"):
            self.assertEqual(cluster.request("GET", f"{MAPS}/{written[-1]}").code, 200)
            names = {item["metadata"]["name"] for item in cluster.request("GET", MAPS).json["items"]}
            self.assertEqual(names - {"kube-root-ca.crt"}, set(written), "exactly what was acknowledged is there")
            self.assertEqual(cluster.request("GET", "/livez").code, 200)
        with self.subTest("goes on saying so"):
            self.assertGreaterEqual(create("again").code, 500)
        with self.subTest("recovers"):
            os.unlink(filler)
            until(lambda: create("recovered", 100).code in (201, 409), "writes work again", timeout=30)
        with self.subTest("keeps everything over a restart"):
            instance.kill()
            instance.up()
            names = {item["metadata"]["name"] for item in cluster.request("GET", MAPS).json["items"]}
            self.assertEqual(names - {"kube-root-ca.crt"}, set(written) | {"recovered"})
        instance.stop()
        shared.forget(instance)
