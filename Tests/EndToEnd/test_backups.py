"""Backups while clusters are written to: of one moment, checked, removed when old, and a restore elsewhere has what was acknowledged."""

import json
import os
import re
import shutil
import stat
import subprocess
import threading
import time
import unittest

from harness import settings, shared
from harness.cluster import Cluster, Connection
from harness.instance import Instance
from harness.waiting import until

MAPS = "/api/v1/namespaces/default/configmaps"


class Writer(threading.Thread):
    """Makes numbered config maps and secrets until it is told to stop; knows which were acknowledged."""

    def __init__(self, cluster):
        super().__init__()
        self.cluster, self.acknowledged, self.stopping = cluster, [], False

    def run(self):
        number = 0
        while not self.stopping:
            body = {"metadata": {"name": f"n{number}"}, "data": {"number": str(number)}}
            answer = self.cluster.request("POST", MAPS, body)
            if answer.code == 201:
                self.acknowledged.append((f"n{number}", answer.json["metadata"]["uid"]))
            number += 1

    def stop(self):
        self.stopping = True
        self.join()


class Backups(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("backed", containers=False)

    def restored(self, label, backup, *options):
        """A new instance that is made of a backup."""
        instance = Instance(label, containers=False, start=False)
        self.addCleanup(instance.stop)
        instance.sampan("restore", backup, *options)
        instance.up()
        return instance

    def test_a_restore_elsewhere_has_what_was_acknowledged(self):
        instance = self.instance
        instance.sampan("team", "create", "crew", "--member", "ann=developer")
        instance.sampan("cluster", "create", "own", "--team", "crew")
        clusters = {name: instance.cluster(name) for name in ("east", "west")}
        clusters["east"].kubectl("create", "secret", "generic", "word", "--from-literal=word=shibboleth")
        token = clusters["east"].kubectl("create", "token", "default").strip()
        instance.cluster("kept").kubectl("create", "configmap", "in-kept")
        instance.sampan("cluster", "delete", "kept")
        writers = {name: Writer(cluster) for name, cluster in clusters.items()}
        for writer in writers.values():
            writer.start()
        try:
            until(lambda: all(len(writer.acknowledged) > 50 for writer in writers.values()), "there is something to back up")
            before = {name: list(writer.acknowledged) for name, writer in writers.items()}
            said = instance.sampan("backup", "create")
            until(lambda: all(len(writer.acknowledged) > len(before[name]) for name, writer in writers.items()), "they went on meanwhile")
        finally:
            for writer in writers.values():
                writer.stop()
        self.assertIn("keys.json", said.stderr)
        backup = said.stdout.split(": ")[0]
        (found,) = json.loads(instance.sampan("backup", "list", "-o", "json").stdout)
        self.assertEqual((found["name"], found["deletedClusters"]), (os.path.basename(backup), 1))
        self.assertIn("good", instance.sampan("backup", "verify").stdout)
        for name in os.listdir(backup):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(backup, name)).st_mode), 0o600)
            with open(os.path.join(backup, name), "rb") as file:
                text = file.read()
            # Neither secrets nor keys are in it in the clear.
            for word in (b"shibboleth", b"c2hpYmJvbGV0aA", b"PRIVATE KEY", json.load(open(os.path.join(instance.directory, "store", "keys.json")))["keys"][0]["key"].encode()):
                self.assertNotIn(word, text)

        other = self.restored("elsewhere", backup)
        for name, writer in writers.items():
            with self.subTest(name):
                there = Cluster(name, clusters[name].kubeconfig)
                there.url = f"https://127.0.0.1:{other.api_port}/clusters/{name}"
                # An old kubeconfig's certificate, and the authority that it knows.
                items = there.request("GET", f"{MAPS}?limit=100000").json["items"]
                numbered = [(m["metadata"]["name"], m["metadata"]["uid"]) for m in items if re.fullmatch(r"n\d+", m["metadata"]["name"])]
                self.assertLessEqual(set(before[name]), set(numbered))
                # Of one moment: what was written one after another is there up to some point.
                self.assertEqual({n for n, _ in numbered}, {f"n{i}" for i in range(len(numbered))})
                self.assertLessEqual(set(numbered[:-1]), set(writer.acknowledged) | {numbered[-1]})
                # Whoever watched beyond it lists again.
                greatest = clusters[name].request("GET", f"{MAPS}?limit=1").json["metadata"]["resourceVersion"]
                watch = there.request("GET", f"{MAPS}?watch=true&resourceVersion={greatest}&timeoutSeconds=1")
                self.assertIn("Expired", watch.body.decode())
        there = Cluster("east", clusters["east"].kubeconfig)
        there.url = f"https://127.0.0.1:{other.api_port}/clusters/east"
        self.assertEqual(there.request("GET", "/api/v1/namespaces/default/secrets/word").json["data"]["word"], "c2hpYmJvbGV0aA==")
        connection = Connection(there.url, other.root().authority, token=token)
        self.addCleanup(connection.close)
        self.assertEqual(connection.request("GET", "/version").code, 200)
        self.assertEqual(json.loads(other.sampan("team", "list", "-o", "json").stdout)["items"][0]["metadata"]["name"], "crew")
        self.assertIn("own", other.sampan("cluster", "list", "-o", "name").stdout)
        # It goes on: writes, new clusters, and what was deleted before can be brought back.
        self.assertEqual(there.request("POST", MAPS, {"metadata": {"name": "after"}}).code, 201)
        other.sampan("cluster", "undelete", "kept")
        self.assertEqual(other.cluster("kept").get("configmap/in-kept")["metadata"]["name"], "in-kept")
        other.cluster("fresh")

    def test_what_isnt_good_is_told_and_not_restored(self):
        instance = self.instance
        instance.cluster("some")
        backup = instance.sampan("backup", "create").stdout.split(": ")[0]
        self.addCleanup(shutil.rmtree, backup, True)
        target = os.path.join(instance.directory, "target")
        keys = os.path.join(instance.directory, "other-keys.json")
        shutil.copy(os.path.join(shared.new("stranger", containers=False).directory, "store", "keys.json"), keys)
        for option, why in ((("--keys", keys), "keys.json"), (("--keys", keys + ".none"), "keys"), (("--pki", keys + ".none"), "no directory")):
            refused = self.restore(backup, target, *option)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(why, refused.stderr)
            self.assertFalse(os.path.exists(os.path.join(target, "store", "store.sqlite")))
        with open(os.path.join(backup, "store.sqlite"), "r+b") as file:
            file.seek(20000)
            file.write(b"\xff")
        verified = instance.sampan("backup", "verify", os.path.basename(backup), check=False)
        self.assertEqual(verified.returncode, 1)
        self.assertIn("not good", verified.stdout)
        self.assertNotEqual(self.restore(backup, target).returncode, 0)
        # Not into a directory that has a store.
        self.assertNotEqual(self.restore(backup, instance.directory).returncode, 0)

    def restore(self, backup, target, *options):
        return subprocess.run([settings.binary, "restore", backup, "--data-dir", target, *options], capture_output=True, text=True)


class Schedule(unittest.TestCase):
    def test_the_server_makes_checks_and_removes_them(self):
        instance = shared.new("punctual", containers=False, options=("--backup-schedule", "0 3 * * *", "--backup-time-zone", "Europe/Berlin", "--backup-keep", "2"))
        names = lambda: instance.sampan("backup", "list", "-o", "name").stdout.split()
        # None was made since it was last due.
        first = until(names, "the first one")
        state = instance.status()
        self.assertEqual(state["backup"]["lastBackup"], first[0])
        self.assertEqual(state["backup"]["failure"], "")
        self.assertRegex(state["backup"]["nextTime"], r"T0[12]:00:00Z")
        metrics = instance.root().request("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r"(?m)^sampan_backups_total 1$")
        self.assertRegex(metrics, r"(?m)^sampan_backup_failing 0")
        for _ in range(2):
            time.sleep(1.1)
            instance.sampan("backup", "create")
        self.assertEqual(len(names()), 3)
        # Once more it has been due; only so many are kept, the newest.
        state = json.load(open(os.path.join(instance.directory, "backup-state.json")))
        instance.kill()
        with open(os.path.join(instance.directory, "backup-state.json"), "w") as file:
            json.dump({**state, "lastSuccessTime": "2020-01-01T00:00:00Z"}, file)
        before = names()
        time.sleep(1.1)
        instance.up()
        until(lambda: len(names()) == 2 and names()[0] not in before, "the oldest have gone")
        self.assertEqual(names()[1], before[0])
        doctor = json.loads(instance.sampan("doctor", "--all", "-o", "json").stdout)
        self.assertEqual([f["state"] for f in doctor if f["about"] == "backups"], ["ok"])

        def damage(*options):
            doctor = json.loads(instance.sampan("doctor", *options, "-o", "json", check=False).stdout)
            return [f["message"] for f in doctor if f["about"] == "backups" and f["state"] == "failure"]

        # What becomes of them later is told, too: with --deep also where their length is the same.
        path = os.path.join(instance.directory, "backups", names()[0], "store.sqlite")
        with open(path, "r+b") as file:
            file.seek(5000)
            byte = file.read(1)
            file.seek(5000)
            file.write(bytes([byte[0] ^ 1]))
        self.assertEqual(damage(), [])
        self.assertRegex(damage("--deep")[0], "its checksum is another")
        os.truncate(path, 4096)
        self.assertRegex(damage()[0], "it has 4096 bytes, and had ")
        os.remove(path)
        self.assertRegex(damage()[0], "store.sqlite can't be read, or isn't there")

    def test_a_failure_is_told(self):
        instance = shared.new("failing", containers=False, options=("--backup-schedule", "0 3 * * *", "--backup-directory", "/nowhere/at/all"))
        failed = until(lambda: instance.status().get("backup", {}).get("failure"), "it has failed")
        self.assertIn("/nowhere/at/all", failed)
        doctor = json.loads(instance.sampan("doctor", "-o", "json", check=False).stdout)
        self.assertEqual([f["state"] for f in doctor if f["about"] == "backups"], ["failure"])
        metrics = instance.root().request("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r"(?m)^sampan_backup_failing 1")
        self.assertRegex(metrics, r"(?m)^sampan_backup_failures_total 1$")
        self.assertFalse(os.path.exists("/nowhere"))


if __name__ == "__main__":
    unittest.main()
