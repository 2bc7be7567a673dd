"""kubectl 1.20, which knows SPDY/3.1 and no WebSocket."""

import os
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import settings, shared
from harness.cluster import pod
from harness.forward import forwarded, get, receive
from test_forwarding import ECHO
from test_streams import with_terminal


class OldKubectl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.access(settings.old_kubectl, os.X_OK):
            raise AssertionError(f"{settings.old_kubectl} isn't there: run scripts/install test")
        cls.cluster = shared.instance().cluster("oldclients")
        cls.cluster.shell("box")

    def command(self, *arguments):
        return [settings.old_kubectl, "--kubeconfig", self.cluster.kubeconfig, *arguments]

    def kubectl(self, *arguments, **options):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120, **options)

    def test_is_old(self):
        self.assertIn("v1.20", self.kubectl("version", "--client", "--short").stdout)

    def test_exec_prints_and_passes_the_exit_code(self):
        result = self.kubectl("exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
        self.assertEqual((result.stdout, result.returncode), ("out\n", 7), result.stderr)
        self.assertIn("err\n", result.stderr)

    def test_exec_reads_standard_input_to_its_end(self):
        text = "".join(f"line {i}\n" for i in range(50000))
        result = self.kubectl("exec", "-i", "box", "--", "cat", input=text)
        self.assertEqual(result.stdout, text)

    def test_exec_with_a_terminal_knows_its_size(self):
        code, shown = with_terminal(
            self.command("exec", "-it", "box", "--", "sh"), b"stty size; tty; echo $((6*7))\nexit 9\n", size=(33, 77))
        self.assertEqual(code, 9, shown)
        self.assertIn("/dev/pts/", shown)
        self.assertIn("33 77", shown)

    def test_copies_both_ways(self):
        with tempfile.TemporaryDirectory() as folder:
            content = os.urandom(3 << 20)
            there, back = os.path.join(folder, "there"), os.path.join(folder, "back")
            with open(there, "wb") as file:
                file.write(content)
            result = self.kubectl("cp", there, "box:/tmp/old")
            self.assertEqual(result.returncode, 0, result.stderr)
            result = self.kubectl("cp", "box:/tmp/old", back)
            self.assertEqual(result.returncode, 0, result.stderr)
            with open(back, "rb") as file:
                self.assertEqual(file.read(), content)

    def test_attaches(self):
        body = pod("oldecho", ["sh", "-c", "while read line; do echo got $line; done"], restartPolicy="Never")
        body["spec"]["containers"][0].update(stdin=True, stdinOnce=True)
        self.cluster.apply(body)
        self.cluster.ready("oldecho")
        result = self.kubectl("attach", "-i", "oldecho", input="one\ntwo\n")
        self.assertIn("got one\ngot two\n", result.stdout, result.stderr)

    def test_forwards_ports(self):
        self.cluster.deploy("site")
        with forwarded(self.command(), "service/site", 80) as (local, _):
            self.assertIn(b"version 1 from site-", get(local))
        self.cluster.apply(pod("echo", ["sh", "-c", ECHO]))
        self.cluster.ready("echo")
        with forwarded(self.command(), "pod/echo", 7000) as (local, process):
            content = os.urandom(2_000_000)
            with socket.create_connection(("127.0.0.1", local), timeout=60) as connection:
                sender = threading.Thread(target=lambda: (connection.sendall(content), connection.shutdown(socket.SHUT_WR)))
                sender.start()
                self.assertEqual(receive(connection), content)
                sender.join()
        with forwarded(self.command(), "pod/echo", 7999) as (local, process):
            with socket.create_connection(("127.0.0.1", local), timeout=60) as connection:
                self.assertEqual(receive(connection), b"")
            self.assertIn("error forwarding port 7999 to pod", process.stderr.readline())
