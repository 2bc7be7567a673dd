"""What is on the system that an instance could leave behind."""

import os
import subprocess


def _lines(*command):
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())


def _namespaces():
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
        except OSError:
            pass
    for folder in ("/run/netns", "/var/run/netns"):
        if os.path.isdir(folder):
            found |= {f"{folder}/{name}" for name in os.listdir(folder)}
    return found


def snapshot():
    """Names by what they are; two of these can be compared."""
    with open("/proc/self/mountinfo") as file:
        mounts = {line.split()[4] for line in file}
    sockets = "/run/containerd/s"
    return {
        "links": {line.split(":")[1].strip().split("@")[0] for line in _lines("ip", "-o", "link")},
        "routes": _lines("ip", "-4", "route"),
        "nftables tables": _lines("nft", "list", "tables"),
        "mounts": mounts,
        "network namespaces": _namespaces(),
        "shim sockets": set(os.listdir(sockets)) if os.path.isdir(sockets) else set(),
    }


def left_behind(before, after):
    """What is in `after` only, without what a quiet machine does by itself."""
    return {what: sorted(after[what] - before[what]) for what in before if after[what] - before[what]}


def processes_of(instance):
    """Processes that carry the data directory in their command line, or run in the instance's control group. Not those that have ended and wait
    for their parent to ask how: once ours has gone that is the machine's first process, which takes its time."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").decode(errors="replace")
            with open(f"/proc/{pid}/cgroup") as file:
                group = file.read()
            with open(f"/proc/{pid}/stat") as file:
                state = file.read().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state in "ZX":
            continue
        if int(pid) != os.getpid() and (instance.directory in command or f"/sampan-{instance.name}/" in group):
            found.append(f"{pid} {command}")
    return found


def control_groups_of(instance):
    found = []
    root = "/sys/fs/cgroup"
    for hierarchy in [root] + [os.path.join(root, name) for name in os.listdir(root)]:
        path = os.path.join(hierarchy, f"sampan-{instance.name}")
        if os.path.isdir(path):
            found.append(path)
    return found


def named_after(instance):
    """What is on the system with the instance's name, data directory or pod subnet."""
    prefix = instance.subnet.rsplit(".0.0/", 1)[0] + "."
    table = "sampan_" + "".join(c if c.isalnum() else "_" for c in instance.name)
    now = snapshot()
    found = [f"table {line}" for line in now["nftables tables"] if line.split()[-1] == table]
    found += [f"route {line}" for line in now["routes"] if line.startswith(prefix)]
    if instance.subnet6:
        routes = subprocess.run(["ip", "-6", "route"], capture_output=True, text=True, check=True).stdout.splitlines()
        found += [f"route {line}" for line in routes if line.startswith(instance.subnet6.removesuffix(":/64"))]
    found += [f"mount {path}" for path in now["mounts"] if path.startswith(instance.directory + "/")]
    found += [f"link {name}" for name in now["links"] if name.startswith(instance.name)]
    return found


def other_instances():
    """Instances of somebody else that run now: what they make comes and goes as they like."""
    folder = "/run/sampan"
    names = [name.removesuffix(".json") for name in os.listdir(folder)] if os.path.isdir(folder) else []
    return sorted(name for name in names if not name.startswith(f"t{os.getpid() % 100000}-"))


def users_of(folder):
    """The processes that have something open in the folder, a line each."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            links = [f"/proc/{pid}/{name}" for name in ("cwd", "root", "exe")]
            links += [f"/proc/{pid}/fd/{number}" for number in os.listdir(f"/proc/{pid}/fd")]
            used = sorted({target for target in map(os.readlink, links) if target.startswith(folder)})
            if used:
                with open(f"/proc/{pid}/stat") as file:
                    found.append(f"{file.read().strip()}: {', '.join(used)}\n")
        except OSError:
            pass
    return "".join(found)
