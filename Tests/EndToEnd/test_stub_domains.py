"""Name servers that a cluster names in its config maps: asked for its pods, and only where its pods could go themselves."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from harness import outside, shared
from harness.waiting import until
from harness.webhook import process_in

SCRIPT = os.path.join(outside.HERE, "nameserver.py")


class StubDomains(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster, cls.other = cls.instance.cluster("stub"), cls.instance.cluster("stub-other")
        for name in ("stub", "stub-other"):
            cls.addClassCleanup(cls.instance.delete, name)
        folder = tempfile.TemporaryDirectory(prefix="sampan-stub-")
        cls.addClassCleanup(folder.cleanup)
        cls.names = os.path.join(folder.name, "names.json")
        with open(cls.names, "w") as file:
            json.dump({"db.corp.example.": [30, "192.0.2.10"], "web.svc.example.": [30, "192.0.2.11"], "git.allowed.example.": [30, "192.0.2.12"],
                       "db.machine.example.": [30, "192.0.2.13"], "any.thing.example.": [30, "192.0.2.14"]}, file)
        for cluster in (cls.cluster, cls.other):
            cluster.shell("client")
        cls.cluster.shell("names")
        cls.cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "names"},
                           "spec": {"selector": {"app": "names"}, "ports": [{"port": 53, "protocol": "UDP"}]}})
        tree = cls.cluster.get("pod/names")
        cls.pod = tree["status"]["podIP"]
        cls.service = cls.cluster.get("service/names")["spec"]["clusterIP"]
        cls.start("nsenter", "-t", str(process_in(tree)), "-n", sys.executable, SCRIPT, cls.names)
        # The same outside, and on the machine itself.
        cls.outside = outside.Outside(6)
        cls.addClassCleanup(cls.outside.close)
        cls.start(*cls.outside.command(sys.executable, SCRIPT, cls.names))
        cls.start(sys.executable, SCRIPT, cls.names, "5399")

    @classmethod
    def start(cls, *command):
        server = subprocess.Popen(command)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.kill)

    def configure(self, cluster, name="kube-dns", **data):
        cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "kube-system"}, "data": data})

    def stub(self, cluster, **domains):
        self.configure(cluster, stubDomains=json.dumps({domain.replace("_", "."): [server] for domain, server in domains.items()}))

    def found(self, cluster, name, address):
        result = cluster.exec("client", "nslookup", name, check=False)
        return address in result.stdout

    def refused(self, cluster, name):
        result = cluster.exec("client", "nslookup", name, check=False)
        return "SERVFAIL" in result.stdout + result.stderr

    def test_a_pod_answers_for_a_domain(self):
        self.stub(self.cluster, corp_example=self.pod)
        until(lambda: self.found(self.cluster, "db.corp.example", "192.0.2.10"), "the pod's answer comes")
        self.assertIn("NXDOMAIN", self.cluster.exec("client", "nslookup", "nothing.corp.example", check=False).stdout)
        # The cluster's own names are as before, and an alias may lead there.
        self.assertTrue(self.found(self.cluster, "names.default.svc.cluster.local", self.service))
        self.cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "database"}, "spec": {"type": "ExternalName", "externalName": "db.corp.example"}})
        until(lambda: self.found(self.cluster, "database.default.svc.cluster.local", "192.0.2.10"), "an external name is followed")
        # As a Corefile has it, by the service.
        self.configure(self.cluster, "coredns", Corefile=f".:53 {{\n    forward . /etc/resolv.conf\n}}\nsvc.example:53 {{\n    errors\n    forward . {self.service}\n}}\n")
        until(lambda: self.found(self.cluster, "web.svc.example", "192.0.2.11"), "the service's answer comes")
        # All other names.
        self.configure(self.cluster, upstreamNameservers=json.dumps([self.pod]))
        until(lambda: self.found(self.cluster, "any.thing.example", "192.0.2.14"), "all names are the pod's")
        # Nobody else gets any of it.
        self.assertFalse(self.found(self.other, "db.corp.example", "192.0.2.10"))
        self.cluster.kubectl("delete", "configmap", "-n", "kube-system", "coredns", "kube-dns")
        until(lambda: not self.found(self.cluster, "any.thing.example", "192.0.2.14"), "without the config maps all is as before")

    def test_answers_are_kept_as_long_as_they_say(self):
        def say(address, ttl):
            with open(self.names) as file:
                known = json.load(file)
            known["cached.corp.example."] = [ttl, address]
            # As a whole: it is read at any time.
            with open(self.names + ".new", "w") as file:
                json.dump(known, file)
            os.replace(self.names + ".new", self.names)
        self.stub(self.cluster, corp_example=self.pod)
        self.addCleanup(self.cluster.kubectl, "delete", "configmap", "-n", "kube-system", "kube-dns")
        say("192.0.2.21", 4)
        until(lambda: self.found(self.cluster, "cached.corp.example", "192.0.2.21"), "it is answered")
        until(lambda: self.found(self.cluster, "cached.corp.example", "192.0.2.21"), "and known")
        say("192.0.2.22", 300)
        self.assertTrue(self.found(self.cluster, "cached.corp.example", "192.0.2.21"), "nobody is asked again before the time is over")
        until(lambda: self.found(self.cluster, "cached.corp.example", "192.0.2.22"), "then the new one is known")
        say("192.0.2.23", 300)
        self.assertTrue(self.found(self.cluster, "cached.corp.example", "192.0.2.22"))

    def test_only_where_pods_may_go_is_asked(self):
        self.stub(self.other, allowed_example=self.outside.address)
        until(lambda: self.found(self.other, "git.allowed.example", "192.0.2.12"), "what is outside is asked")
        for server, why in ((self.pod, "another cluster's pod"), (self.service, "another cluster's service"), (f"{self.outside.host}:5399", "the machine"),
                            ("127.0.0.1:5399", "the loopback"), ("127.0.0.53:5399", "the loopback"), ("0.0.0.0:5399", "nothing"), ("169.254.169.254", "a cloud's metadata"),
                            ("10.96.0.10", "itself"), (self.instance.subnet.split("/")[0][:-1] + "1:5399", "the pods' router")):
            with self.subTest(why):
                self.stub(self.other, machine_example=server)
                until(lambda: self.refused(self.other, "db.machine.example"), f"{why} isn't asked")
        # Endpoints that somebody writes lead nowhere else.
        self.other.apply(
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "detour"}, "spec": {"ports": [{"port": 53, "protocol": "UDP"}]}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "detour", "labels": {"kubernetes.io/service-name": "detour"}},
             "addressType": "IPv4", "ports": [{"name": "", "port": 5399, "protocol": "UDP"}], "endpoints": [{"addresses": [self.outside.host]}]})
        self.stub(self.other, machine_example=self.other.get("service/detour")["spec"]["clusterIP"])
        until(lambda: self.refused(self.other, "db.machine.example"), "the detour isn't taken")

    def test_allowlists_hold(self):
        self.stub(self.other, allowed_example=self.outside.address)
        until(lambda: self.found(self.other, "git.allowed.example", "192.0.2.12"), "without a list it is asked")

        def say(network):
            answer = self.instance.root().request(
                "PATCH", "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters/stub-other", {"spec": {"network": network}},
                content_type="application/merge-patch+json")
            self.assertEqual(answer.code, 200, answer)
        self.addCleanup(say, None)
        say({"egress": [{"cidrs": ["203.0.113.0/24"]}]})
        # What was answered before is kept for its time; another name of the domain isn't there.
        until(lambda: self.refused(self.other, "other.allowed.example"), "the list doesn't let it")
        say({"egress": [{"cidrs": [f"{self.outside.address}/32"], "ports": [{"port": 53, "protocol": "UDP"}]}]})
        until(lambda: "NXDOMAIN" in self.other.exec("client", "nslookup", "other.allowed.example", check=False).stdout, "the list lets it")


if __name__ == "__main__":
    unittest.main()
