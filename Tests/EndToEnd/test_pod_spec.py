"""What a pod's spec asks of its node, and other files' tests don't show: DNS settings, hooks, messages, expanded paths, a root that is only read, credentials."""

import subprocess
import unittest

from harness import shared
from harness.cluster import pod
from harness.registry import Registry
from harness.waiting import until

IMAGE = "sampan.dev/sample/web:1"


class PodSpec(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("pod-spec")

    def run_pod(self, name, command=("sleep", "3600"), container=None, **fields):
        self.cluster.apply(pod(name, None, containers=[{
            "name": "main", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": list(command), **(container or {})}], **fields))
        self.addCleanup(self.cluster.kubectl, "delete", "pod", name, "--now", "--wait=false", check=False)

    def state(self, name):
        status = self.cluster.get(f"pod/{name}")["status"]
        return status["containerStatuses"][0]["state"] if status.get("containerStatuses") else {}

    def resolvers(self, name):
        self.cluster.ready(name)
        lines = [line.split(None, 1) for line in self.cluster.exec(name, "cat", "/etc/resolv.conf").splitlines() if line.strip()]
        found = {}
        for word, rest in lines:
            found.setdefault(word, []).append(rest.strip())
        return found

    def test_where_names_are_asked_for(self):
        self.run_pod("dns-cluster", dnsConfig={"nameservers": ["192.0.2.53"], "searches": ["corp.example"], "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}]})
        self.run_pod("dns-none", dnsPolicy="None", dnsConfig={"nameservers": ["192.0.2.1", "192.0.2.2"], "searches": ["a.example", "b.example"]})
        self.run_pod("dns-default", dnsPolicy="Default")
        found = self.resolvers("dns-cluster")
        self.assertEqual(found["nameserver"], ["10.96.0.10", "192.0.2.53"])
        searches = found["search"][0].split()
        self.assertEqual((searches[:3], searches[-1]), (["default.svc.cluster.local", "svc.cluster.local", "cluster.local"], "corp.example"))
        self.assertEqual(sorted(found["options"][0].split()), ["edns0", "ndots:2"])
        found = self.resolvers("dns-none")
        self.assertEqual((found["nameserver"], found["search"]), (["192.0.2.1", "192.0.2.2"], ["a.example b.example"]))
        with open("/etc/resolv.conf") as file:
            own = [line.split()[1] for line in file if line.startswith("nameserver")]
        self.assertEqual(self.resolvers("dns-default").get("nameserver", []), own[:3])

    def test_a_name_s_ports(self):
        """SRV, by the specification of DNS."""
        self.cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ported"}, "spec": {"ports": [{"name": "web", "port": 8080}], "clusterIP": "10.96.7.7"}})
        self.run_pod("asks")
        self.cluster.ready("asks")
        said = until(lambda: "ported.default.svc.cluster.local" in (out := self.cluster.exec(
            "asks", "nslookup", "-type=srv", "_web._tcp.ported.default.svc.cluster.local", check=False).stdout) and out, "the record is answered")
        self.assertRegex(said, r"0 100 8080 ported\.default\.svc\.cluster\.local")

    def test_hooks(self):
        self.run_pod("hooks", ("sh", "-c", "trap 'cat /tmp/hook; exit 3' TERM; while :; do sleep 1 & wait $!; done"), {
            "lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", "echo started > /tmp/hook"]}},
                          "preStop": {"exec": {"command": ["sh", "-c", "echo stopping >> /tmp/hook; echo $(cat /tmp/hook) > /proc/1/fd/1"]}}}})
        self.cluster.ready("hooks")
        self.assertEqual(self.cluster.exec("hooks", "cat", "/tmp/hook").strip(), "started")
        with self.follow("hooks") as log:
            self.cluster.kubectl("delete", "pod", "hooks", "--grace-period=10")
            self.assertIn("started stopping", log.communicate(timeout=60)[0])
        self.run_pod("bad-hook", container={"lifecycle": {"postStart": {"exec": {"command": ["false"]}}}})
        until(lambda: "FailedPostStartHook" in self.cluster.kubectl("get", "events", "--field-selector", "involvedObject.name=bad-hook"), "the event is there")

    def follow(self, name):
        return subprocess.Popen(self.cluster.command("logs", "-f", name), stdout=subprocess.PIPE, text=True)

    def test_messages_at_the_end(self):
        self.run_pod("by-file", ("sh", "-c", "echo said > /dev/termination-log; echo logged; exit 1"), restartPolicy="Never")
        self.run_pod("by-log", ("sh", "-c", "echo logged; exit 1"), {"terminationMessagePolicy": "FallbackToLogsOnError"}, restartPolicy="Never")
        self.run_pod("elsewhere", ("sh", "-c", "echo there > /tmp/end"), {"terminationMessagePath": "/tmp/end"}, restartPolicy="Never")
        for name, message in (("by-file", "said\n"), ("by-log", "logged\n"), ("elsewhere", "there\n")):
            ended = until(lambda: self.state(name).get("terminated"), f"{name} has ended")
            self.assertEqual(ended.get("message"), message, name)

    def test_paths_with_the_pod_s_own_names(self):
        self.run_pod("expanded", container={
            "env": [{"name": "OWN", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "volumeMounts": [{"name": "work", "mountPath": "/all"}, {"name": "work", "mountPath": "/own", "subPathExpr": "logs/$(OWN)"}]},
            volumes=[{"name": "work", "emptyDir": {}}])
        self.cluster.ready("expanded")
        self.cluster.exec("expanded", "sh", "-c", "echo x > /own/file")
        self.assertEqual(self.cluster.exec("expanded", "cat", "/all/logs/expanded/file").strip(), "x")

    def test_a_root_that_is_only_read(self):
        self.run_pod("readonly", container={"securityContext": {"readOnlyRootFilesystem": True}, "volumeMounts": [{"name": "work", "mountPath": "/work"}]},
                     volumes=[{"name": "work", "emptyDir": {}}])
        self.cluster.ready("readonly")
        self.assertIn("Read-only file system", self.cluster.exec("readonly", "touch", "/file", check=False).stderr)
        self.cluster.exec("readonly", "touch", "/work/file")

    def test_capabilities_seccomp_and_groups(self):
        self.run_pod("bound", container={"securityContext": {
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}, "seccompProfile": {"type": "RuntimeDefault"}, "allowPrivilegeEscalation": False}},
            securityContext={"supplementalGroups": [4242], "fsGroup": 4343})
        self.cluster.ready("bound")
        status = dict(line.split(":", 1) for line in self.cluster.exec("bound", "cat", "/proc/self/status").splitlines() if ":" in line)
        self.assertEqual(int(status["CapEff"], 16), 1 << 10)
        self.assertEqual((status["Seccomp"].strip(), status["NoNewPrivs"].strip()), ("2", "1"))
        self.assertTrue({"4242", "4343"} <= set(status["Groups"].split()))

    def test_an_image_for_which_one_needs_a_password(self):
        registry = Registry(shared.images()[0], password="secret")
        self.addCleanup(registry.close)
        registry.corrupt("archive")()
        image = f"{registry.address}/private:1"
        self.run_pod("without", container={"image": image})
        said = until(lambda: (waiting := self.state("without").get("waiting", {})).get("reason") in ("ErrImagePull", "ImagePullBackOff") and waiting, "it is refused")
        self.assertIn(image, said["message"])
        for name, password in (("wrong", "guess"), ("right", "secret")):
            self.cluster.kubectl("create", "secret", "docker-registry", name, f"--docker-server={registry.address}", "--docker-username=any", f"--docker-password={password}")
        self.run_pod("wrong", container={"image": image}, imagePullSecrets=[{"name": "wrong"}])
        until(lambda: self.state("wrong").get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff"), "a wrong password is refused")
        self.run_pod("right", container={"image": image}, imagePullSecrets=[{"name": "right"}])
        self.cluster.ready("right")
        self.run_pod("odd", container={"image": "No/Image:At:All"})
        until(lambda: self.state("odd").get("waiting", {}).get("reason") == "InvalidImageName", "a name that is none")
        self.run_pod("never", container={"image": f"{registry.address}/other:1", "imagePullPolicy": "Never"})
        waiting = until(lambda: (found := self.state("never").get("waiting", {})).get("reason") == "ErrImageNeverPull" and found, "which isn't pulled")
        self.assertIn("is not present with pull policy of Never", waiting["message"])


if __name__ == "__main__":
    unittest.main()
