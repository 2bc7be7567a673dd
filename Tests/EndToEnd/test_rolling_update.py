"""A rolling update under load, with no failed request."""

import unittest

from harness import shared
from harness.waiting import until

LOAD = """
while [ ! -e /tmp/stop ]; do
    if answer=$(timeout 5 wget -q -O - http://rolling/ 2>/tmp/why); then echo "$answer"; else echo "FAILED $(cat /tmp/why)"; fi
done >> /tmp/answers; touch /tmp/stopped
"""


class RollingUpdate(unittest.TestCase):
    def test_no_request_fails(self):
        cluster = shared.instance().cluster("rolling")
        cluster.deploy("rolling", replicas=3)
        cluster.shell("visitor")
        cluster.fetch_until("visitor", "http://rolling")
        cluster.exec("visitor", "sh", "-c", f"({LOAD}) > /dev/null 2>&1 &")
        until(lambda: int(cluster.exec("visitor", "wc", "-l", "/tmp/answers").split()[0]) > 20, "the load has begun")
        cluster.kubectl("set", "image", "deployment/rolling", "web=sampan.dev/sample/web:2")
        cluster.kubectl("rollout", "status", "deployment/rolling", "--timeout=120s")
        until(lambda: len(cluster.get("pods", "-l", "app=rolling")["items"]) == 3, "the old pods are gone")
        until(lambda: int(cluster.exec("visitor", "sh", "-c", "tail -n 20 /tmp/answers | grep -c 'version 2'").strip()) == 20,
              "only new pods answer")
        cluster.exec("visitor", "touch", "/tmp/stop")
        until(lambda: cluster.exec("visitor", "ls", "/tmp/stopped", check=False).returncode == 0, "the load has ended")
        answers = cluster.exec("visitor", "cat", "/tmp/answers").splitlines()
        failed = [answer for answer in answers if "version" not in answer]
        self.assertEqual(failed, [], f"{len(failed)} of {len(answers)} requests failed")
        self.assertTrue(any("version 1" in answer for answer in answers))
        self.assertTrue(any("version 2" in answer for answer in answers))
