"""Everything that kubectl writes with: apply of both sorts, edit, replace, patch, prune, wait. No pod runs."""

import json
import os
import subprocess
import tempfile
import unittest

import yaml

from harness import settings, shared
from harness.waiting import until

DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "nginx:1", "ports": [{"containerPort": 80}]}]}}},
}


def config_map(name, data=None, labels=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels or {}, **metadata}, "data": data or {}}


class KubectlWriting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("writing")

    def setUp(self):
        self.kubectl("create", "namespace", self.namespace)

    def tearDown(self):
        self.kubectl("delete", "namespace", self.namespace, "--wait=false")

    @property
    def namespace(self):
        return self._testMethodName.replace("_", "-")[5:45].strip("-")

    def kubectl(self, *arguments, **options):
        return self.cluster.kubectl("-n", self.namespace, *arguments, **options)

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "--show-managed-fields", "-o", "json"))

    def apply(self, *objects, arguments=(), **options):
        return self.kubectl("apply", *arguments, "-f", "-", input=yaml.safe_dump_all(objects), **options)

    def managers(self, *arguments):
        return {(m["manager"], m["operation"], m.get("subresource", "")) for m in self.get(*arguments)["metadata"]["managedFields"]}

    def test_apply_configures_and_removes_what_it_no_longer_says(self):
        self.assertIn("created", self.apply(config_map("a", {"x": "1", "y": "2"}, {"l": "m"})))
        self.assertIn("unchanged", self.apply(config_map("a", {"x": "1", "y": "2"}, {"l": "m"})))
        self.kubectl("patch", "configmap/a", "--type=merge", "-p", '{"data":{"z":"3"}}')
        self.assertIn("configured", self.apply(config_map("a", {"x": "9"}, {"l": "m"})))
        self.assertEqual(self.get("configmap/a")["data"], {"x": "9", "z": "3"})
        self.assertEqual(json.loads(self.kubectl("apply", "view-last-applied", "configmap/a", "-o", "json"))["data"], {"x": "9"})
        self.assertEqual(
            self.managers("configmap/a"), {("kubectl-client-side-apply", "Update", ""), ("kubectl-patch", "Update", "")})

    def test_managed_fields_are_hidden_unless_asked_for(self):
        self.apply(config_map("a", {"x": "1"}))
        self.assertNotIn("managedFields", self.kubectl("get", "configmap/a", "-o", "yaml"))
        self.assertIn("managedFields", self.kubectl("get", "configmap/a", "-o", "yaml", "--show-managed-fields"))

    def test_server_side_apply_conflicts_and_forces(self):
        self.assertIn("serverside-applied", self.apply(DEPLOYMENT, arguments=["--server-side", "--field-manager=one"]))
        other = json.loads(json.dumps(DEPLOYMENT))
        other["spec"]["replicas"] = 2
        refused = self.apply(other, arguments=["--server-side", "--field-manager=two"], check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn('Apply failed with 1 conflict: conflict with "one": .spec.replicas', refused.stderr)
        other["spec"]["paused"] = True
        other["spec"]["replicas"] = 0
        version = self.get("deployment/web")["metadata"]["resourceVersion"]
        self.apply(other, arguments=["--server-side", "--field-manager=two", "--dry-run=server"])
        self.assertEqual(self.get("deployment/web")["metadata"]["resourceVersion"], version)
        other["spec"]["replicas"] = 1
        self.apply(other, arguments=["--server-side", "--field-manager=two", "--force-conflicts"])
        owners = self.get("deployment/web")["metadata"]["managedFields"]
        self.assertNotIn("f:replicas", next(m for m in owners if m["manager"] == "one")["fieldsV1"]["f:spec"])
        self.apply(other, arguments=["--server-side", "--field-manager=two"])
        self.assertEqual(self.get("deployment/web")["spec"]["replicas"], 1)

    def test_server_side_apply_again_changes_nothing(self):
        self.apply(DEPLOYMENT, arguments=["--server-side"])
        until(lambda: self.get("deployment/web").get("status", {}).get("observedGeneration"), "the controller has seen it")
        version = self.get("deployment/web")["metadata"]["resourceVersion"]
        self.apply(DEPLOYMENT, arguments=["--server-side"])
        self.assertEqual(self.get("deployment/web")["metadata"]["resourceVersion"], version)

    def test_server_side_apply_takes_over_from_client_side_apply(self):
        self.apply(config_map("a", {"x": "1", "y": "2"}))
        self.assertEqual(self.managers("configmap/a"), {("kubectl-client-side-apply", "Update", "")})
        self.apply(config_map("a", {"x": "5"}), arguments=["--server-side"])
        found = self.get("configmap/a")
        self.assertEqual(found["data"], {"x": "5"})
        # It keeps its annotation, for those who go back.
        self.assertEqual(self.managers("configmap/a"), {("kubectl", "Apply", ""), ("kubectl-last-applied", "Apply", "")})

    def test_an_unknown_field_cannot_be_applied(self):
        wrong = config_map("a")
        wrong["datum"] = {}
        refused = self.apply(wrong, arguments=["--server-side", "--validate=false"], check=False)
        self.assertIn(".datum: field not declared in schema", refused.stderr)
        strict = self.kubectl("create", "-f", "-", input=yaml.safe_dump(wrong), check=False)
        self.assertIn('strict decoding error: unknown field "datum"', strict.stderr)
        warned = self.kubectl("create", "-f", "-", "--validate=warn", input=yaml.safe_dump(wrong), check=False)
        self.assertEqual((warned.returncode, warned.stderr.strip()), (0, 'Warning: unknown field "datum"'))

    def test_diff_says_what_apply_would_do(self):
        self.apply(config_map("a", {"x": "1"}))
        for arguments in ([], ["--server-side", "--force-conflicts"]):
            changed = self.kubectl("diff", *arguments, "-f", "-", input=yaml.safe_dump(config_map("a", {"x": "2"})), check=False)
            self.assertEqual(changed.returncode, 1, changed.stderr)
            self.assertRegex(changed.stdout, r'(?m)^-\s+x: "1"\n\+\s+x: "2"')
        same = self.kubectl("diff", "-f", "-", input=yaml.safe_dump(config_map("a", {"x": "1"})), check=False)
        self.assertEqual((same.returncode, same.stdout), (0, ""))
        self.assertEqual(self.get("configmap/a")["data"], {"x": "1"})

    def test_edit(self):
        self.apply(config_map("a", {"x": "old"}))
        with tempfile.NamedTemporaryFile("w", suffix=".sh", delete=False) as script:
            script.write("#!/bin/sh\nsed -i s/old/new/ \"$1\"\n")
        os.chmod(script.name, 0o755)
        result = subprocess.run(
            self.cluster.command("-n", self.namespace, "edit", "configmap/a"), capture_output=True, text=True,
            env={**os.environ, "KUBE_EDITOR": script.name})
        os.unlink(script.name)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.get("configmap/a")["data"], {"x": "new"})
        self.assertIn(("kubectl-edit", "Update", ""), self.managers("configmap/a"))

    def test_replace_and_replace_by_force(self):
        self.apply(config_map("a", {"x": "1"}))
        uid = self.get("configmap/a")["metadata"]["uid"]
        self.kubectl("replace", "-f", "-", input=yaml.safe_dump(config_map("a", {"b": "2"})))
        self.assertEqual(self.get("configmap/a")["data"], {"b": "2"})
        self.assertEqual(self.get("configmap/a")["metadata"]["uid"], uid)
        self.kubectl("replace", "--force", "-f", "-", input=yaml.safe_dump(config_map("a", {"b": "3"})))
        self.assertNotEqual(self.get("configmap/a")["metadata"]["uid"], uid)
        missing = self.kubectl("replace", "-f", "-", input=yaml.safe_dump(config_map("none")), check=False)
        self.assertIn('configmaps "none" not found', missing.stderr)
        stale = config_map("a", {"b": "4"}, resourceVersion="1")
        refused = self.kubectl("replace", "-f", "-", input=yaml.safe_dump(stale), check=False)
        self.assertIn("the object has been modified; please apply your changes to the latest version and try again", refused.stderr)

    def test_set_label_annotate(self):
        self.apply(DEPLOYMENT)
        self.kubectl("set", "image", "deployment/web", "web=nginx:2")
        self.kubectl("set", "env", "deployment/web", "A=b")
        self.kubectl("set", "resources", "deployment/web", "--limits=cpu=200m,memory=64Mi")
        container = self.get("deployment/web")["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual(container["image"], "nginx:2")
        self.assertEqual(container["env"], [{"name": "A", "value": "b"}])
        self.assertEqual(container["resources"], {"limits": {"cpu": "200m", "memory": "64Mi"}})
        self.kubectl("label", "deployment/web", "tier=front", "app-")
        self.assertEqual(self.get("deployment/web")["metadata"]["labels"], {"tier": "front"})
        refused = self.kubectl("label", "deployment/web", "tier=back", check=False)
        self.assertEqual(refused.returncode, 1)
        self.kubectl("label", "deployment/web", "tier=back", "--overwrite")
        self.kubectl("annotate", "deployment/web", "note=x")
        self.assertEqual(self.get("deployment/web")["metadata"]["annotations"]["note"], "x")
        self.kubectl("annotate", "deployment/web", "note-")
        self.assertNotIn("note", self.get("deployment/web")["metadata"]["annotations"])
        self.assertLessEqual(
            {"kubectl-client-side-apply", "kubectl-set", "kubectl-label"}, {m[0] for m in self.managers("deployment/web")})

    def test_patches_of_every_type(self):
        self.apply(DEPLOYMENT)
        strategic = {"spec": {"template": {"spec": {"containers": [
            {"name": "web", "env": [{"name": "A", "value": "1"}]}, {"name": "side", "image": "busybox"}]}}}}
        self.kubectl("patch", "deployment/web", "-p", json.dumps(strategic))
        containers = self.get("deployment/web")["spec"]["template"]["spec"]["containers"]
        self.assertEqual([c["name"] for c in containers], ["web", "side"])
        self.assertEqual((containers[0]["image"], containers[0]["env"]), ("nginx:1", [{"name": "A", "value": "1"}]))
        removal = {"spec": {"template": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}}}
        self.kubectl("patch", "deployment/web", "-p", json.dumps(removal))
        replacement = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
        self.kubectl("patch", "deployment/web", "-p", json.dumps(replacement))
        spec = self.get("deployment/web")["spec"]
        self.assertEqual([c["name"] for c in spec["template"]["spec"]["containers"]], ["web"])
        self.assertEqual(spec["strategy"], {"type": "Recreate"})
        self.kubectl("patch", "deployment/web", "--type=json", "-p", json.dumps([
            {"op": "test", "path": "/spec/replicas", "value": 0}, {"op": "replace", "path": "/spec/replicas", "value": 1},
            {"op": "add", "path": "/metadata/labels/x~1y", "value": "z"}, {"op": "remove", "path": "/metadata/labels/app"}]))
        found = self.get("deployment/web")
        self.assertEqual((found["spec"]["replicas"], found["metadata"]["labels"]), (1, {"x/y": "z"}))
        failed = self.kubectl("patch", "deployment/web", "--type=json", "-p", json.dumps(
            [{"op": "test", "path": "/spec/replicas", "value": 7}]), check=False)
        self.assertIn("the server rejected our request due to an error in our request", failed.stderr)
        self.kubectl("patch", "deployment/web", "--type=merge", "-p", '{"spec":{"replicas":0},"metadata":{"labels":null}}')
        self.assertNotIn("labels", self.get("deployment/web")["metadata"])
        self.kubectl("patch", "deployment/web", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":2}}')
        self.assertIn(("kubectl-patch", "Update", "scale"), self.managers("deployment/web"))

    def test_prune_by_selector(self):
        allow = ["--prune", "-l", "set=one", "--prune-allowlist=core/v1/ConfigMap"]
        labels = {"set": "one"}
        self.apply(config_map("a", labels=labels), config_map("b", labels=labels), arguments=allow)
        self.apply(config_map("other"))
        said = self.apply(config_map("a", labels=labels), arguments=allow)
        self.assertIn("configmap/b pruned", said)
        names = {item["metadata"]["name"] for item in self.get("configmaps")["items"]}
        self.assertLessEqual({"a", "other"}, names)
        self.assertNotIn("b", names)

    def test_prune_by_apply_set(self):
        environment = {**os.environ, "KUBECTL_APPLYSET": "true"}

        def apply(*objects):
            result = subprocess.run(
                self.cluster.command(
                    "-n", self.namespace, "apply", "--server-side", "--prune", "--applyset=mine", "-f", "-"),
                input=yaml.safe_dump_all(objects), capture_output=True, text=True, env=environment)
            self.assertEqual(result.returncode, 0, result.stderr)
            return result.stdout

        apply(config_map("a"), config_map("b"))
        parent = self.get("secret/mine")["metadata"]
        self.assertIn("applyset.kubernetes.io/id", parent["labels"])
        self.assertEqual(parent["annotations"]["applyset.kubernetes.io/contains-group-kinds"], "ConfigMap")
        self.assertIn("configmap/b pruned", apply(config_map("a")))
        names = {item["metadata"]["name"] for item in self.get("configmaps")["items"]}
        self.assertTrue("a" in names and "b" not in names)

    def test_lists_dry_runs_and_generated_names(self):
        whole = {"apiVersion": "v1", "kind": "List", "items": [config_map("a"), config_map("b"), {**DEPLOYMENT}]}
        said = self.kubectl("create", "-f", "-", input=yaml.safe_dump(whole))
        self.assertEqual(said.split(), ["configmap/a", "created", "configmap/b", "created", "deployment.apps/web", "created"])
        self.assertIn("server dry run", self.kubectl("create", "configmap", "dry", "--dry-run=server"))
        self.assertEqual(self.kubectl("get", "configmap/dry", check=False).returncode, 1)
        self.assertIn("server dry run", self.kubectl("delete", "configmap/a", "--dry-run=server"))
        self.get("configmap/a")
        generated = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "gen-"}}
        self.assertRegex(self.kubectl("create", "-f", "-", input=yaml.safe_dump(generated)), r"^configmap/gen-[a-z0-9]{5} created")
        self.kubectl("delete", "-f", "-", input=yaml.safe_dump(whole))

    def test_wait_and_events(self):
        self.apply(DEPLOYMENT)
        self.kubectl("wait", "deployment/web", "--for=condition=Available", "--timeout=60s")
        self.kubectl("wait", "deployment/web", "--for=jsonpath={.status.observedGeneration}=1", "--timeout=60s")
        self.kubectl("scale", "deployment/web", "--replicas=1")
        until(lambda: "ScalingReplicaSet" in self.kubectl("events", "--for=deployment/web"), "the controller tells of it")
        self.kubectl("scale", "deployment/web", "--replicas=0")
        deletion = subprocess.Popen(self.cluster.command(
            "-n", self.namespace, "wait", "deployment/web", "--for=delete", "--timeout=60s"))
        self.kubectl("delete", "deployment/web", "--cascade=foreground")
        self.assertEqual(deletion.wait(timeout=settings.patience), 0)

    def test_deletions_leave_or_take_what_is_owned(self):
        self.apply(DEPLOYMENT)
        owned = until(lambda: self.get("replicasets", "-l", "app=web")["items"], "there is a replica set")
        self.kubectl("delete", "deployment/web", "--cascade=orphan")
        until(lambda: "ownerReferences" not in self.get(f"replicaset/{owned[0]['metadata']['name']}")["metadata"], "it is an orphan")
        self.apply(DEPLOYMENT)
        until(lambda: self.get("replicasets", "-l", "app=web")["items"][0]["metadata"].get("ownerReferences"), "it is adopted")
        self.kubectl("delete", "deployment/web")
        until(lambda: not self.get("replicasets", "-l", "app=web")["items"], "it is collected")
        self.apply(config_map("held", finalizers=["example.com/hold"]))
        self.kubectl("delete", "configmap/held", "--wait=false")
        marked = self.get("configmap/held")["metadata"]
        self.assertEqual((marked["finalizers"], marked["deletionGracePeriodSeconds"]), (["example.com/hold"], 0))
        refused = self.kubectl("patch", "configmap/held", "--type=merge", "-p", '{"metadata":{"finalizers":["a.b/c","example.com/hold"]}}', check=False)
        self.assertIn("no new finalizers can be added if the object is being deleted", refused.stderr)
        self.kubectl("patch", "configmap/held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        self.assertEqual(self.kubectl("get", "configmap/held", check=False).returncode, 1)

    def test_discovery_by_kubectl(self):
        resources = self.kubectl("api-resources", "--no-headers")
        self.assertRegex(resources, r"(?m)^deployments +deploy +apps/v1 +true +Deployment$")
        self.assertIn("scale", self.kubectl("get", "--raw", "/apis/apps/v1"))
        versions = self.kubectl("api-versions").split()
        self.assertEqual(versions, sorted(versions))
        self.assertLessEqual({"v1", "apps/v1", "autoscaling/v2"}, set(versions))
