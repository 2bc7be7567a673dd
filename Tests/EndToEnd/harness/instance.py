"""One Sampan of its own: data directory, ports, pod subnet."""

import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile

from . import settings
from .cluster import Cluster
from .waiting import until


def free_port():
    """A port that nobody has for TCP nor, since DNS needs both, for UDP; and none that the kernel gives to connections, which could take it
    while its server is started again."""
    while True:
        port = random.randrange(20000, 30000)
        with socket.socket() as listener, socket.socket(type=socket.SOCK_DGRAM) as other:
            try:
                listener.bind(("0.0.0.0", port))
                other.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


def free_subnet():
    """A network that neither this machine's routes nor another instance use."""
    used = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True).stdout
    for path in glob.glob("/run/sampan/*.json"):
        with open(path) as file:
            used += file.read()
    return next(f"10.{number}.0.0/16" for number in Instance.subnets if f"10.{number}." not in used)


class Instance:
    """Up after construction; take it down with `stop`."""

    # By chance, so that test runs side by side don't take the same one.
    subnets = iter(random.sample(range(128, 250), 122))

    def __init__(self, label, containers=True, directory=None, start=True, options=(), dual_stack=False):
        self.own_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix=f"sampan-{label}-", dir=settings.folder)
        # Unlike any instance of the user's, and unlike that of a test run beside this one.
        self.name = f"t{os.getpid() % 100000}-{label}"[:15].rstrip("-")
        self.containers = containers
        self.options = list(options)
        self.api_port, self.dns_port = free_port(), free_port()
        self.subnet = free_subnet()
        # As free as the other: it carries its number.
        self.subnet6 = f"fd00:10:{self.subnet.split('.')[1]}::/64" if dual_stack else None
        self.clusters = {}
        if start:
            self.up()

    # The command line

    def sampan(self, *arguments, check=True, input=None, timeout=180, environment=None):
        result = subprocess.run(
            [settings.binary, *arguments, "--data-dir", self.directory],
            input=input, capture_output=True, text=True, timeout=timeout, env={**os.environ, **(environment or {})})
        if check and result.returncode != 0:
            raise AssertionError(f"sampan {' '.join(arguments)} exited with {result.returncode}: {result.stderr}{result.stdout}")
        return result

    def up(self):
        arguments = [
            "up", "--instance", self.name, "--api-port", str(self.api_port), "--dns-port", str(self.dns_port),
            "--pod-subnet", ",".join(filter(None, [self.subnet, self.subnet6])), "--log-level", os.environ.get("SAMPAN_E2E_LOG", "info"), "-o", "json",
            *self.options,
        ]
        # Tests don't depend on what this machine has left.
        if "--eviction-hard" not in self.options:
            arguments += ["--eviction-hard", ""]
        if not self.containers:
            arguments.append("--no-containers")
        return json.loads(self.sampan(*arguments).stdout)

    def down(self, *arguments):
        return self.sampan("down", *arguments)

    def status(self):
        result = self.sampan("status", "-o", "json", check=False)
        return json.loads(result.stdout) if result.stdout else {"state": "none"}

    def stop(self):
        if os.path.exists(os.path.join(self.directory, "sampan.json")):
            self.down()
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    # The process

    @property
    def pid(self):
        with open(os.path.join(self.directory, "sampan.pid")) as file:
            return int(file.read())

    def signal(self, number):
        """Ends the server with a signal, and waits until it is gone."""
        pid = self.pid
        os.kill(pid, number)
        until(lambda: not os.path.exists(f"/proc/{pid}") or "Z (zombie)" in open(f"/proc/{pid}/status").read(),
              f"process {pid} ends", interval=0.01)

    def kill(self):
        self.signal(signal.SIGKILL)

    def log(self, lines=60):
        """The end of the server's log, and before it the place in the program where it crashed, if it did."""
        try:
            with open(os.path.join(self.directory, "log", "sampan.log")) as file:
                said = file.readlines()
            crash = next((i for i, line in enumerate(said) if "Backtracing from" in line or "Program crashed" in line), len(said))
            return "".join(said[crash:crash + 150][:max(0, len(said) - lines - crash)]) + "".join(said[-lines:])
        except FileNotFoundError:
            return "(there is no log)"

    # Clusters

    def cluster(self, name, *options):
        """The cluster called `name`, made (with options of `sampan cluster create`) when there is none."""
        if name not in self.clusters:
            self.sampan("cluster", "create", name, "--if-not-exists", *options)
            path = os.path.join(self.directory, f"{name}.test.kubeconfig")
            self.sampan("cluster", "kubeconfig", name, "--long-lived", "--output", path)
            self.clusters[name] = Cluster(name, path)
        return self.clusters[name]

    def root(self):
        return Cluster("root", os.path.join(self.directory, "admin.kubeconfig"))

    def delete(self, name, *options):
        """For good, unless there are other options of `sampan cluster delete`."""
        self.clusters.pop(name, None)
        self.sampan("cluster", "delete", name, *(options or ["--now"]))
