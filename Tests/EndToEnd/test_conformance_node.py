"""What the conformance suite of v1.36 asks of pods and nodes and v1.20's, which can be run here, doesn't (docs/conformance.md). One test for each of
its tests, named as it is in the first line of its text. Those of resizing are in test_conformance_resize."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import lifecycle, settings, shared
from harness.cluster import pod
from harness.registry import Registry
from harness.api_test import APITest
from harness.waiting import until
from harness.webhook import process_in

PODS = "/api/v1/namespaces/default/pods"
WEB = "sampan.dev/sample/web:1"
ARGUMENTS = "sampan.dev/sample/arguments:1"
CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"
FOREVER = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"]


class ConformanceNode(APITest):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("conformance-node", "--pod-security", "privileged")
        cls.addClassCleanup(shared.instance().delete, "conformance-node")
        cls.load_arguments()

    @classmethod
    def load_arguments(cls):
        """An image whose entrypoint says what it's given, by default that it's given nothing."""
        folder = tempfile.mkdtemp(prefix="sampan-image-", dir=settings.folder)
        cls.addClassCleanup(shutil.rmtree, folder)
        root = os.path.join(folder, "root")
        for each in ("bin", "proc", "sys", "dev", "etc"):
            os.makedirs(os.path.join(root, each))
        shutil.copy(shutil.which("busybox"), os.path.join(root, "bin", "busybox"))
        for applet in ("sh", "echo"):
            os.symlink("/bin/busybox", os.path.join(root, "bin", applet))
        archive = os.path.join(folder, "arguments.tar")
        subprocess.run([os.path.join(settings.repository, "scripts", "build-image"), "--name", ARGUMENTS, "--root", root, "--output", archive,
                        "--entrypoint", '["/bin/echo", "entrypoint"]', "--command", '["default", "arguments"]', "--env", "PATH=/bin"], check=True)
        shared.instance().sampan("image", "load", archive)

    def make(self, name, phase="Running", metadata=None, **spec):
        """A new pod in that phase."""
        container = {"name": "main", "image": WEB, "imagePullPolicy": "IfNotPresent", "command": FOREVER, **spec.pop("container", {})}
        body = pod(name, None, **{"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container], **spec})
        body["metadata"].update(metadata or {})
        self.ask("POST", PODS, body, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")
        return until(lambda: (tree := self.ask("GET", f"{PODS}/{name}")) and tree["status"].get("phase") == phase and tree, f"{name} is {phase}")

    def output(self, name, **spec):
        self.make(name, "Succeeded", **spec)
        return self.cluster.kubectl("logs", name)

    # What containers are given

    def prefixed(self, name, source):
        lines = self.output(name, container={"command": ["env"], "envFrom": [
            {**({"prefix": prefix} if prefix else {}), source: {"name": name}} for prefix in ("", "1-", "$_-", "ABC_", "#@!")]}).splitlines()
        for prefix in ("", "1-", "$_-", "ABC_", "#@!"):
            for number in (1, 2, 3):
                self.assertIn(f"{prefix}data-{number}=value-{number}", lines)

    def test_prefixes_of_config_maps(self):
        """ConfigMap should be consumable as environment variable names with various prefixes"""
        self.ask("POST", "/api/v1/namespaces/default/configmaps", {
            "metadata": {"name": "prefixed-map"}, "data": {f"data-{n}": f"value-{n}" for n in (1, 2, 3)}}, 201)
        self.prefixed("prefixed-map", "configMapRef")

    def test_prefixes_of_secrets(self):
        """Secrets should be consumable as environment variable names variable names with various prefixes"""
        self.ask("POST", "/api/v1/namespaces/default/secrets", {
            "metadata": {"name": "prefixed-secret"}, "stringData": {f"data-{n}": f"value-{n}\n" for n in (1, 2, 3)}}, 201)
        self.prefixed("prefixed-secret", "secretRef")

    def test_image_defaults(self):
        """Containers should use the image defaults if command and args are blank"""
        self.assertEqual(self.output("image-defaults", container={"image": ARGUMENTS, "command": None}), "entrypoint default arguments\n")

    def test_arguments(self):
        """Containers should be able to override the image's default arguments (container cmd)"""
        self.assertEqual(self.output("arguments", container={"image": ARGUMENTS, "command": None, "args": ["override", "arguments"]}),
                         "entrypoint override arguments\n")

    def test_command(self):
        """Containers should be able to override the image's default command (container entrypoint)"""
        self.assertEqual(self.output("command", container={"image": ARGUMENTS, "command": ["/bin/echo", "override"]}), "override\n")

    def test_command_and_arguments(self):
        """Containers should be able to override the image's default command and arguments"""
        self.assertEqual(self.output("both", container={"image": ARGUMENTS, "command": ["/bin/echo", "override"], "args": ["both"]}), "override both\n")

    def test_host_addresses(self):
        """Downward API should provide hostIPs as an env var"""
        said = self.output("host-ips", container={"command": ["sh", "-c", "env"], "env": [
            {"name": "HOST_IPS", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIPs"}}}]})
        addresses = [each["ip"] for each in self.ask("GET", f"{PODS}/host-ips")["status"]["hostIPs"]]
        self.assertTrue(addresses)
        self.assertIn(f"HOST_IPS={','.join(addresses)}", said.splitlines())

    def test_host_aliases(self):
        """Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts"""
        said = self.output("host-aliases", container={"command": ["cat", "/etc/hosts"]},
                           hostAliases=[{"ip": "123.45.67.89", "hostnames": ["foo", "bar"]}])
        self.assertIn("123.45.67.89\tfoo\tbar\n", said)

    def test_image_volumes(self):
        """ImageVolume should succeed with pod and pull policy of Always"""
        registry = Registry(shared.images()[0])
        self.addCleanup(registry.close)
        self.make("image-volume", volumes=[{"name": "volume", "image": {"reference": f"{registry.address}/volume:1", "pullPolicy": "Always"}}],
                  container={"volumeMounts": [{"name": "volume", "mountPath": "/volume"}]})
        self.assertIn("root:x:0:0", self.cluster.exec("image-volume", "cat", "/volume/etc/passwd"))
        self.assertIn("httpd -f", self.cluster.exec("image-volume", "cat", "/volume/bin/web"))
        refused = self.cluster.exec("image-volume", "touch", "/volume/x", check=False)
        self.assertIn("Read-only file system", refused.stderr)
        self.assertIn("/v2/volume/manifests/1", [path.split("?")[0] for path in registry.asked])

    # Ephemeral containers

    def ephemeral(self, name, container, others=()):
        tree = self.ask("GET", f"{PODS}/{name}")
        tree["spec"]["ephemeralContainers"] = [*others, {"name": container, "image": WEB, "imagePullPolicy": "IfNotPresent", "command": [
            "sh", "-c", f"echo polo from {container}; sleep 10000"], "stdin": True, "tty": True}]
        patched = self.patch(f"{PODS}/{name}/ephemeralcontainers", {"spec": {"ephemeralContainers": tree["spec"]["ephemeralContainers"]}}, self.STRATEGIC)
        until(lambda: "running" in next((s for s in self.ask("GET", f"{PODS}/{name}")["status"].get("ephemeralContainerStatuses", [])
                                         if s["name"] == container), {}).get("state", {}), f"{container} runs")
        until(lambda: f"polo from {container}" in self.cluster.kubectl("logs", name, "-c", container), f"{container} says something")
        return patched["spec"]["ephemeralContainers"]

    def test_an_ephemeral_container(self):
        """Ephemeral Containers will start an ephemeral container in an existing pod"""
        self.make("ephemeral")
        self.ephemeral("ephemeral", "debugger")
        self.assertEqual(self.cluster.kubectl("exec", "ephemeral", "-c", "debugger", "--", "/bin/echo", "marco").strip(), "marco")

    def test_another_ephemeral_container(self):
        """Ephemeral Containers should update the ephemeral containers in an existing pod"""
        self.make("ephemerals")
        first = self.ephemeral("ephemerals", "debugger1")
        own = f"{PODS}/ephemerals/ephemeralcontainers"
        self.assertEqual(self.ask("GET", own)["spec"]["ephemeralContainers"], first)
        second = {"name": "debugger2", "image": WEB, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "10000"]}
        updated = self.changed(own, lambda tree: tree["spec"]["ephemeralContainers"].append(second))
        self.assertEqual([c["name"] for c in updated["spec"]["ephemeralContainers"]], ["debugger1", "debugger2"])
        self.assertEqual([c["name"] for c in self.ask("GET", own)["spec"]["ephemeralContainers"]], ["debugger1", "debugger2"])

    # Nodes and templates

    def test_a_node(self):
        """Node Lifecycle should run through the lifecycle of a node"""
        name = "e2e-fake-node"
        own = f"/api/v1/nodes/{name}"
        made = self.ask("POST", "/api/v1/nodes", {"metadata": {"name": name}, "spec": {"unschedulable": True}, "status": {
            "phase": "Running", "conditions": [{"type": "Ready", "status": "True", "reason": "E2E", "message": "Set from e2e test"}]}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", own)
        self.assertEqual(self.ask("GET", own)["metadata"]["name"], name)
        patched = self.patch(own, {"metadata": {"labels": {name: "patched"}}}, self.STRATEGIC)
        self.assertEqual(patched["metadata"]["labels"][name], "patched")
        self.assertGreater(int(patched["metadata"]["resourceVersion"]), int(made["metadata"]["resourceVersion"]))
        self.assertEqual(len(self.ask("GET", f"/api/v1/nodes?labelSelector={name}%3Dpatched")["items"]), 1)
        self.assertEqual(self.changed(own, lambda tree: tree["metadata"]["labels"].update({name: "updated"}))["metadata"]["labels"][name], "updated")
        self.ask("DELETE", own)
        self.gone(own)

    def test_templates_are_replaced(self):
        """PodTemplates should replace a pod template"""
        path = "/api/v1/namespaces/default/podtemplates"
        self.ask("POST", path, {"metadata": {"name": "pt", "labels": {"podtemplate": "e2e"}}, "template": {"spec": {
            "containers": [{"name": "e2e-test", "image": WEB}]}}}, 201)
        updated = self.changed(f"{path}/pt", lambda tree: tree["metadata"].update(annotations={"updated": "true"}))
        self.assertEqual(updated["metadata"]["annotations"], {"updated": "true"})
        self.assertEqual(self.ask("GET", f"{path}/pt"), updated)

    # Generations

    def observed(self, name, generation):
        until(lambda: self.ask("GET", f"{PODS}/{name}")["status"].get("observedGeneration") == generation, f"{name}'s generation {generation} is observed")

    def test_generations(self):
        """Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update"""
        tree = self.make("generation", initContainers=[{"name": "init", "image": WEB, "imagePullPolicy": "IfNotPresent", "command": ["true"]}])
        self.assertEqual(tree["metadata"]["generation"], 1)
        def image(containers):
            return lambda tree: tree["spec"][containers][0].update(image="sampan.dev/sample/web:2")
        generation = 1
        for change, bumps in (
            (lambda tree: None, False),
            (lambda tree: tree["spec"].setdefault("tolerations", []).append(
                {"key": "foo", "operator": "Equal", "value": "bar", "effect": "NoSchedule"}), True),
            (lambda tree: tree["spec"].update(activeDeadlineSeconds=5000), True),
            (image("containers"), True), (image("initContainers"), True),
            (lambda tree: tree["metadata"].update(annotations={"key": "value"}), False),
            (lambda tree: tree["metadata"].update(generation=1), False),
        ):
            generation += bumps
            self.changed(f"{PODS}/generation", change)
            self.assertEqual(self.ask("GET", f"{PODS}/generation")["metadata"]["generation"], generation)
            self.observed("generation", generation)

    def test_generation_of_a_deletion(self):
        """Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete"""
        # Which doesn't hear that it's told to end.
        made = self.make("deleted", metadata={"generation": 100}, container={"command": ["sleep", "100000"]})
        self.assertEqual(made["metadata"]["generation"], 1)
        # As client-go does, with the options as parameters and without a body.
        self.ask("DELETE", f"{PODS}/deleted?gracePeriodSeconds=60")
        answer = self.cluster.request("GET", f"{PODS}/deleted")
        self.assertEqual((answer.code, answer.json["metadata"]["generation"], answer.json["metadata"]["deletionGracePeriodSeconds"]), (200, 2, 60))

    def test_many_generations(self):
        """Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge"""
        self.make("many", activeDeadlineSeconds=5000)
        connection = self.cluster.connect()
        self.addCleanup(connection.close)
        for number in range(499):
            answer = connection.request("PATCH", f"{PODS}/many", {"spec": {"activeDeadlineSeconds": 4999 - number}}, content_type=self.MERGE)
            self.assertEqual(answer.code, 200, answer)
        self.observed("many", 500)
        self.assertEqual(self.ask("GET", f"{PODS}/many")["metadata"]["generation"], 500)

    def test_status_is_patched(self):
        """Pods should patch a pod status"""
        self.make("patched")
        patched = self.patch(f"{PODS}/patched/status", {"metadata": {"labels": {"patched": "yes"}}, "status": {"message": "Patched by e2e test"}},
                             self.STRATEGIC)
        self.assertEqual(patched["status"]["message"], "Patched by e2e test")
        self.assertEqual(len(self.ask("GET", f"{PODS}?fieldSelector=metadata.name%3Dpatched")["items"]), 1)
        tree = self.ask("GET", f"{PODS}/patched/status")
        self.assertEqual(tree["metadata"]["uid"], patched["metadata"]["uid"])

    # gRPC probes

    def served(self, name, seconds):
        tree = self.make(name, restartPolicy="Always", container={"livenessProbe": {
            "grpc": {"port": 5000}, "initialDelaySeconds": 2, "periodSeconds": 1, "failureThreshold": 1}})
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "harness", "health.py")
        server = subprocess.Popen(["nsenter", "-t", str(process_in(tree)), "-n", sys.executable, script, "5000", str(seconds)])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)

    def restarts(self, name):
        return self.ask("GET", f"{PODS}/{name}")["status"]["containerStatuses"][0]["restartCount"]

    def test_what_is_healthy_by_grpc(self):
        """Probing container should *not* be restarted with a GRPC liveness probe;
        Probing container should be restarted with a GRPC liveness probe"""
        self.served("grpc-healthy", 0)
        self.served("grpc-ill", 3)
        until(lambda: self.restarts("grpc-ill") > 0, "what says it isn't serving is started anew")
        events = self.ask("GET", "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dgrpc-ill,reason%3DUnhealthy")["items"]
        self.assertTrue(events and all("Liveness probe failed" in event["message"] for event in events), events)
        self.assertEqual(self.restarts("grpc-healthy"), 0)

    # Runtime classes

    def of_class(self, name, overhead=None):
        self.ask("POST", CLASSES, {"metadata": {"name": name}, "handler": "test-handler", **({"overhead": {"podFixed": overhead}} if overhead else {})}, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{CLASSES}/{name}")
        self.addCleanup(self.cluster.request, "DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")
        made = self.ask("POST", PODS, pod(name, ["true"], runtimeClassName=name), 201)
        until(lambda: (self.condition(self.ask("GET", f"{PODS}/{name}"), "PodScheduled") or {}).get("status") == "True", f"{name} is scheduled")
        return made["spec"].get("overhead")

    def test_a_class_with_overhead(self):
        """RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead"""
        self.assertEqual(self.of_class("with-overhead", {"cpu": "10m", "memory": "1Mi"}), {"cpu": "10m", "memory": "1Mi"})

    def test_a_class_without_overhead(self):
        """RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead"""
        self.assertIsNone(self.of_class("without-overhead"))

    # Dynamic resource allocation: that the API keeps its kinds

    RESOURCES = "/apis/resource.k8s.io/v1"
    CLAIM = {"devices": {"requests": [{"name": "req-0", "exactly": {"deviceClassName": "example", "allocationMode": "ExactCount", "count": 1}}]}}
    LABEL = {"metadata": {"labels": {"e2e-changed": "yes"}}}

    def kept(self, path, kind, body, change, status=None):
        lifecycle.in_every_way(self, self.cluster, f"{self.RESOURCES}/{path}", {
            "apiVersion": "resource.k8s.io/v1", "kind": kind, "metadata": {"name": f"e2e-{kind.lower()}", **(
                {"namespace": "default"} if path.startswith("namespaces") else {})}, **body}, change, status)

    def test_device_classes(self):
        """[DRA] CRUD Tests resource.k8s.io/v1 DeviceClass"""
        self.kept("deviceclasses", "DeviceClass", {"spec": {"selectors": [{"cel": {"expression": "device.driver == \"dra.example.com\""}}]}},
                  {"spec": {"selectors": [{"cel": {"expression": "device.driver == \"other.example.com\""}}]}})

    def test_resource_claims(self):
        """[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim"""
        self.kept("namespaces/default/resourceclaims", "ResourceClaim", {"spec": self.CLAIM, "status": {}}, self.LABEL, {
            "allocation": {"devices": {"results": [{"request": "req-0", "driver": "dra.example.com", "pool": "some-pool", "device": "some-device"}]}}})

    def test_resource_claim_templates(self):
        """[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate"""
        self.kept("namespaces/default/resourceclaimtemplates", "ResourceClaimTemplate", {"spec": {"metadata": {}, "spec": self.CLAIM}}, self.LABEL)

    def test_resource_slices(self):
        """[DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice"""
        self.kept("resourceslices", "ResourceSlice", {"spec": {
            "driver": "dra.example.com", "nodeName": "some-node", "pool": {"name": "some-pool", "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "device-0"}]}}, {"spec": {"devices": [{"name": "device-1"}]}})


if __name__ == "__main__":
    unittest.main()
