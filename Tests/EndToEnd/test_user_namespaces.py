"""Pods with users of their own (`hostUsers: false`): their root is nobody on the machine, and everything in them works as in any."""

import os
import subprocess
import unittest

from harness import shared
from harness.cluster import pod
from harness.forward import forwarded, get
from harness.waiting import until

FIRST = 1 << 20


def container(name, command, **fields):
    return {"name": name, "image": "sampan.dev/sample/web:1", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", command], **fields}


class UserNamespaces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("users")

    def inside(self, name, container, *command):
        return self.cluster.kubectl("exec", name, "-c", container, "--", *command)

    def base(self, name, container="main"):
        """The ID on the machine of a container's root."""
        line = self.inside(name, container, "cat", "/proc/self/uid_map").split()
        self.assertEqual((line[0], line[2]), ("0", "65536"))
        self.assertEqual(self.inside(name, container, "cat", "/proc/self/gid_map").split(), line)
        self.assertGreaterEqual(int(line[1]), FIRST)
        return int(line[1])

    def owners(self, word):
        """Whose the machine's processes are that have a word among their arguments."""
        found = subprocess.run(["ps", "-eo", "uid=,args="], capture_output=True, text=True, check=True).stdout
        return {int(line.split()[0]) for line in found.splitlines() if word in line and "ps -eo" not in line}

    def test_root_inside_is_nobody_outside(self):
        cluster = self.cluster
        cluster.apply(pod("one", [], hostUsers=False, containers=[
            container("main", "sleep 61001"), container("other", "sleep 61002", securityContext={"runAsUser": 1000})]))
        cluster.apply(pod("two", ["sleep", "61003"], hostUsers=False), pod("plain", ["sleep", "61004"]))
        for name in ("one", "two", "plain"):
            cluster.ready(name)
        base = self.base("one")
        # A pod's containers have the same users, and two pods have none in common.
        self.assertEqual(self.base("one", "other"), base)
        self.assertGreaterEqual(abs(self.base("two") - base), 65536)
        self.assertEqual(cluster.exec("plain", "cat", "/proc/self/uid_map").split()[1], "0")
        self.assertEqual(cluster.exec("one", "id", "-u").strip(), "0")
        self.assertEqual(self.owners("sleep 61001"), {base})
        self.assertEqual(self.owners("sleep 61002"), {base + 1000})
        self.assertEqual(self.owners("sleep 61004"), {0})
        cluster.kubectl("delete", "pod", "one", "two", "plain", "--now")

    def test_its_files_are_its_own(self):
        cluster = self.cluster
        cluster.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "words"}, "data": {"word": "seen"}},
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk"},
             "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}})
        volumes = [{"name": "words", "configMap": {"name": "words", "defaultMode": 0o600}}, {"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}},
                   {"name": "memory", "emptyDir": {"medium": "Memory"}}, {"name": "scratch", "emptyDir": {}}]
        mounts = [{"name": v["name"], "mountPath": f"/{v['name']}"} for v in volumes]
        mounts.append({"name": "scratch", "mountPath": "/below", "subPath": "a/b"})
        spec = {"hostUsers": False, "volumes": volumes, "securityContext": {"fsGroup": 2000}}
        cluster.apply(pod("files", [], **spec, containers=[container(
            "main", "for d in disk memory scratch below tmp; do echo x > /$d/mine && chown 5:6 /$d/mine || exit 1; done; "
            "cat /words/word /var/run/secrets/kubernetes.io/serviceaccount/namespace > /tmp/read || exit 1; echo end > /dev/termination-log; sleep 600",
            volumeMounts=mounts)]))
        cluster.ready("files")
        until(lambda: cluster.exec("files", "cat", "/tmp/read") == "seendefault", "it has read its volumes")
        self.assertEqual(cluster.exec("files", "stat", "-c", "%u %g", "/disk/mine", "/memory/mine", "/tmp/mine").split(), ["5", "6"] * 3)
        self.assertEqual(cluster.exec("files", "stat", "-c", "%u", "/", "/bin/busybox", "/etc/hosts", "/words/word").split(), ["0"] * 4)
        self.assertEqual(cluster.exec("files", "stat", "-c", "%g", "/scratch").strip(), "2000")
        # On the disk it's as any pod would have written it, so that the next one, with other users or none, finds it.
        cluster.kubectl("delete", "pod", "files", "--now")
        cluster.apply(pod("again", [], volumes=[volumes[1]], containers=[container("main", "sleep 600", volumeMounts=[mounts[1]])]))
        cluster.ready("again")
        self.assertEqual(cluster.exec("again", "stat", "-c", "%u %g", "/disk/mine").split(), ["5", "6"])
        cluster.kubectl("delete", "pod", "again", "--now")

    def test_the_network_is_as_any_pods(self):
        cluster = self.cluster
        cluster.apply(
            pod("web", [], hostUsers=False, containers=[container(
                "main", "echo hello > /www/index.html; exec httpd -f -p 80 -h /www", ports=[{"containerPort": 80}],
                readinessProbe={"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1},
                livenessProbe={"exec": {"command": ["true"]}, "periodSeconds": 1})]),
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}},
            pod("client", ["sleep", "600"], hostUsers=False), pod("plain-client", ["sleep", "600"]))
        for name in ("web", "client", "plain-client"):
            cluster.ready(name)
        for name in ("client", "plain-client"):
            self.assertEqual(cluster.fetch_until(name, "http://web.default.svc.cluster.local").strip(), "hello")
        self.assertEqual(cluster.exec("client", "ls", "/sys/class/net").split(), ["eth0", "lo"])
        address = cluster.get("pod", "client")["status"]["podIP"]
        self.assertIn(address, cluster.exec("client", "ip", "-4", "addr", "show", "eth0"))
        with forwarded(cluster.command(), "pod/web", 80) as (port, _):
            self.assertIn("hello", str(get(port)))
        # Ports below 1024 are for everybody, as in any pod.
        self.assertEqual(cluster.exec("client", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start").strip(), "0")
        cluster.kubectl("delete", "pod/web", "pod/client", "pod/plain-client", "service/web", "--now")

    def test_its_containers_start_again_and_outlive_the_server(self):
        cluster = self.cluster
        cluster.apply(pod("again", [], hostUsers=False, containers=[
            container("main", "sleep 600"), container("ends", "sleep 1; exit 3")]))

        def restarts(name):
            return next(s["restartCount"] for s in cluster.get("pod", "again")["status"]["containerStatuses"] if s["name"] == name)

        until(lambda: cluster.get("pod", "again")["status"].get("containerStatuses") and restarts("ends") > 0, "a container starts again")
        base = self.base("again")
        self.instance.kill()
        self.instance.up()
        self.assertEqual(self.base("again"), base)
        self.assertEqual(restarts("main"), 0)
        count = restarts("ends")
        until(lambda: restarts("ends") > count, "it starts again under the next server")
        cluster.kubectl("delete", "pod", "again", "--now")

    def test_what_cannot_be_is_told(self):
        cluster = self.cluster
        with self.assertRaisesRegex(AssertionError, "Forbidden: when `pod.Spec.HostUsers` is false"):
            cluster.apply(pod("hosts", ["sleep", "1"], hostUsers=False, hostNetwork=True))
        cluster.apply(pod("sandboxed", ["sleep", "600"], hostUsers=False, runtimeClassName="gvisor"))
        until(lambda: any("Failed to create pod sandbox: runtime does not support user namespaces" in event["message"]
                          for event in cluster.get("events", "--field-selector", "involvedObject.name=sandboxed")["items"]), "gVisor has none")
        cluster.kubectl("delete", "pod", "sandboxed", "--now")
        # The adapter's name is no way to a pod with the machine's users.
        cluster.apply({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "users"}, "handler": "userns"},
                      pod("named", ["sleep", "600"], runtimeClassName="users"))
        until(lambda: any("the pod has no range of user IDs" in event["message"]
                          for event in cluster.get("events", "--field-selector", "involvedObject.name=named")["items"]), "it doesn't start")
        cluster.kubectl("delete", "pod/named", "runtimeclass/users", "--now")
        node = cluster.get("nodes")["items"][0]
        self.assertIn({"name": "", "features": {"recursiveReadOnlyMounts": False, "userNamespaces": True}}, node["status"]["runtimeHandlers"])

    def test_nothing_stays(self):
        cluster = self.cluster
        cluster.apply(pod("brief", ["sleep", "600"], hostUsers=False))
        cluster.ready("brief")
        uid = cluster.get("pod", "brief")["metadata"]["uid"]
        cluster.kubectl("delete", "pod", "brief", "--now")
        until(lambda: uid not in os.listdir(os.path.join(self.instance.directory, "pods")), "the pod's directory goes")
        with open("/proc/mounts") as file:
            self.assertEqual([line for line in file if f"{self.instance.name}.userns" in line], [])
