"""Allowlists by DNS name, with real pods: what a name means is what our DNS has lately answered to the cluster's pods, and no longer than that."""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

from harness import outside, shared
from harness.waiting import until


class NetworkNames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.outside = outside.Outside(4)
        cls.addClassCleanup(cls.outside.close)
        # Several machines, as far as addresses go.
        net = cls.outside.address.rsplit(".", 1)[0]
        cls.allowed, cls.other, cls.moved = cls.outside.address, f"{net}.3", f"{net}.4"
        for address in (cls.other, cls.moved):
            outside.ip("-n", cls.outside.name, "address", "add", f"{address}/24", "dev", "eth0")
        cls.outside.serve(80, 8443)
        folder = tempfile.TemporaryDirectory(prefix="sampan-names-")
        cls.addClassCleanup(folder.cleanup)
        cls.names = os.path.join(folder.name, "names.json")
        cls.tell({})
        cls.outside.servers.append(subprocess.Popen(cls.outside.command(sys.executable, os.path.join(outside.HERE, "nameserver.py"), cls.names)))
        resolvers = os.path.join(folder.name, "resolv.conf")
        with open(resolvers, "w") as file:
            file.write(f"nameserver {cls.outside.address}\n")
        cls.instance = shared.new("names", options=["--resolv-conf", resolvers])
        cls.addClassCleanup(cls.drop)
        cls.instance.sampan("image", "load", *shared.images())
        cls.cluster = cls.instance.cluster("named")
        cls.cluster.shell("client")
        cls.other_cluster = cls.instance.cluster("unnamed")
        cls.other_cluster.shell("client")

    @classmethod
    def drop(cls):
        cls.instance.stop()
        shared.forget(cls.instance)

    @classmethod
    def tell(cls, names):
        with open(cls.names + ".new", "w") as file:
            json.dump({f"{name}.": value for name, value in names.items()}, file)
        os.rename(cls.names + ".new", cls.names)

    def say(self, network):
        answer = self.instance.root().request(
            "PATCH", "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters/named", {"spec": {"network": network}},
            content_type="application/merge-patch+json")
        self.assertEqual(answer.code, 200, answer)

    def reaches(self, place, cluster=None):
        return (cluster or self.cluster).exec("client", "timeout", "2", "wget", "-q", "-O", "-", f"http://{place}/", check=False).returncode == 0

    def test_1_what_a_name_in_the_list_means_is_reached_and_nothing_else(self):
        self.tell({"allowed.example.test": [60, self.allowed], "other.example.test": [60, self.other], "deep.in.pkg.example.test": [60, self.moved],
                   "pkg.example.test": [60, self.moved], "alias.example.test": [60, "allowed.example.test."]})
        until(lambda: self.reaches("other.example.test"), "without a list, all names are reached")
        self.say({"egress": [{"names": ["allowed.example.test", "*.pkg.example.test"], "ports": [{"port": 80}]}]})
        until(lambda: not self.reaches("other.example.test"), "a name that isn't in the list")
        # By its address nothing is reached before somebody has asked for the name.
        self.assertFalse(self.reaches(self.allowed))
        self.assertFalse(self.reaches("alias.example.test"), "another name for the same is another name")
        self.assertTrue(self.reaches("allowed.example.test"))
        self.assertTrue(self.reaches(self.allowed), "the name's address is the name")
        self.assertFalse(self.reaches("allowed.example.test:8443"), "another port")
        self.assertFalse(self.reaches("pkg.example.test"), "what is above what is below a name")
        self.assertTrue(self.reaches("deep.in.pkg.example.test"))
        self.assertFalse(self.reaches(self.other))
        self.assertTrue(self.reaches("other.example.test", self.other_cluster), "another cluster has no list")
        found = json.loads(self.instance.sampan("network", "explain", "client", f"{self.allowed}:80", "--cluster", "named", "-o", "json").stdout)
        self.assertEqual((found["reason"], found["reachable"]), ("Allowed", True), found)

    def test_2_a_name_that_moves_takes_its_permission_along(self):
        self.tell({"allowed.example.test": [1, self.moved]})
        self.say({"egress": [{"names": ["allowed.example.test"]}]})
        # The other name's answer may still be kept for a while.
        until(lambda: self.moved in self.cluster.exec("client", "nslookup", "allowed.example.test", check=False).stdout, "the new address is answered", timeout=90)
        self.assertTrue(self.reaches("allowed.example.test"))
        learned = time.monotonic()
        self.tell({"allowed.example.test": [1, self.other]})
        until(lambda: self.other in self.cluster.exec("client", "nslookup", "allowed.example.test", check=False).stdout, "the next address is answered")
        self.assertTrue(self.reaches("allowed.example.test"))
        self.assertTrue(self.reaches(self.moved), "who had the old answer may use it for a while")
        # Its second is stretched to 75, as long as clients keep answers; then it's over.
        until(lambda: not self.reaches(self.moved), "the old address is shut", timeout=150, interval=2)
        self.assertGreater(time.monotonic() - learned, 30)
        self.assertTrue(self.reaches("allowed.example.test"))

    def test_3_what_was_learned_is_forgotten_with_the_server_and_learned_again(self):
        self.tell({"allowed.example.test": [60, self.allowed]})
        self.say({"egress": [{"names": ["allowed.example.test"]}]})
        until(lambda: self.reaches("allowed.example.test"), "it is reached", timeout=90)
        self.instance.kill()
        self.instance.up()
        until(lambda: self.reaches("allowed.example.test"), "a new question opens it again")
        self.assertFalse(self.reaches(self.other))


if __name__ == "__main__":
    unittest.main()
