"""Nothing is left behind after `sampan down`: counted before the first test's instance came up, and after the last went."""

import os
import unittest

from harness import shared, system
from harness.waiting import until


class Down(unittest.TestCase):
    def check(self, instance, before):
        self.assertEqual(system.processes_of(instance), [])
        self.assertEqual(system.control_groups_of(instance), [])
        self.assertFalse(os.path.exists(f"/run/sampan/{instance.name}.json"))
        self.assertEqual(system.named_after(instance), [])
        others = system.other_instances()
        if others:
            print(f"        {', '.join(others)} run beside the tests: only what carries the instance's name was looked for")
            return
        until(lambda: self.assertEqual(system.left_behind(before, system.snapshot()), {}) or True, "nothing is left", timeout=10)

    def test_1_after_a_killed_server(self):
        """With pods running and no server to say goodbye to them."""
        before = system.snapshot()
        instance = shared.new("killed")
        instance.sampan("image", "load", *shared.images())
        instance.cluster("one").deploy("web", replicas=2)
        instance.kill()
        instance.down()
        self.check(instance, before)
        with self.subTest("comes up again with its data"):
            instance.up()
            instance.cluster("one").kubectl("rollout", "status", "deployment/web", "--timeout=90s")
        instance.down("--remove-data")
        self.check(instance, before)
        self.assertFalse(os.path.exists(instance.directory))
        shared.forget(instance)

    def test_2_after_everything(self):
        instance = shared.instance()
        instance.cluster("last").deploy("web")
        shared.stop_all()
        self.check(instance, shared.before)
        instance.sampan("down", check=False)
