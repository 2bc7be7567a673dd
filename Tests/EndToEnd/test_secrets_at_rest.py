"""What is on the disk: no secret, no private key of a cluster, whatever state the server was left in."""

import base64
import json
import os
import unittest

from harness import shared

PASSWORD = "hunter2-and-a-half-at-rest"


class SecretsAtRest(unittest.TestCase):
    def found(self, instance, *words):
        """The files of the data directory in which one of the words occurs, as it is or in Base64."""
        needles = [w.encode() for w in words]
        needles += [base64.b64encode(w.encode()).rstrip(b"=")[:-1] for w in words]
        result = set()
        for folder, _, names in os.walk(os.path.join(instance.directory, "store")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                if any(n in content for n in needles):
                    result.add(name)
        return result

    def test_nothing_on_the_disk_gives_a_secret_away(self):
        instance = shared.new("rest", containers=False)
        cluster = instance.cluster("rest")
        cluster.kubectl("create", "secret", "generic", "db", f"--from-literal=password={PASSWORD}")
        cluster.kubectl("create", "configmap", "plain", "--from-literal=marker=seen-on-the-disk")
        cluster.kubectl("patch", "secret/db", "-p", json.dumps({"stringData": {"other": PASSWORD}}))
        self.assertTrue(self.found(instance, "seen-on-the-disk"))
        self.assertEqual(self.found(instance, PASSWORD), set())
        # Nor is a cluster's private record, with its authority's key.
        self.assertEqual(self.found(instance, '"clientCAKey"', '"serviceAccountKey"'), set())
        instance.kill()
        self.assertEqual(self.found(instance, PASSWORD, '"clientCAKey"'), set())

        result = instance.sampan("rotate-keys")
        self.assertIn("new key", result.stdout)
        with open(os.path.join(instance.directory, "store", "keys.json")) as file:
            self.assertEqual(len(json.load(file)["keys"]), 2)
        instance.up()
        self.assertEqual(base64.b64decode(cluster.get("secret/db")["data"]["password"]).decode(), PASSWORD)
        instance.down()
        instance.sampan("rotate-keys", "--clusters")
        instance.up()
        self.assertEqual(base64.b64decode(cluster.get("secret/db")["data"]["password"]).decode(), PASSWORD)
        running = instance.sampan("rotate-keys", check=False)
        self.assertNotEqual(running.returncode, 0)
        self.assertIn("sampan down", running.stderr)
        instance.sampan("cluster", "delete", "rest", "--yes", check=False)
        self.assertEqual(self.found(instance, PASSWORD), set())
