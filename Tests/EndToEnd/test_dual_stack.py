"""Pods and services with addresses of both families: who reaches whom by IPv6, and who doesn't."""

import ipaddress
import json
import os
import socket
import subprocess
import sys
import tempfile
import unittest

from harness import outside, shared, system
from harness.cluster import pod
from harness.instance import free_port
from harness.outside import Outside, ip
from harness.waiting import until

from test_services import ANSWER, ASK_OFTEN, sctp_init


def serving(name, **spec):
    """A pod that serves on 8080, and from which others can be asked."""
    made = pod(name, None, labels={"app": name}, **spec)
    del made["spec"]["containers"][0]["command"]
    return made


def service(name, app, **spec):
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}], **spec}}


def six(address):
    return ipaddress.ip_address(address).version == 6


def url(address, port=8080):
    return f"http://[{address}]:{port}/" if six(address) else f"http://{address}:{port}/"


SEND6 = "import socket, sys; socket.socket(socket.AF_INET6, socket.SOCK_RAW, 132).sendto(bytes.fromhex(sys.argv[2]), (sys.argv[1], 0))"
# What comes: from where, its ports, and whether the checksum is right. The kernel takes the header of IPv6 off.
HEAR6 = """
import socket, struct, sys
sys.path.insert(0, sys.argv[1])
from test_services import crc32c
raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 132)
raw.settimeout(30)
print("listening", flush=True)
body, place = raw.recvfrom(4096)
source, target = struct.unpack("!HH", body[:4])
good = struct.unpack("<I", body[8:12])[0] == crc32c(body[:8] + b"\\0\\0\\0\\0" + body[12:])
print(place[0], source, target, good, flush=True)
"""


class Counted:
    """Counts packets with a source at two places: as they come by a cable, and when they are sent on."""

    def __init__(self, source):
        self.table = "e2e_dual_stack"
        rule = f"ip6 saddr {source} counter"
        subprocess.run(["nft", "-f", "-"], check=True, text=True, input=f"""
            add table inet {self.table}
            add chain inet {self.table} come {{ type filter hook prerouting priority -400; }}
            add chain inet {self.table} go {{ type filter hook forward priority 400; }}
            add chain inet {self.table} host {{ type filter hook input priority 400; }}
            add rule inet {self.table} come {rule}
            add rule inet {self.table} go {rule}
            add rule inet {self.table} host {rule}
            """)

    def seen(self):
        listed = subprocess.run(["nft", "-j", "list", "table", "inet", self.table], capture_output=True, text=True, check=True)
        rules = [entry["rule"] for entry in json.loads(listed.stdout)["nftables"] if "rule" in entry]
        return {rule["chain"]: next(e["counter"]["packets"] for e in rule["expr"] if "counter" in e) for rule in rules}

    def close(self):
        subprocess.run(["nft", "delete", "table", "inet", self.table], check=True)


class DualStack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.outside = Outside(6)
        cls.addClassCleanup(cls.outside.close)
        cls.outside.add_six()
        # What names outside mean is what this server says.
        folder = tempfile.TemporaryDirectory(prefix="sampan-dual-")
        cls.addClassCleanup(folder.cleanup)
        names, resolvers = os.path.join(folder.name, "names.json"), os.path.join(folder.name, "resolv.conf")
        with open(names, "w") as file:
            json.dump({"six.example.test.": [60, cls.outside.address6]}, file)
        with open(resolvers, "w") as file:
            file.write(f"nameserver {cls.outside.address}\n")
        cls.outside.servers.append(subprocess.Popen(
            cls.outside.command(sys.executable, os.path.join(outside.HERE, "nameserver.py"), names)))
        cls.instance = shared.new("dual", dual_stack=True, options=["--resolv-conf", resolvers])
        cls.instance.sampan("image", "load", *shared.images())
        cls.one = cls.instance.cluster("one", "--pod-security", "privileged")
        cls.other = cls.instance.cluster("other")
        for name in ("web", "client"):
            cls.one.apply(serving(name))
        cls.other.apply(serving("stranger"))
        for name in ("web", "client"):
            cls.one.ready(name)
        cls.other.ready("stranger")

    def addresses(self, name, cluster=None):
        four, own = [entry["ip"] for entry in (cluster or self.one).get(f"pod/{name}")["status"]["podIPs"]]
        self.assertFalse(six(four))
        self.assertIn(ipaddress.ip_address(own), ipaddress.ip_network(self.instance.subnet6))
        return four, own

    def machine(self):
        addresses = [a["address"] for a in self.one.get("nodes")["items"][0]["status"]["addresses"] if a["type"] == "InternalIP"]
        return next(address for address in addresses if six(address))

    def reaches(self, source, address, port=8080, cluster=None):
        return (cluster or self.one).exec(
            source, "timeout", "2", "wget", "-q", "-O", "-", url(address, port), check=False).returncode == 0

    def look_up(self, name, kind):
        said = self.one.exec("client", "nslookup", f"-type={kind}", name, check=False).stdout
        return said[said.find("\n\n"):]

    def test_pods_with_users_of_their_own_have_both_too(self):
        self.one.apply(serving("users", hostUsers=False))
        self.one.ready("users")
        self.assertNotEqual(self.one.exec("users", "cat", "/proc/self/uid_map").split()[1], "0")
        for address in self.addresses("users"):
            until(lambda: self.reaches("client", address), f"{address} answers")
            self.assertFalse(self.reaches("stranger", address, cluster=self.other), address)
        for address in self.addresses("web"):
            self.assertTrue(self.reaches("users", address), address)
        self.one.kubectl("delete", "pod", "users", "--now")

    def test_pods_have_both_and_reach_each_other_in_their_cluster_only(self):
        for address in self.addresses("web"):
            until(lambda: self.reaches("client", address), f"{address} answers")
            self.assertFalse(self.reaches("stranger", address, cluster=self.other), address)
        for address in self.addresses("stranger", self.other):
            self.assertTrue(self.reaches("stranger", address, cluster=self.other))
            self.assertFalse(self.reaches("client", address), address)
        # Neither the machine nor its router's address answers, by any of its services.
        router = str(ipaddress.ip_network(self.instance.subnet6)[1])
        for address in (router, self.machine()):
            for port in (self.instance.api_port, self.instance.dns_port, 22):
                self.assertFalse(self.reaches("client", address, port), f"{address} {port}")
        hosts = self.one.exec("client", "cat", "/etc/hosts")
        for address in self.addresses("client"):
            self.assertIn(f"{address}\tclient", hosts)
        node = self.one.get("nodes")["items"][0]
        self.assertEqual(node["spec"]["podCIDRs"], [self.instance.subnet, self.instance.subnet6])
        status = self.one.get("pod/web")["status"]
        self.assertEqual([six(entry["ip"]) for entry in status["hostIPs"]], [False, True])

    def test_who_says_to_be_another_isn_t_let_on(self):
        self.one.apply(serving("liar"))
        made = serving("liar")
        made["spec"]["containers"][0]["securityContext"] = {"privileged": True}
        self.one.kubectl("delete", "pod", "liar", "--wait")
        self.one.apply(made)
        self.one.ready("liar")
        target = self.addresses("web")[1]
        until(lambda: self.reaches("liar", target), "it reaches the other as itself")
        router = str(ipaddress.ip_network(self.instance.subnet6)[1])
        for fake in (self.addresses("client")[1], self.addresses("stranger", self.other)[1], "2001:db8::66"):
            counted = Counted(fake)
            try:
                self.one.exec("liar", "ip", "-6", "address", "add", f"{fake}/128", "dev", "eth0")
                self.one.exec("liar", "ip", "-6", "route", "replace", f"{target}/128", "via", router, "dev", "eth0", "src", fake)
                self.assertFalse(self.reaches("liar", target), fake)
                seen = counted.seen()
                self.assertGreater(seen["come"], 0, "nothing was sent under that name, so that nothing is shown")
                self.assertEqual((seen["go"], seen["host"]), (0, 0), fake)
            finally:
                self.one.exec("liar", "ip", "-6", "address", "del", f"{fake}/128", "dev", "eth0", check=False)
                counted.close()
        self.one.kubectl("delete", "pod", "liar", "--wait=false")

    def test_a_service_by_both_of_its_addresses_by_names_and_by_the_machine_s_port(self):
        self.one.apply(service("both", "web", ipFamilyPolicy="PreferDualStack", type="NodePort"))
        spec = self.one.get("service/both")["spec"]
        self.assertEqual(spec["ipFamilies"], ["IPv4", "IPv6"])
        four, own = spec["clusterIPs"]
        self.assertEqual((spec["clusterIP"], six(four), own.startswith("fd00:10:96::")), (four, False, True))
        for address in (four, own):
            until(lambda: self.reaches("client", address, 80), f"the service answers by {address}")
            self.assertTrue(self.reaches("web", address, 80), f"a pod reaches itself by {address}")
            self.assertFalse(self.reaches("stranger", address, 80, self.other))
        name = "both.default.svc.cluster.local"
        self.assertIn(own, self.look_up(name, "AAAA"))
        self.assertIn(four, self.look_up(name, "A"))
        self.assertIn(name, self.look_up(ipaddress.ip_address(own).reverse_pointer, "PTR"))
        kinds = {item["addressType"] for item in self.one.get("endpointslices", "-l", "kubernetes.io/service-name=both")["items"]}
        self.assertEqual(kinds, {"IPv4", "IPv6"})
        self.assertEqual({item["metadata"]["name"] for item in self.one.get("ipaddresses")["items"]} & {four, own}, {four, own})
        port = spec["ports"][0]["nodePort"]
        until(lambda: self.reaches("client", self.machine(), port), "a pod reaches the node port")
        self.assertFalse(self.reaches("stranger", self.machine(), port, self.other))
        fetched = subprocess.run(
            ["curl", "-gs", "--max-time", "2", url(self.machine(), port)], capture_output=True, text=True)
        self.assertIn("version 1", fetched.stdout)
        # Without the second family it has no address there, and the address is free again.
        self.one.kubectl("patch", "service", "both", "-p", json.dumps({"spec": {"ipFamilyPolicy": "SingleStack"}}))
        self.assertEqual(self.one.get("service/both")["spec"]["clusterIPs"], [four])
        until(lambda: not self.reaches("client", own, 80), "the second address is gone")
        self.assertNotIn(own, str(self.one.get("ipaddresses")))
        self.assertNotIn(own, self.look_up(name, "AAAA"))
        self.assertTrue(self.reaches("client", four, 80))

    def test_clients_stay_with_their_endpoint(self):
        self.one.deploy(
            "many", replicas=2, sessionAffinity="ClientIP", ipFamilyPolicy="PreferDualStack",
            sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}})
        own = self.one.get("service/many")["spec"]["clusterIPs"][1]
        until(lambda: self.reaches("client", own, 80), "it answers")
        self.assertEqual(len({self.one.fetch("client", url(own, 80)) for _ in range(8)}), 1)
        self.one.kubectl("delete", "deployment,service", "many")

    def test_a_port_of_the_machine_leads_to_a_pod(self):
        port = free_port()
        made = serving("host-port")
        made["spec"]["containers"][0]["ports"] = [{"containerPort": 8080, "hostPort": port}]
        self.one.apply(made)
        self.one.ready("host-port")
        until(lambda: self.outside.fetch(self.outside.host6, port), "the machine outside gets there by IPv6")
        self.assertTrue(self.outside.fetch(self.outside.host, port))
        self.assertTrue(self.reaches("client", self.machine(), port))
        self.assertFalse(self.reaches("stranger", self.machine(), port, self.other))
        with socket.socket(socket.AF_INET6) as listener, self.assertRaises(OSError):
            listener.bind(("::", port))
        self.one.kubectl("delete", "pod", "host-port")
        until(lambda: self.outside.fetch(self.outside.host6, port) is None, "nobody has it")

    def allow(self, network):
        """The cluster's allowlist says this."""
        answer = self.instance.root().request(
            "PATCH", "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters/one", {"spec": {"network": network}},
            content_type="application/merge-patch+json")
        self.assertEqual(answer.code, 200, answer)

    def test_outside_and_what_allowlists_say_of_it(self):
        address = self.outside.address6
        until(lambda: self.reaches("client", address, 80), "the machine outside answers")
        # Nobody outside gets to a pod's own address.
        self.assertIsNone(self.outside.fetch(self.addresses("web")[1], 8080))
        self.addCleanup(self.allow, None)
        self.allow({"egress": [{"cidrs": ["0.0.0.0/0"]}]})
        until(lambda: not self.reaches("client", address, 80), "a list of IPv4 is no way out by IPv6")
        self.assertTrue(self.reaches("client", self.addresses("web")[1]), "within the cluster nothing changes")
        explained = json.loads(self.instance.sampan(
            "network", "explain", "client", f"[{address}]:80", "--cluster", "one", "-o", "json").stdout)
        self.assertEqual(explained["reason"], "NotAllowlisted", explained)
        self.allow({"egress": [{"cidrs": [f"{address}/128"], "ports": [{"port": 80}]}]})
        until(lambda: self.reaches("client", address, 80), "the list names it")
        # Blocked, whatever a list says.
        self.allow({"egress": [{"cidrs": ["::/0"]}]})
        until(lambda: self.reaches("client", address, 80), "everything is listed")
        ip("-6", "route", "add", "fd00:ec2::254/128", "via", address)
        self.addCleanup(ip, "-6", "route", "del", "fd00:ec2::254/128")
        ip("-6", "-n", self.outside.name, "address", "add", "fd00:ec2::254/128", "dev", "lo", "nodad")
        self.assertEqual(
            subprocess.run(["curl", "-gs", "--max-time", "2", url("fd00:ec2::254", 80)], capture_output=True).returncode, 0)
        self.assertFalse(self.reaches("client", "fd00:ec2::254", 80))

    def test_a_name_in_an_allowlist_means_its_address_of_ipv6(self):
        address = self.outside.address6
        until(lambda: self.reaches("client", address, 80), "the machine outside answers")
        self.addCleanup(self.allow, None)
        self.allow({"egress": [{"names": ["six.example.test"]}]})
        until(lambda: not self.reaches("client", address, 80), "nobody has asked for the name yet")
        self.assertIn(address, self.look_up("six.example.test", "AAAA"))
        until(lambda: self.reaches("client", address, 80), "its address is the name")
        self.assertFalse(self.reaches("client", self.outside.address, 80), "which has no other")

    def test_a_pod_with_a_kernel_of_its_own_has_both_too(self):
        self.one.apply(serving("sandboxed", runtimeClassName="gvisor"))
        self.one.ready("sandboxed")
        self.assertIn("Linux version 4.4.0 ", self.one.exec("sandboxed", "cat", "/proc/version"))
        for address in self.addresses("sandboxed"):
            until(lambda: self.reaches("client", address), f"{address} answers")
            self.assertFalse(self.reaches("stranger", address, cluster=self.other), address)
        for address in self.addresses("web"):
            until(lambda: self.reaches("sandboxed", address), f"it reaches {address}")
        self.one.kubectl("delete", "pod", "sandboxed", "--now")

    def test_services_have_the_families_that_they_ask_for(self):
        """Upstream's test/e2e/network/dual_stack.go: what a service asks for, and what it gets."""
        asked = [({}, "SingleStack", ["IPv4"]), ({"ipFamilies": ["IPv4"]}, "SingleStack", ["IPv4"]),
                 ({"ipFamilies": ["IPv6"]}, "SingleStack", ["IPv6"]),
                 ({"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4", "IPv6"]}, "RequireDualStack", ["IPv4", "IPv6"]),
                 ({"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]}, "RequireDualStack", ["IPv6", "IPv4"])]
        for number, (wish, policy, families) in enumerate(asked):
            with self.subTest(wish=wish):
                name = f"asked-{number}"
                self.one.apply(service(name, "web", **wish))
                spec = self.one.get(f"service/{name}")["spec"]
                self.assertEqual((spec["ipFamilyPolicy"], spec["ipFamilies"]), (policy, families))
                self.assertEqual(["IPv6" if six(address) else "IPv4" for address in spec["clusterIPs"]], families)
                self.assertEqual(spec["clusterIP"], spec["clusterIPs"][0])
                for address in spec["clusterIPs"]:
                    until(lambda: self.reaches("client", address, 80), f"{address} answers")
                # The Endpoints are of the first family, the slices of each.
                addresses = until(lambda: [a["ip"] for subset in self.one.get(f"endpoints/{name}").get("subsets", [])
                                           for a in subset["addresses"]], "it has endpoints")
                self.assertEqual({six(address) for address in addresses}, {families[0] == "IPv6"})
                slices = self.one.get("endpointslices", "-l", f"kubernetes.io/service-name={name}")["items"]
                self.assertEqual(sorted(item["addressType"] for item in slices), sorted(families))
                self.one.kubectl("delete", "service", name)

    def test_a_connection_waits_for_a_cluster_that_sleeps(self):
        sleepy = self.instance.cluster("sleepy")
        sleepy.deploy("web", type="NodePort", ipFamilyPolicy="PreferDualStack")
        port = sleepy.get("service/web")["spec"]["ports"][0]["nodePort"]
        until(lambda: self.outside.fetch(self.outside.host6, port), "the port answers")
        self.instance.sampan("cluster", "sleep", "sleepy")
        fetched = subprocess.run(
            self.outside.command("curl", "-gs", "--max-time", "30", url(self.outside.host6, port)), capture_output=True, text=True)
        self.assertIn("version 1", fetched.stdout)
        sleepy.kubectl("delete", "deployment,service", "web")

    def test_a_headless_service_has_the_pods_addresses(self):
        self.one.apply(service("bare", "web", clusterIP="None", ipFamilyPolicy="RequireDualStack"))
        four, own = self.addresses("web")
        name = "bare.default.svc.cluster.local"
        until(lambda: own in self.look_up(name, "AAAA"), "the name has the address")
        self.assertIn(four, self.look_up(name, "A"))
        label = own.replace(":", "-")
        self.assertIn(own, self.look_up(f"{label}.default.pod.cluster.local", "AAAA"))

    def test_a_service_of_ipv6_only(self):
        self.one.apply(service("six", "web", ipFamilies=["IPv6"]))
        spec = self.one.get("service/six")["spec"]
        self.assertEqual((len(spec["clusterIPs"]), six(spec["clusterIP"]), spec["ipFamilyPolicy"]), (1, True, "SingleStack"))
        until(lambda: self.reaches("client", spec["clusterIP"], 80), "it answers")
        until(lambda: self.one.fetch("client", "http://six/"), "it answers by its name")

    def process(self, name):
        """A process of the pod, as the machine knows it."""
        container = self.one.get("pod", name)["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
        engine = os.path.join(self.instance.directory, "containerd", "containerd.sock")
        tasks = subprocess.run(["ctr", "-a", engine, "-n", "k8s.io", "tasks", "ls"], capture_output=True, text=True, check=True).stdout
        return next(line.split()[1] for line in tasks.splitlines() if line.startswith(container))

    def test_datagrams_and_associations_by_ipv6(self):
        within, target = self.addresses("client")[1], self.addresses("web")[1]
        enter = {name: ["nsenter", "-t", self.process(name), "-n", sys.executable, "-c"] for name in ("client", "web")}
        self.one.apply(service("packets", "web", ipFamilies=["IPv6"], type="NodePort", ports=[
            {"name": "datagrams", "port": 53, "targetPort": 5300, "protocol": "UDP"},
            {"name": "associations", "port": 36412, "targetPort": 36500, "protocol": "SCTP"}]))
        self.addCleanup(self.one.kubectl, "delete", "service", "packets")
        spec = self.one.get("service/packets")["spec"]
        ports = {port["name"]: port["nodePort"] for port in spec["ports"]}
        address = spec["clusterIP"]
        self.assertTrue(six(address))
        answering = subprocess.Popen([*enter["web"], ANSWER, target, "web"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(answering.stdout.close)
        self.addCleanup(answering.wait)
        self.addCleanup(answering.kill)
        self.assertEqual(answering.stdout.readline(), "listening\n")

        def asked(command, place, number):
            return subprocess.run([*command, ASK_OFTEN, place, str(number), "1"], capture_output=True, text=True, check=True).stdout.split()
        outside = self.outside.command(sys.executable, "-c")
        until(lambda: asked(enter["client"], address, 53) == [f"web@{address}:53"], "datagrams come and go by the service")
        until(lambda: asked(outside, self.outside.host6, ports["datagrams"]) == [f"web@{self.outside.host6}:{ports['datagrams']}"],
              "and by a port of the machine")
        # Kernels without SCTP sockets carry its packets all the same.
        here = os.path.dirname(os.path.abspath(__file__))
        for way, command, source, place, number in (
                ("from within", enter["client"], within, address, 36412),
                ("from outside", outside, self.outside.address6, self.outside.host6, ports["associations"])):
            with self.subTest(way):
                hearing = subprocess.Popen([*enter["web"], HEAR6, here], stdout=subprocess.PIPE, text=True)
                self.addCleanup(hearing.stdout.close)
                self.assertEqual(hearing.stdout.readline(), "listening\n")
                for attempt in range(20):
                    packet = sctp_init(40_000 + attempt, number)
                    subprocess.run([*command, SEND6, place, packet.hex()], check=True)
                    try:
                        hearing.wait(timeout=1)
                        break
                    except subprocess.TimeoutExpired:
                        continue
                hearing.kill()
                found = hearing.stdout.read().split()
                self.assertEqual((found[0], found[2:]), (source, ["36500", "True"]), found)

    def test_a_policy_is_for_both(self):
        self.one.apply(serving("guarded"))
        self.one.ready("guarded")
        addresses = self.addresses("guarded")

        def policy(**spec):
            self.one.apply({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "guard"},
                "spec": {"podSelector": {"matchLabels": {"app": "guarded"}}, **spec}})

        def seen(*wanted):
            until(lambda: tuple(self.reaches("client", address) for address in addresses) == wanted, f"{wanted}")

        seen(True, True)
        policy(ingress=[])
        seen(False, False)
        policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}])
        seen(True, True)
        policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "nobody"}}}]}])
        seen(False, False)
        policy(ingress=[{"from": [{"ipBlock": {"cidr": self.instance.subnet6}}]}])
        seen(False, True)
        policy(ingress=[{"from": [{"ipBlock": {"cidr": self.instance.subnet6, "except": [self.addresses("client")[1] + "/128"]}}]}])
        seen(False, False)
        policy(ingress=[{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])
        seen(True, False)
        self.one.kubectl("delete", "networkpolicy", "guard")
        self.one.kubectl("delete", "pod", "guarded", "--wait=false")

    def test_zz_a_restart_keeps_it_and_nothing_is_left_after_down(self):
        own = self.addresses("web")[1]
        self.instance.kill()
        self.assertTrue(subprocess.run(["curl", "-gs", "--max-time", "2", url(own)], capture_output=True).returncode == 0)
        self.instance.up()
        until(lambda: self.reaches("client", own), "pods reach each other after a restart")
        self.instance.down()
        self.assertEqual(system.named_after(self.instance), [])


class BecomesDualStack(unittest.TestCase):
    def test_a_server_that_gets_the_second_family_later(self):
        machine = Outside(7)
        self.addCleanup(machine.close)
        machine.add_six()
        instance = shared.new("later")
        self.addCleanup(lambda: (shared.forget(instance), instance.stop()))
        instance.sampan("image", "load", *shared.images())
        cluster = instance.cluster("old")
        cluster.apply(serving("before"))
        cluster.ready("before")
        ranges = lambda: cluster.get("servicecidr/kubernetes")["spec"]["cidrs"]
        self.assertEqual(ranges(), ["10.96.0.0/12"])
        node = lambda: cluster.get("nodes")["items"][0]
        internal = lambda: [six(a["address"]) for a in node()["status"]["addresses"] if a["type"] == "InternalIP"]
        self.assertEqual(internal(), [False])
        refused = cluster.kubectl("create", "-f", "-", input=json.dumps(service("both", "before", ipFamilyPolicy="RequireDualStack")), check=False)
        self.assertIn("this cluster is not configured for dual-stack services", refused.stderr)

        instance.kill()
        instance.subnet6 = f"fd00:10:{instance.subnet.split('.')[1]}::/64"
        instance.up()
        until(lambda: ranges() == ["10.96.0.0/12", "fd00:10:96::/112"], "the range gets its second family")
        ready = next(c for c in cluster.get("servicecidr/kubernetes")["status"]["conditions"] if c["type"] == "Ready")
        self.assertEqual(ready["status"], "True")
        until(lambda: internal() == [False, True], "the node says its second address")
        until(lambda: node()["spec"].get("podCIDRs") == [instance.subnet, instance.subnet6], "and the pods' ranges")
        # The old pod goes on with the address that it has; a new one has both.
        self.assertEqual(len(cluster.get("pod/before")["status"]["podIPs"]), 1)
        cluster.apply(serving("after"), service("both", "after", ipFamilyPolicy="RequireDualStack"))
        cluster.ready("after")
        self.assertEqual([six(entry["ip"]) for entry in cluster.get("pod/after")["status"]["podIPs"]], [False, True])
        addresses = cluster.get("service/both")["spec"]["clusterIPs"]
        for address in addresses:
            until(lambda: cluster.exec("after", "timeout", "2", "wget", "-q", "-O", "-", url(address, 80), check=False).returncode == 0,
                  f"{address} answers")


if __name__ == "__main__":
    unittest.main()
