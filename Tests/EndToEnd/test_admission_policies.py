"""Admission policies, through stock kubectl."""

import json
import unittest

from harness import shared
from harness.waiting import until


class AdmissionPolicies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.new("policies", containers=False).cluster("policies")

    def tearDown(self):
        self.cluster.kubectl(
            "delete", "--all", "validatingadmissionpolicies,validatingadmissionpolicybindings,mutatingadmissionpolicies,mutatingadmissionpolicybindings")

    def policy(self, name, spec, kind="Validating", resources=("apps", "deployments"), binding=None):
        self.cluster.apply({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}AdmissionPolicy", "metadata": {"name": name},
            "spec": {"matchConstraints": {"resourceRules": [{
                "apiGroups": [resources[0]], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": [resources[1]]}]}, **spec},
        }, {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}AdmissionPolicyBinding", "metadata": {"name": f"{name}-binding"},
            "spec": {"policyName": name, **(binding or {})},
        })

    def test_a_deployment_with_too_many_replicas_is_refused(self):
        self.policy("limit", {
            "variables": [{"name": "replicas", "expression": "object.spec.replicas"}],
            "validations": [{"expression": "variables.replicas <= 2", "messageExpression": "'not ' + string(variables.replicas)"}],
        }, binding={"validationActions": ["Deny"], "matchResources": {"namespaceSelector": {"matchLabels": {"limited": "yes"}}}})
        create = ("create", "deployment", "many", "--image=web", "--replicas=3")
        self.cluster.kubectl(*create, "--dry-run=server")
        self.cluster.kubectl("label", "namespace/default", "limited=yes")
        result = self.cluster.kubectl(*create, check=False)
        self.assertEqual(result.stderr.strip(),
                         "error: failed to create deployment: deployments.apps \"many\" is forbidden: ValidatingAdmissionPolicy 'limit' with "
                         "binding 'limit-binding' denied request: not 3")
        self.cluster.kubectl("create", "deployment", "few", "--image=web", "--replicas=2")
        result = self.cluster.kubectl("patch", "deployment/few", "-p", '{"spec":{"replicas":5}}', check=False)
        self.assertIn("denied request: not 5", result.stderr)

    def test_warnings_reach_the_user(self):
        self.policy("warn", {"validations": [{"expression": "has(object.data) && has(object.data.owner)", "message": "say whose it is"}]},
                    resources=("", "configmaps"), binding={"validationActions": ["Warn"]})
        result = self.cluster.kubectl("create", "configmap", "nobody", check=False)
        self.assertEqual((result.returncode, result.stderr),
                         (0, "Warning: Validation failed for ValidatingAdmissionPolicy 'warn' with binding 'warn-binding': say whose it is\n"))

    def test_the_status_tells_what_is_wrong_with_types(self):
        checked = lambda name: until(lambda: (status := self.cluster.get(f"validatingadmissionpolicy/{name}").get("status", {})).get(
            "observedGeneration") and status, "the types are checked")
        self.policy("types", {"validations": [
            {"expression": "object.spec.replicas > 1"}, {"expression": "object.replicas > 1"}, {"expression": "object.spec.replicas > 'a'"}]},
            binding={"validationActions": ["Audit"]})
        self.assertEqual(checked("types")["typeChecking"], {"expressionWarnings": [
            {"fieldRef": "spec.validations[1].expression",
             "warning": "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n"},
            {"fieldRef": "spec.validations[2].expression",
             "warning": "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n"
                        " | object.spec.replicas > 'a'\n | .....................^\n"}]})
        self.policy("right", {"validations": [{"expression": "object.data.a == 'b'"}]}, resources=("", "configmaps"),
                    binding={"validationActions": ["Audit"]})
        self.assertEqual(checked("right"), {"observedGeneration": 1, "typeChecking": {}})
        described = self.cluster.kubectl("describe", "validatingadmissionpolicy", "types")
        self.assertIn("undefined field 'replicas'", described)

    def test_parameters_come_from_custom_resources(self):
        self.cluster.apply({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "limits.rules.example.com"},
            "spec": {"group": "rules.example.com", "scope": "Namespaced", "names": {"plural": "limits", "singular": "limit", "kind": "Limit"},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                         "type": "object", "properties": {"maximum": {"type": "integer"}}}}}]},
        })
        self.cluster.kubectl("wait", "--for=condition=Established", "crd/limits.rules.example.com", "--timeout=30s")
        self.cluster.apply({"apiVersion": "rules.example.com/v1", "kind": "Limit", "metadata": {"name": "two"}, "maximum": 2})
        self.policy("params", {
            "paramKind": {"apiVersion": "rules.example.com/v1", "kind": "Limit"},
            "validations": [{"expression": "size(object.data) <= params.maximum", "reason": "Forbidden"}],
        }, resources=("", "configmaps"), binding={"validationActions": ["Deny"], "paramRef": {"name": "two", "parameterNotFoundAction": "Deny"}})
        self.cluster.kubectl("create", "configmap", "small", "--from-literal=a=1", "--from-literal=b=1")
        result = self.cluster.kubectl("create", "configmap", "big", "--from-literal=a=1", "--from-literal=b=1", "--from-literal=c=1", check=False)
        self.assertIn("denied request: failed expression: size(object.data) <= params.maximum", result.stderr)
        self.cluster.kubectl("delete", "limit/two")
        result = self.cluster.kubectl("create", "configmap", "none", check=False)
        self.assertIn("no params found for policy binding with `Deny` parameterNotFoundAction", result.stderr)

    def test_objects_are_changed_without_a_webhook(self):
        self.policy("label", {"reinvocationPolicy": "IfNeeded", "mutations": [
            {"patchType": "ApplyConfiguration", "applyConfiguration": {
                "expression": 'Object{metadata: Object.metadata{labels: {"by": request.userInfo.username.replace(":", "-")}}}'}},
            {"patchType": "JSONPatch", "jsonPatch": {
                "expression": '[JSONPatch{op: "add", path: "/spec/template/metadata/annotations", value: {"seen": "yes"}}]'}},
        ]}, kind="Mutating")
        self.cluster.kubectl("create", "deployment", "changed", "--image=web")
        tree = self.cluster.get("deployment/changed")
        self.assertTrue(tree["metadata"]["labels"]["by"])
        self.assertEqual(tree["spec"]["template"]["metadata"]["annotations"], {"seen": "yes"})
        # What a policy adds is nobody's.
        fields = json.dumps([f["fieldsV1"] for f in self.cluster.get("deployment/changed", "--show-managed-fields")["metadata"]["managedFields"]])
        self.assertNotIn("f:seen", fields)
