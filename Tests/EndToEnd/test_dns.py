"""What DNS answers by the wire: asked from a pod's own network, packet by packet."""

import ipaddress
import os
import subprocess
import sys
import unittest

from harness import shared
from harness.waiting import until

# Asks one question from within a pod's network, and prints what is in the answer.
ASK = """
import socket, struct, sys
server, way, name, kind, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\\0" + struct.pack("!HH", kind, 1)
extra = b"\\0" + struct.pack("!HHIH", 41, size, 0, 0) if size else b""
query = struct.pack("!6H", 4711, 0x0100, 1, 0, 0, 1 if size else 0) + question + extra
if way == "tcp":
    with socket.create_connection((server, 53), timeout=5) as connection:
        # In two pieces, and two questions at once.
        connection.sendall(struct.pack("!H", len(query)) + query[:5])
        connection.sendall(query[5:] + struct.pack("!H", len(query)) + query)
        stream = connection.makefile("rb")
        answers = [stream.read(struct.unpack("!H", stream.read(2))[0]) for _ in range(2)]
        assert answers[0][2:12] == answers[1][2:12], answers
        answer = answers[0]
else:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(5)
        sender.sendto(query, (server, 53))
        answer = sender.recv(65535)
number, flags, _, answers, _, additional = struct.unpack("!6H", answer[:12])
assert number == 4711, number
opt = b"\\0" + struct.pack("!H", 41) in answer[12:]
print(len(answer), flags & 15, flags >> 9 & 1, answers, int(opt))
"""
A, PTR, AAAA, SRV = 1, 12, 28, 33


class DNS(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("dns")
        cls.addClassCleanup(cls.instance.delete, "dns")
        addresses = [f"192.0.2.{number}" for number in range(1, 61)]
        cls.cluster.apply(
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "many"}, "spec": {"clusterIP": "None", "ports": [{"name": "web", "port": 80}]}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
             "metadata": {"name": "many-1", "labels": {"kubernetes.io/service-name": "many"}},
             "ports": [{"name": "web", "port": 80, "protocol": "TCP"}],
             "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses]},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "one"}, "spec": {"ports": [{"name": "web", "port": 80}]}})
        cls.cluster.shell("asks")
        container = cls.cluster.get("pod", "asks")["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
        engine = os.path.join(cls.instance.directory, "containerd", "containerd.sock")
        tasks = subprocess.run(["ctr", "-a", engine, "-n", "k8s.io", "tasks", "ls"], capture_output=True, text=True, check=True).stdout
        cls.process = next(line.split()[1] for line in tasks.splitlines() if line.startswith(container))
        until(lambda: cls.ask("udp", "many.default.svc.cluster.local", A)[3] > 0, "the name is known")

    @classmethod
    def ask(cls, way, name, kind, size=0):
        """Bytes, code, whether it was cut, records, and whether it speaks EDNS."""
        return [int(word) for word in subprocess.run(
            ["nsenter", "-t", cls.process, "-n", sys.executable, "-c", ASK, "10.96.0.10", way, name, str(kind), str(size)],
            capture_output=True, text=True, check=True).stdout.split()]

    def test_long_answers_are_cut_and_come_whole_by_tcp(self):
        name = "many.default.svc.cluster.local"
        length, code, is_cut, records, speaks = self.ask("udp", name, A)
        self.assertLessEqual(length, 512)
        self.assertEqual((code, is_cut, speaks), (0, 1, 0))
        self.assertLess(records, 60)
        length, code, is_cut, records, _ = self.ask("tcp", name, A)
        self.assertGreater(length, 512)
        self.assertEqual((code, is_cut, records), (0, 0, 60))

    def test_who_takes_more_gets_more(self):
        name = "many.default.svc.cluster.local"
        length, code, is_cut, records, speaks = self.ask("udp", name, A, 4096)
        self.assertEqual((code, speaks), (0, 1))
        self.assertGreater(length, 512)
        # As much as goes in one packet of any network.
        self.assertTrue(is_cut == 0 and records == 60 or length <= 1232, (length, is_cut, records))
        length, _, is_cut, _, speaks = self.ask("udp", name, A, 600)
        self.assertLessEqual(length, 600)
        self.assertEqual((is_cut, speaks), (1, 1))
        # Fewer than 512 is taken for 512.
        self.assertGreater(self.ask("udp", name, A, 100)[3], 5)

    def test_names_of_addresses_and_ports(self):
        address = ipaddress.ip_address(self.cluster.get("service/one")["spec"]["clusterIP"])
        for way in ("udp", "tcp"):
            with self.subTest(way):
                self.assertEqual(self.ask(way, address.reverse_pointer, PTR)[1:4], [0, 0, 1])
                self.assertEqual(self.ask(way, "_web._tcp.one.default.svc.cluster.local", SRV)[1:4], [0, 0, 1])
                # A name that has no address of this kind, one that isn't, and an address that nobody has.
                self.assertEqual(self.ask(way, "one.default.svc.cluster.local", AAAA)[1:4], [0, 0, 0])
                self.assertEqual(self.ask(way, "none.default.svc.cluster.local", A)[1], 3)
                self.assertEqual(self.ask(way, "1.255.96.10.in-addr.arpa", PTR)[1], 3)
        said = self.cluster.exec("asks", "nslookup", str(address), check=False).stdout
        self.assertIn("one.default.svc.cluster.local", said)


if __name__ == "__main__":
    unittest.main()
