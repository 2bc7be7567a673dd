"""What the conformance suite of v1.36 asks of the API and v1.20's, which can be run here, doesn't (docs/conformance.md). One test for each of its
tests, named as it is in the first line of its text."""

import json
import unittest

from harness import lifecycle, shared
from harness.waiting import until

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"

BUILTIN = [
    ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"), ("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
    ("apiregistration.k8s.io", "v1", "apiservices"), ("apps", "v1", "deployments"), ("authentication.k8s.io", "v1", "tokenreviews"),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"), ("autoscaling", "v1", "horizontalpodautoscalers"),
    ("autoscaling", "v2", "horizontalpodautoscalers"), ("batch", "v1", "jobs"), ("certificates.k8s.io", "v1", "certificatesigningrequests"),
    ("coordination.k8s.io", "v1", "leases"), ("discovery.k8s.io", "v1", "endpointslices"), ("events.k8s.io", "v1", "events"),
    ("networking.k8s.io", "v1", "ingresses"), ("node.k8s.io", "v1", "runtimeclasses"), ("policy", "v1", "poddisruptionbudgets"),
    ("scheduling.k8s.io", "v1", "priorityclasses"), ("storage.k8s.io", "v1", "csinodes"),
]

PORTS = {
    "type": "array", "x-kubernetes-list-map-keys": ["containerPort", "protocol"], "x-kubernetes-list-type": "map",
    "items": {
        "type": "object", "required": ["containerPort", "protocol"],
        "properties": {
            "containerPort": {"format": "int32", "type": "integer"}, "hostIP": {"type": "string"},
            "hostPort": {"format": "int32", "type": "integer"}, "name": {"type": "string"}, "protocol": {"type": "string"}}}}
FIELDS = {
    "foo": {"type": "string"}, "cronSpec": {"type": "string", "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$"}, "ports": PORTS}
SPEC = 'cronSpec: "* * * * */5"\n  ports:\n  - name: x\n    containerPort: 80\n    protocol: TCP'


class ConformanceAPI(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.new("conformance", containers=False).cluster("api")
        cls.definitions = 0

    def ask(self, method, path, body=None, code=200, **options):
        answer = self.cluster.request(method, path, body, **options)
        self.assertEqual(answer.code, code, answer)
        return answer.json

    def namespace(self, name, **labels):
        return self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}}, 201)

    def definition(self, schema, scope="Cluster", versions=("v1beta1", "v1beta2"), **spec):
        """A new definition with some versions of one schema; its group and plural."""
        type(self).definitions += 1
        group, plural = f"tests{self.definitions}.example.com", "noxus"
        self.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group, "scope": scope, "names": {"plural": plural, "singular": "nonenglishnoxu", "kind": "Noxu", "listKind": "NoxuList"},
                "versions": [{"name": name, "served": True, "storage": name == versions[-1], "schema": {"openAPIV3Schema": schema}}
                             for name in versions], **spec}}, 201)
        until(lambda: self.cluster.request("GET", f"/apis/{group}/{versions[0]}/{plural}").code == 200, "the definition is served")
        return group, plural

    # AggregatedDiscovery, Discovery

    def aggregated(self, path):
        tree = self.ask("GET", path, headers={"Accept": AGGREGATED})
        return {(group["metadata"].get("name", ""), version["version"], resource["resource"])
                for group in tree["items"] for version in group["versions"] for resource in version["resources"]}

    def test_aggregated_discovery(self):
        """AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers; ... aggregated discovery interface"""
        self.assertLessEqual(set(BUILTIN), self.aggregated("/apis"))
        self.assertIn(("", "v1", "namespaces"), self.aggregated("/api"))

    def test_aggregated_discovery_of_definitions(self):
        """AggregatedDiscovery should support raw aggregated discovery request for CRDs; ... aggregated discovery interface for CRDs"""
        group, plural = self.definition({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "Namespaced", ("v1",))
        self.assertIn((group, "v1", plural), self.aggregated("/apis"))

    def test_each_group_is_found(self):
        """Discovery should locate the groupVersion and a resource within each APIGroup"""
        groups = {group["name"]: group for group in self.ask("GET", "/apis")["groups"]}
        for name, version, resource in BUILTIN:
            with self.subTest(name):
                self.assertIn(f"{name}/{version}", [v["groupVersion"] for v in groups[name]["versions"]])
                tree = self.ask("GET", f"/apis/{name}/{version}")
                self.assertEqual(tree["groupVersion"], f"{name}/{version}")
                self.assertIn(resource, [r["name"] for r in tree["resources"]])
                self.assertEqual(self.ask("GET", f"/apis/{name}")["preferredVersion"], groups[name]["preferredVersion"])

    # FieldValidation

    DEPLOYMENT = """{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "my-dep", %s "labels": {"app": "nginx"}}, "spec": {
        %s "selector": {"matchLabels": {"app": "nginx"}}, "template": {"metadata": {"labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "nginx", "image": "nginx:latest"}]}}}}"""

    def strict(self, metadata, spec):
        path = "/apis/apps/v1/namespaces/default/deployments?fieldManager=field_validation_mgr&fieldValidation=Strict"
        answer = self.cluster.request("POST", path, self.DEPLOYMENT % (metadata, spec))
        self.assertEqual(answer.code, 400, answer)
        return answer.json["message"]

    def test_fields_of_typed_objects(self):
        """FieldValidation should detect unknown and duplicate fields of a typed object"""
        self.assertIn('strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas"',
                      self.strict("", '"unknownField": "foo", "replicas": 2, "replicas": 3,'))

    def test_metadata_of_typed_objects(self):
        """FieldValidation should detect unknown metadata fields of a typed object"""
        self.assertIn('strict decoding error: unknown field "metadata.unknownMeta"', self.strict('"unknownMeta": "foo",', ""))

    def applied(self, schema, text, metadata="", before=""):
        group, plural = self.definition(schema)
        body = f"\napiVersion: {group}/v1beta1\nkind: Noxu\nmetadata:\n  name: mytest\n{metadata}{before}spec:\n  {text}"
        return self.cluster.request(
            "PATCH", f"/apis/{group}/v1beta1/{plural}/mytest?fieldManager=field_validation_mgr&fieldValidation=Strict", body,
            content_type="application/apply-patch+yaml")

    def schema(self, **spec):
        return {"type": "object", "properties": {"spec": {"type": "object", "properties": FIELDS, **spec}}}

    FINALIZERS = "  finalizers:\n  - test-finalizer\n"

    def test_valid_custom_resources(self):
        """FieldValidation should create/apply a valid CR for CRD with validation schema"""
        answer = self.applied(self.schema(), f"foo: foo1\n  {SPEC}", self.FINALIZERS)
        self.assertEqual(answer.code, 201, answer)

    def test_custom_resources_without_a_schema(self):
        """FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema"""
        answer = self.applied({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, f"unknown: uk1\n  {SPEC}", self.FINALIZERS)
        self.assertEqual(answer.code, 201, answer)

    def test_invalid_custom_resources(self):
        """FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema"""
        answer = self.applied(self.schema(), f"foo: foo1\n  {SPEC}", self.FINALIZERS, "unknownField: unknown\n")
        self.assertIn(".unknownField: field not declared in schema", answer.body.decode())

    def test_metadata_of_custom_resources(self):
        """FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR"""
        schema = self.schema()
        schema["properties"]["spec"]["x-kubernetes-preserve-unknown-fields"] = True
        schema["properties"]["spec"]["properties"] = {**FIELDS, "template": {
            "type": "object", "x-kubernetes-embedded-resource": True,
            "properties": {"metadata": {"type": "object", "properties": {"name": {"type": "string"}}}, "spec": {"type": "object"}}}}
        answer = self.applied(
            schema, "template:\n    apiversion: foo/v1\n    kind: Sub\n    metadata:\n        unknownSubMeta: unknown\n        name: subobject\n"
            f"        namespace: default\n  foo: foo1\n  {SPEC}", "  unknownMeta: unknown\n" + self.FINALIZERS)
        self.assertIn(".spec.template.metadata.unknownSubMeta: field not declared in schema", answer.body.decode())
        self.assertIn(".metadata.unknownMeta: field not declared in schema", answer.body.decode())

    def test_duplicates_in_custom_resources(self):
        """FieldValidation should detect duplicates in a CR when preserving unknown fields"""
        answer = self.applied(self.schema(**{"x-kubernetes-preserve-unknown-fields": True}), f"unknown: uk1\n  foo: foo1\n  foo: foo2\n  {SPEC}")
        self.assertIn('line 9: key \\"foo\\" already set in map', answer.body.decode())

    # APIs that can do everything

    def test_flow_schemas(self):
        """API priority and fairness should support FlowSchema API operations"""
        def back(tree):
            tree["spec"]["matchingPrecedence"] = 9998
        lifecycle.go_through(
            self, self.cluster, "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", "FlowSchema",
            {"spec": {"matchingPrecedence": 10000, "priorityLevelConfiguration": {"name": "global-default"},
                      "distinguisherMethod": {"type": "ByUser"},
                      "rules": [{"subjects": [{"kind": "User", "user": {"name": "example-e2e-non-existent-user"}}],
                                 "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}]}},
            {"spec": {"matchingPrecedence": 9999}}, back,
            {"conditions": [{"type": "PatchStatusFailed", "status": "False", "reason": "e2e"}]})

    def test_priority_levels(self):
        """API priority and fairness should support PriorityLevelConfiguration API operations"""
        def back(tree):
            tree["spec"]["limited"]["nominalConcurrencyShares"] = 2
        lifecycle.go_through(
            self, self.cluster, "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", "PriorityLevelConfiguration",
            {"spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 2, "limitResponse": {"type": "Reject"}}}},
            {"metadata": {"annotations": {"patched": "true"}}}, back,
            {"conditions": [{"type": "PatchStatusFailed", "status": "False", "reason": "e2e"}]})

    RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    CONFIGURATION = {"patchType": "ApplyConfiguration", "applyConfiguration": {
        "expression": 'Object{metadata: Object.metadata{annotations: {"my-foo-annotation": "myAnnotationValue"}}}'}}

    @staticmethod
    def fails(tree):
        tree["spec"]["failurePolicy"] = "Fail"

    def test_mutating_policies(self):
        """MutatingAdmissionPolicy should support MutatingAdmissionPolicy API operations"""
        lifecycle.go_through(
            self, self.cluster, f"{ADMISSION}/mutatingadmissionpolicies", "MutatingAdmissionPolicy",
            {"spec": {"reinvocationPolicy": "Never", "mutations": [self.CONFIGURATION], "matchConstraints": {"resourceRules": [self.RULE]}}},
            {"spec": {"failurePolicy": "Ignore"}}, self.fails)

    def test_mutating_bindings(self):
        """MutatingAdmissionPolicy should support MutatingAdmissionPolicyBinding API operations"""
        def back(tree):
            tree["spec"]["policyName"] = "replicalimit-policy.example.com"
        lifecycle.go_through(
            self, self.cluster, f"{ADMISSION}/mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding",
            {"spec": {"policyName": "replicalimit-policy.example.com"}}, {}, back)

    def test_validating_policies(self):
        """ValidatingAdmissionPolicy should support ValidatingAdmissionPolicy API operations"""
        lifecycle.go_through(
            self, self.cluster, f"{ADMISSION}/validatingadmissionpolicies", "ValidatingAdmissionPolicy",
            {"spec": {"validations": [{"expression": "object.spec.replicas <= 100"}], "matchConstraints": {"resourceRules": [self.RULE]}}},
            {"spec": {"failurePolicy": "Ignore"}}, self.fails,
            {"conditions": [{"type": "PatchStatusFailed", "status": "False", "reason": "e2e", "message": "Set from an e2e test",
                             "lastTransitionTime": "2026-01-01T00:00:00Z"}]})

    def test_validating_bindings(self):
        """ValidatingAdmissionPolicy should support ValidatingAdmissionPolicyBinding API operations"""
        def back(tree):
            tree["spec"]["validationActions"] = ["Deny"]
        lifecycle.go_through(
            self, self.cluster, f"{ADMISSION}/validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding",
            {"spec": {"policyName": "replicalimit-policy.example.com", "validationActions": ["Deny"]}},
            {"spec": {"validationActions": ["Warn"]}}, back)

    def test_endpoint_slices(self):
        """EndpointSlice should support creating EndpointSlice API operations"""
        lifecycle.go_through(
            self, self.cluster, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", "EndpointSlice",
            {"addressType": "IPv4", "endpoints": [{"addresses": ["1.2.3.4", "5.6.7.8"]}, {"addresses": ["2.2.3.4", "6.6.7.8"]}]},
            {}, lambda tree: None)

    # Policies at work

    def deployment(self, name, namespace="default", replicas=2):
        return {"metadata": {"name": name, "namespace": namespace}, "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "nginx", "image": "nginx:latest"}]}}}}

    def mutated(self, name, mutations, variables=()):
        self.namespace(name, **{name: "true"})
        self.ask("POST", f"{ADMISSION}/mutatingadmissionpolicies", {"metadata": {"name": f"{name}.policy.example.com"}, "spec": {
            "matchConstraints": {"resourceRules": [{**self.RULE, "operations": ["CREATE", "UPDATE"]}],
                                 "namespaceSelector": {"matchLabels": {name: "true"}}},
            "mutations": mutations, "variables": list(variables), "reinvocationPolicy": "Never"}}, 201)
        self.ask("POST", f"{ADMISSION}/mutatingadmissionpolicybindings", {
            "metadata": {"name": f"{name}.binding.example.com"}, "spec": {
                "policyName": f"{name}.policy.example.com", "matchResources": {"namespaceSelector": {"matchLabels": {name: "true"}}}}}, 201)
        return self.ask("POST", f"/apis/apps/v1/namespaces/{name}/deployments", self.deployment("test-deployment", name), 201)

    def test_deployments_are_mutated(self):
        """MutatingAdmissionPolicy should mutate a Deployment; ... with annotations"""
        made = self.mutated("mutating", [{"patchType": "ApplyConfiguration", "applyConfiguration": {
            "expression": '\n  Object{\n    metadata: Object.metadata{\n      annotations: {\n        "mutated-by": "admission-policy"\n      }\n    }\n  }'}}])
        self.assertEqual(made["metadata"]["annotations"]["mutated-by"], "admission-policy")
        made = self.mutated("annotating", [{"patchType": "JSONPatch", "jsonPatch": {"expression": (
            '[JSONPatch{op: "add", path: "/metadata/annotations", value: {}}, JSONPatch{op: "add", '
            'path: "/metadata/annotations/" + jsonpatch.escapeKey("example.com/x"), value: "by-" + variables.who}]')}}],
            [{"name": "who", "expression": "'policy'"}])
        self.assertEqual(made["metadata"]["annotations"]["example.com/x"], "by-policy")

    def test_deployments_are_validated(self):
        """ValidatingAdmissionPolicy should validate against a Deployment; ... should allow expressions to refer variables"""
        self.namespace("validating", validated="true")
        rule = {**self.RULE, "operations": ["CREATE", "UPDATE"]}
        self.ask("POST", f"{ADMISSION}/validatingadmissionpolicies", {"metadata": {"name": "validating.policy.example.com"}, "spec": {
            "failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule], "namespaceSelector": {"matchLabels": {"validated": "true"}}},
            "variables": [{"name": "replicas", "expression": "object.spec.replicas"},
                          {"name": "oddReplicas", "expression": "variables.replicas % 2 == 1"}],
            "validations": [{"expression": "variables.replicas > 1"}, {"expression": "variables.oddReplicas"}]}}, 201)
        self.ask("POST", f"{ADMISSION}/validatingadmissionpolicybindings", {
            "metadata": {"name": "validating.binding.example.com"},
            "spec": {"policyName": "validating.policy.example.com", "validationActions": ["Deny"]}}, 201)
        path = "/apis/apps/v1/namespaces/validating/deployments"
        for replicas, problem in ((1, "failed expression: variables.replicas > 1"), (2, "failed expression: variables.oddReplicas")):
            answer = self.cluster.request("POST", path, self.deployment("refused", "validating", replicas))
            self.assertEqual((answer.code, answer.json["reason"]), (422, "Invalid"))
            self.assertIn(problem, answer.json["message"])
        self.ask("POST", path, self.deployment("allowed", "validating", 3), 201)

    # Webhooks' match conditions

    def webhook(self, kind, name, conditions, code=201):
        return self.ask("POST", f"{ADMISSION}/{kind}webhookconfigurations", {"metadata": {"name": name}, "webhooks": [{
            "name": "hook.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "timeoutSeconds": 1,
            "clientConfig": {"url": "https://127.0.0.1:1/"}, "matchConditions": conditions,
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
            "objectSelector": {"matchLabels": {"hook": name}}}]}, code)

    def test_match_conditions(self):
        """AdmissionWebhook should be able to create and update mutating (validating) webhook configurations with match conditions;
        ... should reject mutating (validating) webhook configurations with invalid match conditions"""
        first = [{"name": "expression-1", "expression": "object.metadata.namespace == 'production'"}]
        second = [*first, {"name": "expression-2", "expression": "object.metadata.name == 'abc'"}]
        for kind in ("mutating", "validating"):
            with self.subTest(kind):
                made = self.webhook(kind, f"{kind}-good", first)
                self.assertEqual(made["webhooks"][0]["matchConditions"], first)
                own = f"{ADMISSION}/{kind}webhookconfigurations/{kind}-good"
                tree = self.ask("GET", own)
                tree["webhooks"][0]["matchConditions"] = second
                self.assertEqual(self.ask("PUT", own, tree)["webhooks"][0]["matchConditions"], second)
                self.assertEqual(self.ask("GET", own)["webhooks"][0]["matchConditions"], second)
                answer = self.webhook(kind, f"{kind}-bad", [{"name": "invalid-expression-1", "expression": "... [] bad expression"}], 422)
                self.assertIn("compilation failed", answer["message"])

    def test_conditions_skip(self):
        """What the conditions skip isn't asked about, also when nobody answers."""
        self.webhook("mutating", "skip", [{"name": "skip-me", "expression": "object.metadata.name != 'skip-me'"}])
        maps = "/api/v1/namespaces/default/configmaps"
        self.ask("POST", maps, {"metadata": {"name": "skip-me", "labels": {"hook": "skip"}}}, 201)
        answer = self.cluster.request("POST", maps, {"metadata": {"name": "not-me", "labels": {"hook": "skip"}}})
        self.assertEqual(answer.code, 500, answer)
        self.assertIn("failed calling webhook", answer.json["message"])

    # Namespaces

    def test_a_namespace_is_changed(self):
        """Namespaces should apply an update to a Namespace; ... apply changes to a namespace status; ... apply a finalizer to a Namespace"""
        self.namespace("changed", a="b")
        own = "/api/v1/namespaces/changed"
        tree = self.ask("GET", own)
        tree["metadata"]["labels"]["changed"] = "updated"
        self.assertEqual(self.ask("PUT", own, tree)["metadata"]["labels"]["changed"], "updated")

        patched = self.ask("PATCH", f"{own}/status", {
            "metadata": {"annotations": {"e2e-patched-ns-status": "changed"}},
            "status": {"conditions": [{"type": "StatusPatch", "status": "True", "reason": "E2E", "message": "Patched by an e2e test"}]}},
            content_type="application/merge-patch+json")
        self.assertEqual(patched["metadata"]["annotations"], {"e2e-patched-ns-status": "changed"})
        self.assertEqual(patched["status"]["conditions"][-1]["message"], "Patched by an e2e test")
        tree = self.ask("GET", f"{own}/status")
        tree["status"]["conditions"].append({
            "type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Updated by an e2e test", "lastTransitionTime": None})
        self.assertEqual(self.ask("PUT", f"{own}/status", tree)["status"]["conditions"][-1]["type"], "StatusUpdate")

        tree = self.ask("GET", own)
        tree["spec"]["finalizers"].append("e2e.example.com/fakeFinalizer")
        self.assertEqual(self.ask("PUT", f"{own}/finalize", tree)["spec"]["finalizers"], ["kubernetes", "e2e.example.com/fakeFinalizer"])
        tree = self.ask("GET", own)
        tree["spec"]["finalizers"].remove("e2e.example.com/fakeFinalizer")
        self.assertEqual(self.ask("PUT", f"{own}/finalize", tree)["spec"]["finalizers"], ["kubernetes"])

    def test_pods_go_first(self):
        """OrderedNamespaceDeletion namespace deletion should delete pod first"""
        self.namespace("nsdeletetest")
        own = "/api/v1/namespaces/nsdeletetest"
        until(lambda: self.cluster.request("GET", f"{own}/serviceaccounts/default").code == 200, "there is a default service account")
        self.ask("POST", f"{own}/pods", {"metadata": {"name": "test-pod", "finalizers": ["e2e.example.com/finalizer"]},
                                         "spec": {"containers": [{"name": "nginx", "image": "pause"}]}}, 201)
        self.ask("POST", f"{own}/configmaps", {"metadata": {"name": "test-configmap"}, "data": {"key": "value"}}, 201)
        self.ask("DELETE", own)
        until(lambda: "NamespaceDeletionContentFailure" in [
            c["type"] for c in self.ask("GET", own)["status"].get("conditions", [])], "the namespace was looked at")
        self.assertEqual(self.ask("GET", own)["status"]["phase"], "Terminating")
        self.assertNotIn("deletionTimestamp", self.ask("GET", f"{own}/configmaps/test-configmap")["metadata"])
        pod = self.ask("GET", f"{own}/pods/test-pod")
        self.assertIn("deletionTimestamp", pod["metadata"])
        pod["metadata"]["finalizers"] = []
        self.ask("PUT", f"{own}/pods/test-pod", pod)
        until(lambda: self.cluster.request("GET", own).code == 404, "the namespace is gone")

    # ResourceQuota

    def test_the_life_of_a_quota(self):
        """ResourceQuota should manage the lifecycle of a ResourceQuota; ... apply changes to a resourcequota status"""
        self.namespace("quota")
        path = "/api/v1/namespaces/quota/resourcequotas"
        label = "labelSelector=e2e-rq-label%3Dx"
        self.ask("POST", path, {"metadata": {"name": "e2e-quota", "labels": {"e2e-rq-label": "x"}},
                                "spec": {"hard": {"cpu": "1", "memory": "500Mi"}}}, 201)
        self.assertEqual(self.ask("GET", f"{path}/e2e-quota")["spec"]["hard"], {"cpu": "1", "memory": "500Mi"})
        self.assertEqual(len(self.ask("GET", f"/api/v1/resourcequotas?{label}")["items"]), 1)
        patched = self.ask("PATCH", f"{path}/e2e-quota", {"metadata": {"labels": {"e2e-quota": "patched"}}, "spec": {"hard": {"memory": "750Mi"}}},
                           content_type="application/strategic-merge-patch+json")
        self.assertEqual((patched["metadata"]["labels"]["e2e-quota"], patched["spec"]["hard"]["memory"]), ("patched", "750Mi"))

        # The controller sees to the status: what somebody else writes into it holds for a moment only.
        until(lambda: self.ask("GET", f"{path}/e2e-quota")["status"].get("hard") == {"cpu": "1", "memory": "750Mi"}, "the status says the quota")
        version = self.ask("GET", path)["metadata"]["resourceVersion"]
        tree = self.ask("GET", f"{path}/e2e-quota/status")
        tree["status"]["hard"] = {"cpu": "2", "memory": "1Gi"}
        self.assertEqual(self.ask("PUT", f"{path}/e2e-quota/status", tree)["status"]["hard"], {"cpu": "2", "memory": "1Gi"})
        patched = self.ask("PATCH", f"{path}/e2e-quota/status", {"metadata": {"labels": {"e2e-patched": "yes"}}, "status": {"hard": {"memory": "10Gi"}}},
                           content_type="application/merge-patch+json")
        self.assertEqual(patched["status"]["hard"]["memory"], "10Gi")
        until(lambda: self.ask("GET", f"{path}/e2e-quota")["status"]["hard"] == {"cpu": "1", "memory": "750Mi"}, "the controller put it right")
        self.assertGreaterEqual(len(lifecycle.watched(self.cluster, path, version, "e2e-rq-label%3Dx")), 3)
        self.ask("DELETE", f"{path}?{label}")
        self.assertEqual(self.ask("GET", f"/api/v1/resourcequotas?{label}")["items"], [])

    # Access

    def test_access_reviews_tell_the_truth(self):
        """SubjectReview should support SubjectReview API operations"""
        account = self.ask("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "e2e"}}, 201)
        groups = ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:default"]
        wanted = {"verb": "list", "resource": "configmaps", "namespace": "default", "version": "v1"}
        spec = {"resourceAttributes": wanted, "user": "system:serviceaccount:default:e2e", "groups": groups, "uid": account["metadata"]["uid"]}
        review = self.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec}, 201)
        connection = self.cluster.connect()
        connection.http.connect()
        headers = {"Impersonate-User": spec["user"], "Impersonate-Uid": spec["uid"], "Accept": "application/json"}
        connection.http.putrequest("GET", connection.prefix + "/api/v1/namespaces/default/configmaps")
        for name, value in [*headers.items(), *(("Impersonate-Group", group) for group in groups)]:
            connection.http.putheader(name, value)
        if connection.token:
            connection.http.putheader("Authorization", f"Bearer {connection.token}")
        connection.http.endheaders()
        code = connection.http.getresponse().status
        connection.close()
        self.assertEqual((review["status"]["allowed"], code), (False, 403))
        local = self.ask("POST", "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews",
                         {"metadata": {"namespace": "default"}, "spec": {**spec, "user": "e2e"}}, 201)
        self.assertFalse(local["status"]["allowed"])

    def test_tokens_are_reviewed(self):
        """ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview; ... should update a ServiceAccount"""
        path = "/api/v1/namespaces/default/serviceaccounts"
        made = self.ask("POST", path, {"metadata": {"name": "e2e-sa"}}, 201)
        made["automountServiceAccountToken"] = True
        self.assertTrue(self.ask("PUT", f"{path}/e2e-sa", made)["automountServiceAccountToken"])
        token = self.ask("POST", f"{path}/e2e-sa/token", {}, 201)["status"]["token"]
        review = self.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}}, 201)
        self.assertTrue(review["status"]["authenticated"])
        self.assertEqual(review["status"].get("error", ""), "")
        self.assertEqual(review["status"]["user"]["username"], "system:serviceaccount:default:e2e-sa")
        self.assertEqual(sorted(review["status"]["user"]["groups"]),
                         ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:default"])

    # Networking's objects

    def test_service_ranges(self):
        """ServiceCIDR and IPAddress API should support ServiceCIDR API operations"""
        own = "/apis/networking.k8s.io/v1/servicecidrs/kubernetes"
        self.ask("GET", own)
        patched = self.ask("PATCH", own, {"metadata": {"annotations": {"patched": "true"}}}, content_type="application/merge-patch+json")
        patched["metadata"]["annotations"]["updated"] = "true"
        self.assertEqual(self.ask("PUT", own, patched)["metadata"]["annotations"]["updated"], "true")
        self.assertTrue(self.ask("GET", "/apis/networking.k8s.io/v1/servicecidrs")["items"])

    def test_addresses(self):
        """ServiceCIDR and IPAddress API should support IPAddress API operations"""
        path = "/apis/networking.k8s.io/v1/ipaddresses"
        parent = {"parentRef": {"group": "mygroup", "resource": "myresources", "namespace": "foo", "name": "bar"}}
        self.ask("POST", path, {"metadata": {"name": "255.255.255.255", "labels": {"type": "broadcast"}}, "spec": parent}, 201)
        self.ask("POST", path, {"metadata": {"name": "fe80::42:1dff:fe84:f9e2", "labels": {"type": "link-local"}}, "spec": parent}, 201)
        own = f"{path}/255.255.255.255"
        patched = self.ask("PATCH", own, {"metadata": {"annotations": {"patched": "true"}}}, content_type="application/merge-patch+json")
        patched["metadata"]["annotations"]["updated"] = "true"
        self.assertEqual(self.ask("PUT", own, patched)["metadata"]["annotations"]["updated"], "true")
        self.assertEqual(len(self.ask("GET", f"{path}?labelSelector=type%3Dbroadcast")["items"]), 1)
        self.ask("DELETE", own)
        self.ask("DELETE", f"{path}?labelSelector=type%3Dlink-local")
        self.assertEqual(self.ask("GET", f"{path}?labelSelector=type%3Dlink-local")["items"], [])

    def test_the_status_of_a_service(self):
        """Services should complete a service status lifecycle; ... delete a collection of services"""
        path = "/api/v1/namespaces/default/services"
        version = self.ask("GET", "/api/v1/services?labelSelector=test-service-static%3Dtrue")["metadata"]["resourceVersion"]
        self.ask("POST", path, {"metadata": {"name": "test-service", "labels": {"test-service-static": "true"}}, "spec": {
            "type": "LoadBalancer", "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 80}]}}, 201)
        own = f"{path}/test-service"
        self.assertEqual(self.ask("GET", f"{own}/status")["status"], {"loadBalancer": {}})
        patched = self.ask("PATCH", f"{own}/status", {
            "metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}},
            content_type="application/merge-patch+json")
        self.assertEqual(patched["status"]["loadBalancer"]["ingress"], [{"ip": "203.0.113.1", "ipMode": "VIP"}])
        tree = self.ask("GET", own)
        tree["status"].setdefault("conditions", []).append(
            {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e test", "lastTransitionTime": None})
        self.assertEqual(self.ask("PUT", f"{own}/status", tree)["status"]["conditions"][-1]["type"], "StatusUpdate")
        # A client's types hold fields that aren't set: an empty status, and a spec without anything.
        self.ask("PATCH", own, {"metadata": {"creationTimestamp": None, "labels": {"test-service": "patched"}}, "spec": {},
                                "status": {"loadBalancer": {}}}, content_type="application/strategic-merge-patch+json")
        self.ask("DELETE", own)
        kinds = [kind for kind, _ in lifecycle.watched(self.cluster, path, version, "test-service-static%3Dtrue")]
        self.assertEqual((kinds[0], kinds[-1]), ("ADDED", "DELETED"))

        for number in range(3):
            self.ask("POST", path, {"metadata": {"name": f"e2e-svc-{number}", "labels": {"e2e-svc": "yes"} if number else {}}, "spec": {
                "type": "ClusterIP", "ports": [{"name": "http", "port": 80}]}}, 201)
        self.ask("DELETE", f"{path}?labelSelector=e2e-svc%3Dyes")
        self.assertEqual(sorted(item["metadata"]["name"] for item in self.ask("GET", path)["items"]), ["e2e-svc-0", "kubernetes"])

    def test_the_life_of_endpoints(self):
        """Endpoints should test the lifecycle of an Endpoint"""
        path = "/api/v1/namespaces/default/endpoints"
        version = self.ask("GET", "/api/v1/endpoints?labelSelector=test-endpoint-static%3Dtrue")["metadata"]["resourceVersion"]
        made = self.ask("POST", path, {"metadata": {"name": "testservice", "labels": {"test-endpoint-static": "true"}}, "subsets": [
            {"addresses": [{"ip": "10.0.0.24"}], "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}]}, 201)
        made["metadata"]["labels"]["test-service"] = "updated"
        self.ask("PUT", f"{path}/testservice", made)
        patched = self.ask("PATCH", f"{path}/testservice", {"metadata": {"labels": {"test-service": "patched"}}, "subsets": [
            {"addresses": [{"ip": "10.0.0.25"}], "ports": [{"name": "http-test", "port": 8080}]}]},
            content_type="application/strategic-merge-patch+json")
        self.assertEqual(patched["subsets"], [{"addresses": [{"ip": "10.0.0.25"}], "ports": [{"name": "http-test", "port": 8080, "protocol": "TCP"}]}])
        self.assertGreater(int(patched["metadata"]["resourceVersion"]), int(made["metadata"]["resourceVersion"]))
        self.ask("DELETE", f"{path}?labelSelector=test-endpoint-static%3Dtrue")
        kinds = [kind for kind, _ in lifecycle.watched(self.cluster, path, version, "test-endpoint-static%3Dtrue")]
        self.assertEqual(kinds, ["ADDED", "MODIFIED", "MODIFIED", "DELETED"])

    def test_endpoints_are_mirrored(self):
        """EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete"""
        self.ask("POST", "/api/v1/namespaces/default/services", {"metadata": {"name": "example-custom-endpoints"}, "spec": {
            "ports": [{"name": "example", "port": 80, "protocol": "TCP"}]}}, 201)
        slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name%3Dexample-custom-endpoints"
        def mirrored():
            return [([port["port"] for port in item["ports"]], [e["addresses"] for e in item["endpoints"]]) for item in self.ask("GET", slices)["items"]]
        path = "/api/v1/namespaces/default/endpoints"
        body = {"metadata": {"name": "example-custom-endpoints"}, "subsets": [{"ports": [{"port": 80}], "addresses": [{"ip": "10.1.2.3"}]}]}
        self.ask("POST", path, body, 201)
        self.assertEqual(until(mirrored, "there is a slice"), [([80], [["10.1.2.3"]])])
        body["subsets"][0]["addresses"] = [{"ip": "10.2.3.4"}]
        self.ask("PUT", f"{path}/example-custom-endpoints", body)
        until(lambda: mirrored() == [([80], [["10.2.3.4"]])], "the slice follows")
        self.ask("DELETE", f"{path}/example-custom-endpoints")
        self.ask("DELETE", "/api/v1/namespaces/default/services/example-custom-endpoints")
        until(lambda: not mirrored(), "the slice goes")

    def test_the_life_of_an_event(self):
        """Events should manage the lifecycle of an event"""
        path = "/api/v1/namespaces/default/events"
        made = self.ask("POST", path, {
            "metadata": {"name": "event-test", "labels": {"testevent-constant": "true"}}, "message": "This is a test event", "reason": "Test",
            "type": "Normal", "count": 1, "involvedObject": {"namespace": "default"}}, 201)
        self.assertEqual(self.ask("GET", "/api/v1/events?labelSelector=testevent-constant%3Dtrue")["items"][0]["message"], "This is a test event")
        patched = self.ask("PATCH", f"{path}/event-test", {"message": "This is a test event - patched"},
                           content_type="application/strategic-merge-patch+json")
        self.assertEqual(self.ask("GET", f"{path}/event-test")["message"], "This is a test event - patched")
        # The test puts it back without a resourceVersion, and compares all but that.
        patched["series"] = {"count": 100, "lastObservedTime": "2017-09-19T13:49:16.000000Z"}
        for field in ("resourceVersion", "managedFields"):
            patched["metadata"].pop(field)
        updated = self.ask("PUT", f"{path}/event-test", patched)
        for field in ("resourceVersion", "managedFields"):
            updated["metadata"].pop(field)
        self.assertEqual(updated, patched)
        self.assertEqual(updated["metadata"]["uid"], made["metadata"]["uid"])
        self.ask("DELETE", f"{path}/event-test")
        self.assertEqual(self.ask("GET", "/api/v1/events?labelSelector=testevent-constant%3Dtrue")["items"], [])

    def test_where_the_api_is(self):
        """API Server should have Endpoints and EndpointSlices pointing to API Server; ... should provide secure master service"""
        self.assertTrue(self.ask("GET", "/api/v1/namespaces/default/services/kubernetes")["spec"]["clusterIP"])
        subsets = self.ask("GET", "/api/v1/namespaces/default/endpoints/kubernetes")["subsets"]
        slices = self.ask("GET", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name%3Dkubernetes")
        self.assertEqual({a["ip"] for s in subsets for a in s["addresses"]}, {a for i in slices["items"] for e in i["endpoints"] for a in e["addresses"]})
        self.assertEqual({p["port"] for s in subsets for p in s["ports"]}, {p["port"] for i in slices["items"] for p in i["ports"]})

    def test_services_that_match_no_pods(self):
        """EndpointSlice (EndpointsController) should create and delete EndpointSlices (Endpoints) for a Service with a selector that matches no pods"""
        path = "/api/v1/namespaces/default/services"
        self.ask("POST", path, {"metadata": {"name": "example-empty-selector"}, "spec": {
            "selector": {"does-not-match-anything": "x"}, "ports": [{"name": "example", "port": 80, "protocol": "TCP"}]}}, 201)
        slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name%3Dexample-empty-selector"
        until(lambda: self.cluster.request("GET", "/api/v1/namespaces/default/endpoints/example-empty-selector").code == 200, "there are endpoints")
        found = until(lambda: self.ask("GET", slices)["items"], "there is a slice")
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0]["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"], "endpointslice-controller.k8s.io")
        self.assertFalse(found[0]["endpoints"])
        self.ask("DELETE", f"{path}/example-empty-selector")
        until(lambda: self.cluster.request("GET", "/api/v1/namespaces/default/endpoints/example-empty-selector").code == 404, "the endpoints are gone")
        until(lambda: not self.ask("GET", slices)["items"], "the slice is gone")


if __name__ == "__main__":
    unittest.main()
