"""What an instance has in the kernel and on its disk for its pods: counted before and after, so that nothing stays of a pod that is gone."""

import json
import os
import subprocess

from . import system

# What the kernel itself puts into the table, and forgets by itself.
LEARNED = {"clients", "node_clients", "visited"}


def _output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def table(instance):
    return "sampan_" + "".join(c if c.isalnum() else "_" for c in instance.name)


def links(instance):
    """The host's ends of pods' cables: all of them have the router's address."""
    router = instance.subnet.rsplit(".", 1)[0] + ".1/32"
    return {line.split()[1] for line in _output("ip", "-o", "-4", "address").splitlines() if line.split()[3] == router}


def routes(instance):
    prefix = instance.subnet.rsplit(".0.0/", 1)[0] + "."
    return {line.split()[0] for line in _output("ip", "-4", "route").splitlines() if line.startswith(prefix)}


def addresses(instance):
    """Those that CNI has given away."""
    folder = os.path.join(instance.directory, "cni", "ipam", f"sampan-{instance.name}")
    return {name for name in os.listdir(folder) if name[0].isdigit()} if os.path.isdir(folder) else set()


def results(instance):
    """What the CNI library remembers, with a network namespace in the instance's directory."""
    folder, found = "/var/lib/cni/results", set()
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        try:
            with open(os.path.join(folder, name)) as file:
                if instance.directory + "/" in file.read():
                    found.add(name)
        except FileNotFoundError:
            pass
    return found


def mounts(instance):
    with open("/proc/self/mountinfo") as file:
        return {line.split()[4] for line in file if line.split()[4].startswith(instance.directory + "/")}


def rules(instance):
    """The elements of the table's sets and maps that stand for pods and services."""
    found = set()
    for entry in json.loads(_output("nft", "-j", "list", "table", "inet", table(instance)))["nftables"]:
        for kind in ("set", "map"):
            if kind in entry and entry[kind]["name"] not in LEARNED:
                found |= {f"{entry[kind]['name']}: {json.dumps(element)}" for element in entry[kind].get("elem", [])}
    return found


def cgroups(instance):
    """Pods' control groups and those below, in any hierarchy."""
    top, found = "/sys/fs/cgroup", set()
    names = {f"sampan-{instance.name}", f"sampan_{instance.name.replace('-', '_')}.slice"}
    hierarchies = [top] if os.path.exists(f"{top}/cgroup.controllers") else [os.path.join(top, name) for name in os.listdir(top)]
    for hierarchy in hierarchies:
        for name in names:
            for folder, below, _ in os.walk(os.path.join(hierarchy, name)):
                found |= {os.path.join(folder, one) for one in below}
    return found


def shims(instance):
    return {line.split()[0] for line in system.processes_of(instance) if "containerd-shim" in line}


def ctr(instance, *words):
    socket = os.path.join(instance.directory, "containerd", "containerd.sock")
    return {line.split()[0] for line in _output("ctr", "-a", socket, "-n", "k8s.io", *words).splitlines() if line.strip()}


def files(instance):
    """Pods' directories, and those of their logs."""
    found = set()
    for folder in ("pods", "log/pods"):
        path = os.path.join(instance.directory, folder)
        found |= {f"{folder}/{name}" for name in os.listdir(path)} if os.path.isdir(path) else set()
    return found


def snapshots(instance):
    """Containers' own layers; images' are committed."""
    socket = os.path.join(instance.directory, "containerd", "containerd.sock")
    lines = _output("ctr", "-a", socket, "-n", "k8s.io", "snapshots", "ls").splitlines()[1:]
    return {line.split()[0] for line in lines if line.split() and line.split()[-1] in ("Active", "View")}


def of(instance):
    """Names by what they are; two of these can be compared."""
    return {
        "containers": ctr(instance, "containers", "ls", "-q"), "tasks": ctr(instance, "tasks", "ls", "-q"), "layers": snapshots(instance),
        "shims": shims(instance), "links": links(instance), "routes": routes(instance), "addresses": addresses(instance),
        "network results": results(instance), "mounts": mounts(instance), "rules": rules(instance), "cgroups": cgroups(instance),
        "files": files(instance),
    }


def more(before, after):
    """What is there now and wasn't before."""
    return {what: sorted(after[what] - before[what]) for what in before if after[what] - before[what]}
