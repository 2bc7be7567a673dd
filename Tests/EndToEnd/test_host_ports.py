"""Ports of the machine that lead to pods."""

import socket
import subprocess
import unittest

from harness import shared
from harness.cluster import pod
from harness.instance import free_port
from harness.waiting import until


def serving(name, port, **host):
    made = pod(name, None)
    container = made["spec"]["containers"][0]
    del container["command"]
    container["ports"] = [{"containerPort": 8080, "hostPort": port, **host}]
    return made


def fetch(address, port):
    """By the machine itself."""
    result = subprocess.run(
        ["curl", "-s", "--max-time", "2", f"http://{address}:{port}/"], capture_output=True, text=True)
    return result.stdout if result.returncode == 0 else None


class HostPorts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.one = shared.instance().cluster("ports", "--pod-security", "privileged")
        cls.other = shared.instance().cluster("other-ports", "--pod-security", "privileged")

    def machine(self):
        return next(
            a["address"] for a in self.one.get("nodes")["items"][0]["status"]["addresses"] if a["type"] == "InternalIP")

    def test_a_port_leads_to_the_pod_and_is_free_again_after_it(self):
        port = free_port()
        self.one.apply(serving("first", port))
        self.one.ready("first")
        until(lambda: fetch(self.machine(), port), "the machine's address answers")
        self.assertIn("version 1", fetch("127.0.0.1", port))
        self.one.shell("visitor")
        self.assertIn("version 1", self.one.fetch_until("visitor", f"http://{self.machine()}:{port}/"))
        # In the same cluster the scheduler says it.
        self.one.apply(serving("second", port))
        until(lambda: "didn't have free ports" in str(self.one.get("pod/second")["status"].get("conditions")), "the second waits")
        # Another cluster's pod waits, and its event says for what.
        self.other.apply(serving("third", port))
        until(lambda: f"the host port {port}/TCP is taken" in self.other.kubectl("describe", "pod", "third"), "the event says it")
        self.assertNotEqual(self.other.get("pod/third")["status"]["phase"], "Running")
        self.one.kubectl("delete", "pod", "first", "second")
        self.other.ready("third")
        until(lambda: fetch(self.machine(), port), "the third has it now")
        self.other.kubectl("delete", "pod", "third")
        until(lambda: fetch(self.machine(), port) is None, "nobody has it")

    def test_a_port_that_a_program_of_the_machine_has_stays_its_own(self):
        with socket.socket() as listener:
            listener.bind(("0.0.0.0", 0))
            listener.listen()
            port = listener.getsockname()[1]
            self.one.apply(serving("greedy", port))
            until(lambda: f"the host port {port}/TCP is taken" in self.one.kubectl("describe", "pod", "greedy"), "the event says it")
        self.one.ready("greedy")
        self.one.kubectl("delete", "pod", "greedy")

    def test_one_address_only_and_a_restart_of_the_server(self):
        port = free_port()
        self.one.apply(serving("local", port, hostIP="127.0.0.1"))
        self.one.ready("local")
        until(lambda: fetch("127.0.0.1", port), "the loopback address answers")
        self.assertIsNone(fetch(self.machine(), port))
        shared.instance().kill()
        shared.instance().up()
        until(lambda: fetch("127.0.0.1", port), "it does after a restart")
        self.one.kubectl("delete", "pod", "local")
