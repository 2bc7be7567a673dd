"""The doctor says what is wrong with an instance's files, mends what can be mended, says what it did, and finds nothing more the next time."""

import json
import os
import stat
import subprocess
import time
import unittest

from harness import shared
from harness.waiting import until


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("ill", containers=False)
        cls.instance.cluster("demo")

    def doctor(self, *options):
        result = self.instance.sampan("doctor", "-o", "json", *options, check=False)
        return json.loads(result.stdout)

    def wrong(self, *options):
        return [f for f in self.doctor(*options) if f["state"] != "ok"]

    def place(self, path, age=0):
        path = os.path.join(self.instance.directory, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write("x")
        when = time.time() - age
        os.utime(path, (when, when))
        return path

    def test_what_can_be_mended_is_mended_once(self):
        directory = self.instance.directory
        until(lambda: not self.wrong(), "all is well")
        keys = os.path.join(directory, "store", "keys.json")
        os.chmod(keys, 0o644)
        left = [self.place("admin.kubeconfig.123.tmp", 7200), self.place("backups/sampan-20260101T000000Z.unfinished/store.sqlite", 7200)]
        os.utime(os.path.dirname(left[1]), (time.time() - 7200,) * 2)
        fresh = self.place("admin.kubeconfig.456.tmp")
        volume = self.place("volumes/4711/pvc-00000000-0000-0000-0000-000000000000/file", 7200)
        os.utime(os.path.join(directory, "volumes", "4711"), (time.time() - 7200,) * 2)
        os.chmod(os.path.join(directory, "volumes"), 0o755)
        os.chmod(os.path.join(directory, "backups"), 0o700)
        # It only looks, unless it is told to mend.
        found = self.wrong()
        self.assertEqual(sorted((f["state"], f["about"]) for f in found),
                         [("failure", "files"), ("failure", "files"), ("warning", "files"), ("warning", "files"), ("warning", "volumes")])
        self.assertTrue(all("--fix" in f["hint"] for f in found))
        self.assertTrue(all(os.path.exists(path) for path in [*left, volume]))
        self.assertEqual(self.instance.sampan("doctor", check=False).returncode, 1)

        done = self.wrong("--fix")
        self.assertEqual({f["state"] for f in done}, {"fixed"})
        self.assertEqual(len(done), 5)
        self.assertEqual(stat.S_IMODE(os.stat(keys).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(directory, "volumes")).st_mode), 0o700)
        self.assertFalse([path for path in [*left, volume] if os.path.exists(path)])
        self.assertTrue(os.path.exists(fresh), "somebody may be writing it")
        os.remove(fresh)
        # Once more it finds nothing, and does nothing.
        self.assertEqual(self.wrong("--fix"), [])
        self.assertIn("All is well", self.instance.sampan("doctor").stdout)
        self.assertEqual(len(self.instance.cluster("demo").get("namespaces")["items"]), 4)

    def test_every_certificate_is_told_of(self):
        found = {f["about"]: f for f in self.doctor() if f["about"].startswith("certificate/")}
        self.assertEqual(set(found), {f"certificate/{name}" for name in ("platform", "administrator", "server", "clusters")})
        self.assertEqual({f["state"] for f in found.values()}, {"ok"})
        self.assertIn("renews it by itself", found["certificate/server"]["message"])
        self.assertIn("doesn't renew by itself", found["certificate/platform"]["message"])
        # And of each cluster it's in the object, as kubectl shows it.
        (demo,) = [c for c in self.instance.root().get("virtualclusters")["items"] if c["metadata"]["name"] == "demo"]
        self.assertGreater(demo["status"]["authorityExpirationTime"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 9 * 365 * 86_400)))
        (healed,) = [f for f in self.doctor() if f["about"] == "healed"]
        self.assertIn("by the server itself", healed["message"])
        self.assertIn('sampan_healed_total{what="containers"} 0', self.instance.root().kubectl("get", "--raw", "/metrics"))

    def test_an_authority_near_its_end_is_told_of(self):
        instance = shared.new("aged", containers=False)
        instance.down()
        pki = os.path.join(instance.directory, "pki")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "100", "-subj", "/CN=sampan-ca",
             "-keyout", os.path.join(pki, "ca.key"), "-out", os.path.join(pki, "ca.crt")], check=True, capture_output=True)
        instance.up()
        held = lambda: {f["about"]: f for f in json.loads(instance.sampan("doctor", "-o", "json", check=False).stdout) if f["about"].startswith("certificate/")}
        old = held()["certificate/platform"]
        self.assertEqual(old["state"], "warning")
        self.assertIn("in 99d", old["message"])
        self.assertEqual(old["hint"], "sampan rotate-authority")
        instance.sampan("rotate-authority")
        new = held()
        self.assertEqual(new["certificate/platform"]["state"], "ok")
        self.assertIn("is to end then", new["certificate/former-platform"]["message"])

    def test_the_store_is_read_when_asked(self):
        (store,) = [f for f in self.doctor("--deep") if f["about"] == "store"]
        self.assertEqual(store["state"], "ok")
        self.assertIn("is sound", store["message"])

    def test_a_store_of_which_most_is_free_is_compacted_while_the_server_is_down(self):
        instance = shared.new("loose", containers=False)

        def loosen():
            cluster = instance.cluster("fat")
            padding = "x" * 900_000
            for index in range(100):
                answer = cluster.request("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": f"n{index}"}, "data": {"p": padding}})
                self.assertEqual(answer.code, 201)
            instance.cluster("slim")
            instance.delete("fat")
        loosen()
        path = os.path.join(instance.directory, "store", "store.sqlite")
        loose = lambda *options: [f for f in json.loads(instance.sampan("doctor", "-o", "json", *options, check=False).stdout) if f["about"] == "store" and f["state"] != "ok"]
        until(loose, "most of it is free")
        # The server uses it: nothing is done.
        (left,) = loose("--fix")
        self.assertEqual(left["state"], "warning")
        self.assertIn("while the server runs", left["message"])
        instance.down()
        before = os.path.getsize(path)
        (done,) = loose("--fix")
        self.assertEqual(done["state"], "fixed")
        self.assertLess(os.path.getsize(path), before / 4)
        instance.up()
        self.assertEqual(loose(), [])
        self.assertEqual(len(instance.cluster("slim").get("namespaces")["items"]), 4)
        # So does a start by itself, also after a kill; and the server reads all of the file a moment after.
        loosen()
        until(loose, "most of it is free")
        instance.kill()
        instance.up()
        self.assertLess(os.path.getsize(path), before / 4)
        self.assertEqual(len(instance.cluster("slim").get("namespaces")["items"]), 4)
        metrics = lambda: instance.root().kubectl("get", "--raw", "/metrics")
        self.assertIn("sampan_store_compactions_total 1", metrics())
        until(lambda: "read all of its file" in instance.sampan("doctor", "--all").stdout, "the file is read")
        self.assertIn("sampan_store_damaged 0", metrics())
        self.assertIn("sampan_server_certificate_expiration_timestamp_seconds", metrics())


if __name__ == "__main__":
    unittest.main()
