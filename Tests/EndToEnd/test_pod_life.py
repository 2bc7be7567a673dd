"""How a pod's containers come, live together and are told of: order of the initial ones and of sidecars, users, shared processes, settings of the
kernel, classes of service, gates of readiness, names within a service, and what is left of those that have ended."""

import json
import subprocess
import sys
import unittest

from harness import shared
from harness.cluster import pod
from harness.waiting import until

IMAGE = "sampan.dev/sample/web:1"
# Tells who sends datagrams; and sends one with any source, which the kernel completes.
HEAR = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
    here.bind((sys.argv[1], 5300))
    print("listening", flush=True)
    while True:
        print(here.recvfrom(2048)[1][0], flush=True)
"""
SAY = """
import socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
    body = struct.pack("!4H", 5300, 5300, 11, 0) + b"who"
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, 17, 0, socket.inet_aton(sys.argv[1]), socket.inet_aton(sys.argv[2]))
    raw.sendto(head + body, (sys.argv[2], 0))
"""
WAIT = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"


def container(name, script=WAIT, **fields):
    return {"name": name, "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script], **fields}


class PodLife(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("pod-life", "--pod-security", "privileged")
        cls.addClassCleanup(cls.instance.delete, "pod-life")

    def make(self, name, *containers, ready=True, labels=None, **spec):
        self.cluster.apply(pod(name, None, labels=labels, containers=list(containers) or [container("main")], **spec))
        self.addCleanup(self.cluster.kubectl, "delete", "pod", name, "--now", "--wait=false", check=False)
        if ready:
            self.cluster.ready(name)

    def status(self, name):
        return self.cluster.get(f"pod/{name}")["status"]

    def until_status(self, name, check, what):
        return until(lambda: check(found := self.status(name)) and found, what)

    def test_initial_containers_one_after_the_other_and_sidecars_beside(self):
        note = {"volumeMounts": [{"name": "notes", "mountPath": "/notes"}]}
        self.make(
            "ordered", container("main", "echo main >> /notes/log; sleep 1; echo main ends >> /notes/log", **note), ready=False,
            restartPolicy="Never", volumes=[{"name": "notes", "emptyDir": {}}], initContainers=[
                container("first", "sleep 0.3; echo first >> /notes/log", **note),
                container("side", f"trap 'cat /notes/log; exit 0' TERM; sleep 0.3; echo side >> /notes/log; touch /notes/up; {WAIT.split(';', 1)[1]}",
                          restartPolicy="Always", startupProbe={"exec": {"command": ["test", "-f", "/notes/up"]}, "periodSeconds": 1}, **note),
                container("second", "echo second >> /notes/log", **note)])
        status = self.until_status("ordered", lambda found: found["phase"] == "Succeeded", "it ends with its main container")
        # The sidecar is ended last, and has seen all.
        self.assertEqual(self.cluster.kubectl("logs", "ordered", "-c", "side").splitlines(), ["first", "side", "second", "main", "main ends"])
        self.assertEqual({each["name"]: each["state"]["terminated"]["exitCode"] for each in status["initContainerStatuses"]},
                         {"first": 0, "side": 0, "second": 0})

    def test_an_initial_container_that_fails_holds_or_ends_the_pod(self):
        self.make("held", ready=False, initContainers=[container("bad", "exit 3")])
        self.make("ended", ready=False, restartPolicy="Never", initContainers=[container("bad", "exit 3")])
        ended = self.until_status("ended", lambda found: found["phase"] == "Failed", "it fails")
        self.assertNotIn("startedAt", str(ended["containerStatuses"][0]["state"]))
        held = self.until_status("held", lambda found: (found.get("initContainerStatuses") or [{}])[0].get("restartCount", 0) >= 1, "it is tried again")
        condition = next(c for c in held["conditions"] if c["type"] == "Initialized")
        self.assertEqual((held["phase"], condition["status"], condition["message"]),
                         ("Pending", "False", "containers with incomplete status: [bad]"))
        self.assertRegex(self.cluster.kubectl("get", "pod", "held", "--no-headers"), r"Init:(Error|CrashLoopBackOff|0/1)")

    def test_users_and_groups(self):
        self.make("users", container("main"), container("own", securityContext={"runAsUser": 2002, "runAsGroup": 3003}),
                  securityContext={"runAsUser": 1001, "supplementalGroups": [4004], "fsGroup": 5005})
        self.assertEqual([self.cluster.kubectl("exec", "users", "-c", name, "--", "sh", "-c", "id -u; id -g; id -G").split("\n")[:3] for name in ("main", "own")],
                         [["1001", "0", "0 4004 5005"], ["2002", "3003", "3003 4004 5005"]])
        self.make("root", ready=False, securityContext={"runAsNonRoot": True})
        waiting = self.until_status("root", lambda found: found.get("containerStatuses", [{}])[0].get("state", {}).get("waiting", {}).get("reason")
                                    == "CreateContainerConfigError", "root isn't let")["containerStatuses"][0]["state"]["waiting"]
        self.assertRegex(waiting["message"], r"container has runAsNonRoot and image will run as root \(pod: \"root_default\(\S+\)\", container: main\)")

    def test_processes_are_shared_where_the_pod_says_so(self):
        self.make("together", container("main"), container("other", "sleep 61777"), shareProcessNamespace=True)
        self.make("apart", container("main"), container("other", "sleep 61777"))
        self.assertEqual(self.cluster.kubectl("exec", "together", "-c", "main", "--", "sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline").split("/")[-1].split()[0], "pause")
        seen = {name: "sleep 61777" in self.cluster.kubectl("exec", name, "-c", "main", "--", "ps", "-o", "args") for name in ("together", "apart")}
        self.assertEqual(seen, {"together": True, "apart": False})

    def test_settings_of_the_kernel(self):
        self.make("set", securityContext={"sysctls": [{"name": "net.ipv4.ip_local_port_range", "value": "20000 30000"},
                                                      {"name": "kernel.shm_rmid_forced", "value": "1"}]})
        self.assertEqual(self.cluster.exec("set", "cat", "/proc/sys/net/ipv4/ip_local_port_range", "/proc/sys/kernel/shm_rmid_forced").split(),
                         ["20000", "30000", "1"])
        self.make("unsafe", ready=False, securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "2"}]})
        status = self.until_status("unsafe", lambda found: found["phase"] == "Failed", "what isn't safe is refused")
        self.assertEqual((status["reason"], status["message"]),
                         ("SysctlForbidden", 'Pod was rejected: forbidden sysctl: "net.core.somaxconn" not allowlisted'))
        self.assertEqual(self.cluster.kubectl("get", "pod", "unsafe", "--no-headers").split()[1:3], ["0/1", "SysctlForbidden"])

    def test_classes_of_service(self):
        amounts = {"cpu": "50m", "memory": "32Mi"}
        scores = {}
        for name, resources in (("Guaranteed", {"limits": amounts}), ("Burstable", {"requests": amounts}), ("BestEffort", {})):
            self.make(name.lower(), container("main", resources=resources))
            self.assertEqual(self.status(name.lower())["qosClass"], name)
            scores[name] = int(self.cluster.exec(name.lower(), "cat", "/proc/1/oom_score_adj"))
        # Where the machine lets nobody have less than the server itself, that is the least.
        self.assertIn(scores["Guaranteed"], (-997, 0))
        self.assertTrue(2 < scores["Burstable"] < 1000, scores)
        self.assertEqual(scores["BestEffort"], 1000)

    def test_gates_of_readiness(self):
        self.make("gated", ready=False, labels={"app": "gated"}, readinessGates=[{"conditionType": "example.com/balanced"}])

        def ready(found):
            return next(((c["status"], c.get("reason")) for c in found.get("conditions", []) if c["type"] == "Ready"), None)
        self.until_status("gated", lambda found: ready(found) == ("False", "ReadinessGatesNotReady"), "it isn't ready before somebody says so")
        for said, wanted in (("True", ("True", None)), ("False", ("False", "ReadinessGatesNotReady"))):
            self.cluster.kubectl("patch", "pod", "gated", "--subresource=status", "-p", json.dumps(
                {"status": {"conditions": [{"type": "example.com/balanced", "status": said}]}}))
            self.until_status("gated", lambda found: ready(found) == wanted, f"it is as they say: {said}")

    def test_names_within_a_service(self):
        self.cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "family"}, "spec": {
            "clusterIP": "None", "selector": {"app": "family"}, "ports": [{"name": "web", "port": 80}]}})
        self.make("child", labels={"app": "family"}, hostname="anna", subdomain="family")
        address = self.status("child")["podIP"]
        self.assertEqual(self.cluster.exec("child", "hostname", "-f").strip(), "anna.family.default.svc.cluster.local")
        for name in ("anna.family.default.svc.cluster.local", "anna.family", "family"):
            # Nobody listens there; that it was tried says what the name means.
            until(lambda: address in self.cluster.exec("child", "timeout", "2", "wget", "-q", "-O", "-", f"http://{name}:9/", check=False).stderr,
                  f"{name} is known")
        dashed = address.replace(".", "-")
        self.assertIn(address, self.cluster.exec("child", "nslookup", f"{dashed}.default.pod.cluster.local", check=False).stdout)
        self.assertIn("anna.family.default.svc.cluster.local", self.cluster.exec("child", "nslookup", address, check=False).stdout)

    def test_what_is_mounted_follows_what_it_shows(self):
        self.cluster.kubectl("create", "configmap", "shown", "--from-literal=a=1", "--from-literal=b=1")
        self.cluster.kubectl("create", "secret", "generic", "hidden", "--from-literal=a=1")
        mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("map", "secret", "both", "about")]
        self.make(
            "follows", container("main", volumeMounts=[*mounts, {"name": "map", "mountPath": "/fixed", "subPath": "a"}],
                                 env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "shown", "key": "a"}}}]),
            labels={"app": "follows", "colour": "blue"}, volumes=[
                {"name": "map", "configMap": {"name": "shown"}}, {"name": "secret", "secret": {"secretName": "hidden"}},
                {"name": "both", "projected": {"sources": [
                    {"configMap": {"name": "shown", "items": [{"key": "a", "path": "deep/a"}]}},
                    {"secret": {"name": "hidden", "items": [{"key": "a", "path": "hidden"}]}},
                    {"configMap": {"name": "not-there", "optional": True}}]}},
                {"name": "about", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}])

        def seen():
            return self.cluster.exec("follows", "sh", "-c", "cat /map/a /secret/a /both/deep/a /both/hidden /fixed; echo $A; ls /map; cat /about/labels").split()
        self.assertEqual(seen(), ["1" * 5 + "1", "a", "b", 'app="follows"', 'colour="blue"'])
        self.cluster.kubectl("patch", "configmap", "shown", "--type=merge", "-p", json.dumps({"data": {"a": "2", "b": None, "c": "1"}}))
        self.cluster.kubectl("patch", "secret", "hidden", "-p", json.dumps({"stringData": {"a": "3"}}))
        self.cluster.kubectl("label", "pod", "follows", "colour=red", "--overwrite")
        # What was copied when the container was started stays: the environment, and a file that is mounted by itself.
        until(lambda: seen() == ["23231" + "1", "a", "c", 'app="follows"', 'colour="red"'], "the files say what is said by now")
        self.assertEqual(self.status("follows")["containerStatuses"][0]["restartCount"], 0)

    def process(self, name):
        container = self.status(name)["containerStatuses"][0]["containerID"].removeprefix("containerd://")
        tasks = subprocess.run(["ctr", "-a", f"{self.instance.directory}/containerd/containerd.sock", "-n", "k8s.io", "tasks", "ls"],
                               capture_output=True, text=True, check=True).stdout
        return next(line.split()[1] for line in tasks.splitlines() if line.startswith(container))

    def test_nobody_speaks_for_another(self):
        """Packets that say that they come from elsewhere aren't let on, neither to a pod nor to the machine."""
        for name in ("liar", "victim", "hears"):
            self.make(name)
        addresses = {name: self.status(name)["podIP"] for name in ("liar", "victim", "hears")}
        hearing = subprocess.Popen(["nsenter", "-t", self.process("hears"), "-n", sys.executable, "-c", HEAR, addresses["hears"]],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(hearing.stdout.close)
        self.addCleanup(hearing.wait)
        self.addCleanup(hearing.kill)
        self.assertEqual(hearing.stdout.readline(), "listening\n")
        for source in (addresses["victim"], "192.0.2.7", "127.0.0.1", "10.96.0.10", addresses["liar"]):
            subprocess.run(["nsenter", "-t", self.process("liar"), "-n", sys.executable, "-c", SAY, source, addresses["hears"]], check=True)
        # What was sent last, and by its own name, is the first that comes.
        self.assertEqual(hearing.stdout.readline(), f"{addresses['liar']}\n")

    def test_of_those_that_have_ended_the_last_is_left(self):
        self.make("often", container("main", "echo once more; exit 1"), ready=False)
        self.until_status("often", lambda found: (found.get("containerStatuses") or [{}])[0].get("restartCount", 0) >= 2, "it is started again and again")
        engine = f"{self.instance.directory}/containerd/containerd.sock"
        uid = self.cluster.get("pod/often")["metadata"]["uid"]

        def left():
            listed = subprocess.run(["ctr", "-a", engine, "-n", "k8s.io", "containers", "ls", f"labels.io.kubernetes.pod.uid=={uid}", "-q"],
                                    capture_output=True, text=True, check=True).stdout.split()
            return len(listed)
        # The sandbox, the one that is, and the one before it.
        until(lambda: 2 <= left() <= 3, "older ones are removed")
        self.assertEqual(self.cluster.kubectl("logs", "often", "--previous"), "once more\n")


if __name__ == "__main__":
    unittest.main()
