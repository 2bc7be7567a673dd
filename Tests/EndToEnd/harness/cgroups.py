"""What the kernel keeps a pod to: the values of its control group, in cgroup v1 or v2."""

import os

ROOT = "/sys/fs/cgroup"


def directory(instance, uid, controller):
    """The pod's control group, by its controller where those have hierarchies of their own (v1)."""
    root = ROOT if os.path.exists(f"{ROOT}/cgroup.controllers") else f"{ROOT}/{controller}"
    slice = f"sampan.slice/sampan-{instance.name.replace('-', '_')}.slice"
    for path in (f"{root}/sampan-{instance.name}/pod{uid}", f"{root}/{slice}/sampan-{instance.name}-pod{uid.replace('-', '_')}.slice"):
        if os.path.isdir(path):
            return path
    raise AssertionError(f"the pod {uid} has no control group of {controller}")


def _read(path):
    with open(path) as file:
        return file.read().split()


def memory(instance, uid):
    """Bytes; None without limit."""
    place = directory(instance, uid, "memory")
    unified = f"{place}/memory.max"
    value = _read(unified if os.path.exists(unified) else f"{place}/memory.limit_in_bytes")[0]
    return None if value == "max" or int(value) > 1 << 60 else int(value)


def processor(instance, uid):
    """Microseconds in a tenth of a second; None without limit."""
    place = directory(instance, uid, "cpu")
    value = _read(f"{place}/cpu.max" if os.path.exists(f"{place}/cpu.max") else f"{place}/cpu.cfs_quota_us")[0]
    return None if value in ("max", "-1") else int(value)


def set_processor(instance, uid, value):
    place = directory(instance, uid, "cpu")
    with open(f"{place}/cpu.max" if os.path.exists(f"{place}/cpu.max") else f"{place}/cpu.cfs_quota_us", "w") as file:
        file.write(str(value))


def shares(instance, uid):
    """The weight beside other pods, as v1 counts it (2 to 262144)."""
    place = directory(instance, uid, "cpu")
    if os.path.exists(f"{place}/cpu.shares"):
        return int(_read(f"{place}/cpu.shares")[0])
    return 2 + (int(_read(f"{place}/cpu.weight")[0]) - 1) * 262142 // 9999
