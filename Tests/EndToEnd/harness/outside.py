"""A machine outside: a network namespace with an address of its own, in which servers can be started."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Outside:
    """Its address is reached by a cable from this machine, whose own is `host`."""

    def __init__(self, number=1):
        self.name = f"sampan-e2e-{os.getpid()}-{number}"
        self.cable = f"so{os.getpid() % 100000}-{number}"
        net = f"198.18.{os.getpid() % 250}"
        self.host, self.address = f"{net}.1", f"{net}.2"
        self.servers = []
        ip("netns", "add", self.name)
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("address", "add", f"{self.host}/24", "dev", self.cable)
        ip("link", "set", self.cable, "up")
        for command in ("link set lo up", "link set eth0 up", f"address add {self.address}/24 dev eth0", f"route add default via {self.host}"):
            ip("-n", self.name, *command.split())

    def add_six(self):
        """An address of IPv6 too, and a web server on its port 80."""
        net = f"fd00:198:18:{os.getpid() % 250}"
        self.host6, self.address6 = f"{net}::1", f"{net}::2"
        ip("address", "add", f"{self.host6}/64", "dev", self.cable, "nodad")
        for command in (f"address add {self.address6}/64 dev eth0 nodad", f"route add default via {self.host6}"):
            ip("-6", "-n", self.name, *command.split())
        self.servers.append(subprocess.Popen(
            self.command(sys.executable, "-m", "http.server", "--bind", "::", "80"), cwd=tempfile.mkdtemp(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def command(self, *arguments):
        return ["ip", "netns", "exec", self.name, *arguments]

    def serve(self, *ports):
        """HTTP and UDP on these ports."""
        self.servers.append(subprocess.Popen(self.command(sys.executable, os.path.join(HERE, "echo.py"), *map(str, ports))))

    def fetch(self, address, port):
        """What a client there gets; None without an answer."""
        result = subprocess.run(
            self.command("curl", "-gs", "--max-time", "1", f"http://{f'[{address}]' if ':' in address else address}:{port}/"),
            capture_output=True, text=True)
        return result.stdout if result.returncode == 0 else None

    def close(self):
        for server in self.servers:
            server.kill()
            server.wait()
        subprocess.run(["ip", "link", "delete", self.cable], check=False)
        subprocess.run(["ip", "netns", "delete", self.name], check=False)
