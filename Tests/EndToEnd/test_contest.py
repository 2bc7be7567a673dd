"""The contest that `sampan bench contest` replays, of a few clusters: so that the benchmark can't rot, nor what it shows."""

import json
import subprocess
import unittest

from harness import settings, shared


class Contest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("contest")
        cls.instance.sampan("image", "load", *shared.images())

    @classmethod
    def tearDownClass(cls):
        cls.instance.stop()
        shared.forget(cls.instance)

    def test_nothing_fails_and_nothing_is_left(self):
        result = subprocess.run(
            [settings.binary, "bench", "contest", "--data-dir", self.instance.directory, "--scale", "0.02", "--asleep", "5",
             "--seconds", "12", "--rate", "25"], capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr + result.stdout + self.instance.log())
        rows = {}
        for row in map(json.loads, result.stdout.splitlines()):
            rows.setdefault(row["name"], []).append(row)
        plan, = rows["contest"]
        self.assertEqual((plan["teams"], plan["clusters"], plan["awake"], plan["services"]), (3, 20, 4, 20))
        self.assertEqual(rows["left over"], [{"name": "left over", "what": []}])
        total, = rows["total"]
        self.assertEqual((total["failed"], total["clusters"]), (0, 26))
        self.assertGreater(total["rejected"], 0)
        # Some requests of every frequent kind, and everything that clusters go through, were done.
        for name, least in (("time to cluster", 26), ("time until its services answer", 20), ("wake, by HTTP", 4),
                            ("HTTP to a service, by node port", 50), ("HTTP to a service, by the API's proxy", 30),
                            ("kubectl get pods", 20), ("watch until a change is told", 1), ("kubectl logs", 1),
                            ("kubectl exec, wget a service by its name", 1)):
            with self.subTest(name):
                self.assertGreaterEqual(rows[name][0]["count"], least, rows[name])
        state, = rows["state"]
        self.assertGreaterEqual(state["leastAwake"], 1)
        self.assertGreaterEqual(rows["pods"][0]["most"], 4)
