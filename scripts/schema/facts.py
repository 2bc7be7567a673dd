"""The REST facts: which resources a server has, with scope, verbs, short names, subresources.

They stand in `rest.facts`, a table kept by hand or made anew from a server's discovery documents (`--import-discovery`).
"""

import base64
import hashlib
import json
import os

ALL_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

HEADER = """\
# REST facts of Kubernetes v1.36, in discovery order. Read by scripts/generate-schema; `scripts/generate-schema
# --import-discovery DIR` makes this file anew from a server's discovery documents.
#
# group NAME               ("core" is the group without a name)
# version NAME served|off  off: not served by a default server (alpha, or beta: those are off by default since v1.24)
# PLURAL KIND SINGULAR ns|cluster VERBS SHORT-NAMES CATEGORIES STORAGE-VERSION-HASH STORED-AS
# /SUBRESOURCE KIND VERBS [GROUP/VERSION of the kind, when another]
#
# VERBS * is all eight; - is none. STORED-AS: the version that is stored, when another.
"""


def read_facts(path):
    """[(group, [(version, served, [resource])])]; a resource is (columns, [subresource columns])"""
    groups = []
    with open(path) as file:
        for line in file:
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0] == "group":
                groups.append((words[1], []))
            elif words[0] == "version":
                groups[-1][1].append((words[1], words[2] == "served", []))
            elif words[0].startswith("/"):
                groups[-1][1][-1][2][-1][1].append(words)
            else:
                groups[-1][1][-1][2].append((words, []))
    return groups


def is_served(version):
    return "alpha" not in version and "beta" not in version


def import_discovery(folder, path):
    def load(name):
        with open(os.path.join(folder, name)) as file:
            return json.load(file)

    groups = [("core", "", ["v1"])]
    groups += [(g["name"], g["name"], [v["version"] for v in g["versions"]]) for g in load("apis.json")["groups"]]
    hashes = {}
    for name, group, versions in groups:
        for version in versions:
            for resource in load(file_name(group, version))["resources"]:
                text = f"{group}/{version}/{resource['kind']}".encode()
                key = base64.b64encode(hashlib.sha256(text).digest()[:8]).decode()
                hashes[key] = f"{group}/{version}".lstrip("/")
    out = [HEADER]
    for name, group, versions in groups:
        out.append(f"group {name}\n")
        for version in versions:
            out.append(f"version {version} {'served' if is_served(version) else 'off'}\n")
            own = f"{group}/{version}".lstrip("/")
            resources = load(file_name(group, version))["resources"]
            for resource in sorted(resources, key=lambda r: r["name"].split("/")):
                out.append(row(resource, own, hashes) + "\n")
    with open(path, "w") as file:
        file.write("".join(out))


def file_name(group, version):
    return f"apis__{group}__{version}.json" if group else f"api__{version}.json"


def row(resource, own, hashes):
    verbs = "*" if resource["verbs"] == ALL_VERBS else ",".join(resource["verbs"]) or "-"
    name = resource["name"]
    if "/" in name:
        other = [f"{resource.get('group', '')}/{resource['version']}"] if "version" in resource else []
        return " ".join(["/" + name.split("/", 1)[1], resource["kind"], verbs, *other])
    key = resource.get("storageVersionHash", "")
    stored = hashes.get(key, "-")
    return " ".join([
        name, resource["kind"], resource["singularName"], "ns" if resource["namespaced"] else "cluster", verbs,
        ",".join(resource.get("shortNames", [])) or "-", ",".join(resource.get("categories", [])) or "-",
        key or "-", "-" if stored == own else stored,
    ])
