"""Services by real traffic: affinity that ends, external addresses, traffic policies, endpoints on their way out, SCTP."""

import json
import os
import struct
import subprocess
import sys
import time
import unittest

from harness import shared
from harness.cluster import pod
from harness.outside import Outside
from harness.waiting import until


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def sctp_init(source, target):
    """The packet that begins an association: RFC 9260, sections 3.1 and 3.3.2."""
    head = struct.pack("!HHI", source, target, 0)
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 0x5A3A9A11, 65536, 1, 1, 1)
    return head + struct.pack("<I", crc32c(head + b"\0\0\0\0" + chunk)) + chunk


SEND = "import socket, sys; socket.socket(socket.AF_INET, socket.SOCK_RAW, 132).sendto(bytes.fromhex(sys.argv[2]), (sys.argv[1], 0))"
# What comes, with the addresses of its IP header: source, ports, and whether the checksum is right.
HEAR = """
import socket, struct, sys
sys.path.insert(0, sys.argv[1])
from test_services import crc32c
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)
raw.settimeout(30)
print("listening", flush=True)
packet = raw.recv(4096)
body = packet[(packet[0] & 15) * 4:]
source, target = struct.unpack("!HH", body[:4])
good = struct.unpack("<I", body[8:12])[0] == crc32c(body[:8] + b"\\0\\0\\0\\0" + body[12:])
print(socket.inet_ntoa(packet[12:16]), source, target, good, flush=True)
"""


# Answers datagrams with a name, and asks for such answers, each time from another port.
ANSWER = """
import socket, sys
with socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM) as here:
    here.bind((sys.argv[1], 5300))
    print("listening", flush=True)
    while True:
        _, source = here.recvfrom(2048)
        here.sendto(sys.argv[2].encode(), source)
"""
ASK_OFTEN = """
import socket, sys
found = set()
for _ in range(int(sys.argv[3])):
    with socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.settimeout(1)
        here.sendto(b"who", (sys.argv[1], int(sys.argv[2])))
        try:
            answer, source = here.recvfrom(2048)
            found.add(f"{answer.decode()}@{source[0]}:{source[1]}")
        except OSError:
            found.add("nobody")
print(*sorted(found))
"""


class Services(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.outside = Outside(5)
        cls.addClassCleanup(cls.outside.close)
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("services")
        cls.addClassCleanup(cls.instance.delete, "services")
        cls.cluster.deploy("web", replicas=3)
        cls.cluster.shell("visitor")

    def test_load_balancers_are_told_how_many_endpoints_are_here(self):
        cluster = self.cluster
        cluster.deploy("backend", replicas=2, service=False)
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "balanced"}, "spec": {
            "type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": {"app": "backend"}, "ports": [{"port": 80, "targetPort": 8080}]}})
        port = cluster.get("service/balanced")["spec"]["healthCheckNodePort"]
        self.assertIn(port, range(30000, 32768))

        def told(path="/"):
            result = subprocess.run(self.outside.command("curl", "-s", "--max-time", "3", "-w", "\n%{http_code} %{content_type}", f"http://{self.outside.host}:{port}{path}"),
                                    capture_output=True, text=True)
            body, _, last = result.stdout.rpartition("\n")
            return (last, json.loads(body)) if body else (result.returncode, None)

        def says(count):
            return {"service": {"namespace": "default", "name": "balanced"}, "localEndpoints": count, "serviceProxyHealthy": True}
        until(lambda: told() == ("200 application/json", says(2)), "both endpoints are told of")
        self.assertEqual(told("/healthz")[0], "200 application/json")
        refused = cluster.kubectl("patch", "service", "balanced", "-p", json.dumps({"spec": {"healthCheckNodePort": 32001 if port != 32001 else 32002}}), check=False)
        self.assertIn("spec.healthCheckNodePort: Forbidden: field is immutable", refused.stderr)
        # Pods have nothing to do with it.
        self.assertNotEqual(cluster.exec("visitor", "timeout", "2", "wget", "-q", "-O", "-", f"http://{self.outside.host}:{port}/", check=False).returncode, 0)
        cluster.kubectl("scale", "deployment", "backend", "--replicas=0")
        until(lambda: told() == ("503 application/json", says(0)), "none is told of")
        cluster.kubectl("patch", "service", "balanced", "-p", json.dumps({"spec": {"externalTrafficPolicy": "Cluster"}}))
        until(lambda: told()[1] is None, "nobody answers any more")
        cluster.kubectl("delete", "service/balanced", "deployment/backend")

    def service(self, name, **spec):
        self.cluster.apply({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}], **spec}})
        self.addCleanup(self.cluster.kubectl, "delete", "service", name)
        found = self.cluster.get("service", name)["spec"]
        return found["clusterIP"], found["ports"][0].get("nodePort")

    def from_within(self, address, port=80):
        result = self.cluster.exec("visitor", "timeout", "2", "wget", "-q", "-O", "-", f"http://{address}:{port}/", check=False)
        return result.stdout.strip() or None if result.returncode == 0 else None

    def from_outside(self, port):
        return self.outside.fetch(self.outside.host, port)

    def test_affinity_lasts_as_long_as_the_service_says(self):
        address, port = self.service(
            "sticky", type="NodePort", sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 2}})
        for way, ask in (("by its address", lambda: self.from_within(address)), ("by a port of the machine", lambda: self.from_outside(port))):
            with self.subTest(way):
                first = until(ask, f"it answers {way}")
                # Each question keeps the memory fresh.
                seen = {ask() for _ in range(12)}
                self.assertEqual(seen, {first})
                # One in three stays by chance each time.
                for _ in range(15):
                    time.sleep(3.2)
                    seen.add(ask())
                    if len(seen) > 1:
                        break
                self.assertGreater(len(seen), 1, "a client that was away gets another")

    def test_affinity_holds_for_datagrams_too(self):
        for name in ("left", "right"):
            self.cluster.shell(name, labels={"app": "datagrams"})
            answering = subprocess.Popen(
                ["nsenter", "-t", self.process(name), "-n", sys.executable, "-c", ANSWER, self.cluster.get("pod", name)["status"]["podIP"], name],
                stdout=subprocess.PIPE, text=True)
            self.addCleanup(answering.stdout.close)
            self.addCleanup(answering.wait)
            self.addCleanup(answering.kill)
            self.assertEqual(answering.stdout.readline(), "listening\n")
        fields = {"selector": {"app": "datagrams"}, "type": "NodePort", "ports": [{"port": 53, "targetPort": 5300, "protocol": "UDP"}]}
        visitor = ["nsenter", "-t", self.process("visitor"), "-n"]

        def asked(way, address, port, times=16):
            """Who answers, with where the answer comes from."""
            said = subprocess.run([*way, sys.executable, "-c", ASK_OFTEN, address, str(port), str(times)], capture_output=True, text=True, check=True)
            return said.stdout.split()
        address, port = self.service("spread-datagrams", **fields)
        sticky, sticky_port = self.service("sticky-datagrams", sessionAffinity="ClientIP", **fields)
        for name, way, place, number, stuck, stuck_number in (
                ("from within", visitor, address, 53, sticky, 53),
                ("from outside", self.outside.command(), self.outside.host, port, self.outside.host, sticky_port)):
            with self.subTest(name):
                both = {f"left@{place}:{number}", f"right@{place}:{number}"}
                until(lambda: set(asked(way, place, number)) == both, "both answer, by the service's address")
                until(lambda: "nobody" not in asked(way, stuck, stuck_number, 1), "the other answers")
                found = asked(way, stuck, stuck_number)
                self.assertEqual(len(found), 1, f"{found}: one client stays with one")

    def test_without_affinity_all_endpoints_are_used(self):
        address, port = self.service("spread", type="NodePort")
        until(lambda: self.from_within(address) and self.from_outside(port), "it answers")
        self.assertEqual(len({self.from_within(address) for _ in range(25)}), 3)
        self.assertEqual(len({self.from_outside(port) for _ in range(25)}), 3)

    def test_external_addresses_lead_the_clusters_own_pods_there(self):
        self.service("external", externalIPs=["203.0.113.77"])
        until(lambda: "version 1" in (self.from_within("203.0.113.77") or ""), "it answers by its external address")
        other = self.instance.cluster("services-other")
        self.addCleanup(self.instance.delete, "services-other")
        other.shell("visitor")
        self.assertNotEqual(other.exec("visitor", "timeout", "1", "wget", "-q", "-O", "-", "http://203.0.113.77/", check=False).returncode, 0)

    def test_local_traffic_policies(self):
        local = {"type": "NodePort", "internalTrafficPolicy": "Local", "externalTrafficPolicy": "Local"}
        address, port = self.service("local", **local)
        until(lambda: self.from_within(address) and self.from_outside(port), "endpoints on this node are used")
        # Endpoints that somebody wrote by hand, of which nobody knows on which node they are.
        target = self.cluster.get("pods", "-l", "app=web")["items"][0]["status"]["podIP"]
        address, port = self.service("by-hand", selector=None, type="NodePort")
        self.cluster.apply({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": "by-hand"}},
            "endpoints": [{"addresses": [target]}], "ports": [{"name": "", "port": 8080, "protocol": "TCP"}]})
        self.addCleanup(self.cluster.kubectl, "delete", "endpointslice", "by-hand")
        until(lambda: self.from_within(address) and self.from_outside(port), "without a policy they're used")
        self.cluster.kubectl("patch", "service", "by-hand", "-p", '{"spec": {"internalTrafficPolicy": "Local"}}')
        until(lambda: not self.from_within(address), "from within they aren't any more")
        self.assertTrue(self.from_outside(port))
        self.cluster.kubectl("patch", "service", "by-hand", "-p", '{"spec": {"internalTrafficPolicy": "Cluster", "externalTrafficPolicy": "Local"}}')
        until(lambda: self.from_within(address), "from within they are again")
        until(lambda: not self.from_outside(port), "from outside they aren't")

    def test_an_endpoint_on_its_way_out_serves_when_there_is_no_other(self):
        self.cluster.apply(pod("leaver", None, labels={"app": "leaver"}, terminationGracePeriodSeconds=30, containers=[{
            "name": "main", "image": "sampan.dev/sample/web:1", "ports": [{"containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
            "lifecycle": {"preStop": {"exec": {"command": ["sleep", "15"]}}}}]))
        self.cluster.ready("leaver")
        address, port = self.service("leaver", selector={"app": "leaver"}, type="NodePort")
        until(lambda: self.from_within(address) and self.from_outside(port), "it answers")
        self.cluster.kubectl("delete", "pod", "leaver", "--wait=false")

        def conditions():
            slices = self.cluster.get("endpointslices", "-l", "kubernetes.io/service-name=leaver")["items"]
            return [endpoint["conditions"] for one in slices for endpoint in one.get("endpoints") or []]
        until(lambda: conditions() == [{"ready": False, "serving": True, "terminating": True}], "the endpoint says that it leaves")
        self.assertIn("version 1", self.from_within(address) or "")
        self.assertIn("version 1", self.from_outside(port) or "")
        until(lambda: not self.cluster.get("pods", "-l", "app=leaver")["items"], "it has gone")
        until(lambda: self.from_within(address) is None and self.from_outside(port) is None, "nobody answers")

    def process(self, name):
        """A process of the pod, as the machine knows it."""
        container = self.cluster.get("pod", name)["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
        engine = os.path.join(self.instance.directory, "containerd", "containerd.sock")
        tasks = subprocess.run(["ctr", "-a", engine, "-n", "k8s.io", "tasks", "ls"], capture_output=True, text=True, check=True).stdout
        return next(line.split()[1] for line in tasks.splitlines() if line.startswith(container))

    def test_sctp_as_far_as_the_kernel_goes(self):
        """Kernels without SCTP sockets carry its packets all the same: they are sent and received bare."""
        self.cluster.shell("receiver")
        here = os.path.dirname(os.path.abspath(__file__))
        target = self.cluster.get("pod", "receiver")["status"]["podIP"]
        address, port = self.service(
            "associations", selector={"app": "receiver"}, type="NodePort", ports=[{"port": 36412, "targetPort": 36500, "protocol": "SCTP"}])
        until(lambda: target in str(self.cluster.get("endpointslices", "-l", "kubernetes.io/service-name=associations")), "it has its endpoint")
        visitor = self.cluster.get("pod", "visitor")["status"]["podIP"]
        pid = self.process("visitor")
        for way, command, source, place, number in (
                ("from within", ["nsenter", "-t", pid, "-n"], visitor, address, 36412),
                ("from outside", self.outside.command(), self.outside.address, self.outside.host, port)):
            with self.subTest(way):
                hearing = subprocess.Popen(
                    ["nsenter", "-t", self.process("receiver"), "-n", sys.executable, "-c", HEAR, here], stdout=subprocess.PIPE, text=True)
                self.addCleanup(hearing.stdout.close)
                self.assertEqual(hearing.stdout.readline(), "listening\n")
                sent = [time.monotonic()]
                for attempt in range(20):
                    # Another port each time: what a connection began with stays its own.
                    packet = sctp_init(40_000 + attempt, number)
                    subprocess.run([*command, sys.executable, "-c", SEND, place, packet.hex()], check=True)
                    try:
                        hearing.wait(timeout=1)
                        break
                    except subprocess.TimeoutExpired:
                        sent.append(time.monotonic())
                found = hearing.stdout.read().split()
                self.assertEqual((found[0], found[2:]), (source, ["36500", "True"]), f"{found} after {len(sent)} packets")


if __name__ == "__main__":
    unittest.main()
