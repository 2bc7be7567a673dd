"""Tenants' pods stay off the machine, whatever the tenant writes, unless the platform lets the cluster."""

import json
import os
import unittest

from harness import shared
from harness.cluster import Cluster, pod
from harness.waiting import until

PODS = "/api/v1/namespaces/open/pods"


def with_container(**fields):
    body = pod("p", ["sleep", "1"])
    body["spec"]["containers"][0].update(fields)
    return body


def with_spec(**fields):
    return pod("p", ["sleep", "1"], **fields)


def context(**fields):
    return with_container(securityContext=fields)


# What a pod asks for, and what the refusal says of it.
DOORS = {
    "to be privileged": (context(privileged=True), "privileged (container \"main\" must not set securityContext.privileged=true)"),
    "the machine's directories": (with_spec(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), "hostPath volumes (volume \"v\")"),
    "the machine's network": (with_spec(hostNetwork=True), "host namespaces (hostNetwork=true)"),
    "the machine's processes": (with_spec(hostPID=True), "host namespaces (hostPID=true)"),
    "the machine's shared memory": (with_spec(hostIPC=True), "host namespaces (hostIPC=true)"),
    "a port of the machine": (with_container(ports=[{"containerPort": 80, "hostPort": 80}]), "hostPort (container \"main\" uses hostPort 80)"),
    "to administer the system": (context(capabilities={"add": ["SYS_ADMIN"]}), "non-default capabilities"),
    "another AppArmor profile": (context(appArmorProfile={"type": "Unconfined"}), "forbidden AppArmor profile"),
    "no seccomp profile": (context(seccompProfile={"type": "Unconfined"}), "seccompProfile"),
    "all of /proc, saying that it is in a user namespace": ({**with_spec(hostUsers=False), "spec": {
        **context(procMount="Unmasked")["spec"], "hostUsers": False}}, "procMount"),
    "the kernel's settings": (with_spec(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}), "forbidden sysctl (kernel.msgmax)"),
    "in an init container": (with_spec(initContainers=[{"name": "i", "image": "i", "securityContext": {"privileged": True}}]), "privileged (container \"i\""),
}


class HostAccess(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("host", containers=False)
        cls.cluster = cls.instance.cluster("tenant")
        # The tenant's own labels allow everything.
        cls.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "open", "labels": {
            "pod-security.kubernetes.io/enforce": "privileged"}}})
        until(lambda: cls.cluster.kubectl("get", "serviceaccount", "default", "-n", "open", check=False).returncode == 0,
              "the namespace has its service account")

    def test_every_door_is_shut(self):
        for what, (body, reason) in DOORS.items():
            with self.subTest(what):
                answer = self.cluster.request("POST", PODS, body)
                self.assertEqual((answer.code, answer.json.get("reason")), (403, "Forbidden"), answer)
                self.assertIn('pods "p" is forbidden: the platform allows this cluster no pods that violate PodSecurity '
                              '"baseline:latest": ', answer.json["message"])
                self.assertIn(reason, answer.json["message"])

    def test_an_ordinary_pod_is_let_in_and_cannot_grow(self):
        self.assertEqual(self.cluster.request("POST", PODS, pod("plain", ["sleep", "1"])).code, 201)
        debugger = {"spec": {"ephemeralContainers": [{"name": "d", "image": "i", "securityContext": {"privileged": True}}]}}
        answer = self.cluster.request(
            "PATCH", f"{PODS}/plain/ephemeralcontainers", debugger, content_type="application/strategic-merge-patch+json")
        self.assertEqual(answer.code, 403, answer)
        self.assertIn('privileged (container "d"', answer.json["message"])

    def test_nor_do_controllers_help(self):
        template = {"metadata": {"labels": {"a": "b"}}, "spec": {"hostNetwork": True, "containers": [{"name": "c", "image": "i"}]}}
        answer = self.cluster.request("POST", "/apis/apps/v1/namespaces/open/replicasets", {
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "sly"},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}})
        self.assertEqual(answer.code, 201, answer)
        self.assertIn("the platform will refuse the pods", answer.headers["Warning"])
        event = until(lambda: [e for e in self.cluster.get("events", "-n", "open")["items"] if e["reason"] == "FailedCreate"],
                      "the set tells why it has no pods")
        self.assertIn("host namespaces (hostNetwork=true)", event[0]["message"])

    def test_volumes_of_the_machine_are_refused_too(self):
        for source in ({"hostPath": {"path": "/"}}, {"local": {"path": "/"}}):
            volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], **source, "nodeAffinity": {"required": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]}}}}
            answer = self.cluster.request("POST", "/api/v1/persistentvolumes", volume)
            self.assertEqual(answer.code, 403, answer)
            self.assertIn("no volumes of the machine's directories", answer.json["message"])

    def test_another_tenants_service_account_is_none_here(self):
        other = self.instance.cluster("other")
        other.kubectl("create", "serviceaccount", "theirs")
        answer = self.cluster.request("POST", PODS, with_spec(serviceAccountName="theirs"))
        self.assertEqual(answer.code, 403, answer)
        self.assertIn('error looking up service account open/theirs: serviceaccount "theirs" not found', answer.json["message"])

    def test_the_platform_may_let_a_cluster(self):
        root = self.instance.root()
        trusted = self.instance.cluster("trusted", "--pod-security", "privileged")
        path = "/api/v1/namespaces/default/pods?dryRun=All"
        for what, (body, _) in DOORS.items():
            with self.subTest(what):
                self.assertEqual(trusted.request("POST", path, body).code, 201)
        patch = lambda level: root.kubectl(
            "patch", "virtualcluster", "trusted", "--type=merge", "-p", json.dumps({"spec": {"podSecurity": level}}), check=False)
        self.assertEqual(patch("restricted").returncode, 0)
        self.assertIn('"restricted:latest"', trusted.request("POST", path, pod("p", ["sleep", "1"])).json["message"])
        self.assertIn("Unsupported value", patch("lax").stderr)

    def test_nor_can_the_team_that_owns_the_cluster(self):
        """A team's members change everything else of their clusters."""
        root = self.instance.root()
        self.instance.sampan("team", "create", "crew", "--member", "alice=owner")
        file = os.path.join(self.instance.directory, "alice.kubeconfig")
        self.instance.sampan("team", "kubeconfig", "crew", "alice", "--output", file)
        alice = Cluster("alice", file)
        path = "/apis/sampan.dev/v1alpha1/namespaces/crew/virtualclusters"
        body = lambda **spec: {"apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": {"name": "own"}, "spec": spec}
        for field, spec in (("spec.podSecurity", {"podSecurity": "privileged"}), ("spec.limits", {"limits": {"objects": 1000000}})):
            answer = alice.request("POST", path, body(**spec))
            self.assertEqual(answer.code, 403, answer)
            self.assertIn(f"{field} is for the platform's administrators to change", answer.json["message"])
        self.assertEqual(alice.request("POST", path, body(podSecurity="restricted", description="mine")).code, 201)
        merge = "application/merge-patch+json"
        for spec, code in (({"podSecurity": "privileged"}, 403), ({"podSecurity": None}, 403), ({"limits": {"watches": 1}}, 403), ({"description": "still mine"}, 200)):
            self.assertEqual(alice.request("PATCH", f"{path}/own", {"spec": spec}, content_type=merge).code, code, spec)
        self.assertEqual(root.request("PATCH", f"{path}/own", {"spec": {"podSecurity": "privileged"}}, content_type=merge).code, 200)
        # And what the platform has said of a team's cluster counts in it.
        self.assertEqual(alice.request("PATCH", f"{path}/own", {"spec": {"podSecurity": "baseline"}}, content_type=merge).code, 200)
        self.instance.sampan("cluster", "delete", "own", "--team", "crew")

    def test_a_tenant_cannot_change_what_the_platform_says(self):
        self.assertEqual(self.cluster.request("GET", "/apis/sampan.dev/v1alpha1/virtualclusters").code, 404)
