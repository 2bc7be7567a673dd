"""Custom resources, as operators and their users have them: stock kubectl, the Python client's dynamic client, a conversion webhook."""

import json
import os
import subprocess
import unittest

import yaml
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

from harness import settings, shared
from harness.waiting import until
from harness.webhook import Webhook


def crd(properties, group="example.com", versions=None, **spec):
    """A definition of crontabs with one version, whose spec has these properties."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"crontabs.{group}"},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"], "categories": ["all"]},
            "versions": versions or [version("v1", properties)], **spec,
        },
    }


def version(name, properties, storage=True, **more):
    return {
        "name": name, "served": True, "storage": storage,
        "schema": {"openAPIV3Schema": {
            "type": "object", "description": "A table of what is to be done when.", "properties": {
                "spec": {"type": "object", "description": "What is wanted.", "properties": properties},
                "status": {"type": "object", "properties": {
                    "replicas": {"type": "integer"}, "selector": {"type": "string"},
                    "conditions": {"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}},
            }}},
        "subresources": {"status": {}, "scale": {
            "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector"}},
        "selectableFields": [{"jsonPath": ".spec.colour"}] if "colour" in properties else [],
        "additionalPrinterColumns": [
            {"name": "Colour", "type": "string", "jsonPath": ".spec.colour"},
            {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}], **more,
    }


PROPERTIES = {
    "schedule": {"type": "string", "pattern": r"^[0-9*/ ]+$", "description": "When."},
    "colour": {"type": "string", "enum": ["red", "green", "blue"]},
    "replicas": {"type": "integer", "minimum": 0, "default": 1},
    "ports": {
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "port": {"type": "integer"}}}},
}


def crontab(name, api_version="example.com/v1", **spec):
    return {"apiVersion": api_version, "kind": "CronTab", "metadata": {"name": name}, "spec": spec}


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("crd", containers=False)

    def define(self, cluster, tree):
        cluster.apply(tree)
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{tree['metadata']['name']}", f"--timeout={settings.patience:.0f}s")

    def conditions(self, cluster, name="crontabs.example.com"):
        status = cluster.get(f"crd/{name}")["status"]
        return {c["type"]: (c["status"], c["reason"]) for c in status.get("conditions", [])}


class Definitions(Base):
    def test_the_whole_life_of_a_definition(self):
        cluster = self.instance.cluster("life")
        self.define(cluster, crd(PROPERTIES))
        self.assertEqual(self.conditions(cluster), {
            "NamesAccepted": ("True", "NoConflicts"), "Established": ("True", "InitialNamesAccepted")})
        status = cluster.get("crd/crontabs.example.com")["status"]
        self.assertEqual(status["storedVersions"], ["v1"])
        self.assertEqual(status["acceptedNames"]["singular"], "crontab")

        # Discovery in both forms, and what kubectl makes of it.
        self.assertIn("crontabs", cluster.kubectl("api-resources", "--api-group=example.com", "-o", "name"))
        self.assertIn("example.com/v1", cluster.kubectl("api-versions"))
        names = [r["name"] for r in cluster.request("GET", "/apis/example.com/v1").json["resources"]]
        self.assertEqual(names, ["crontabs", "crontabs/status", "crontabs/scale"])
        self.assertRegex(cluster.kubectl("explain", "crontab.spec.schedule"), r"When\.")
        self.assertRegex(cluster.kubectl("explain", "ct"), "A table of what is to be done when")

        # Create, get, tables, short names, categories, selectors.
        cluster.apply(crontab("a", schedule="* *", colour="red"), crontab("b", schedule="1 2", colour="blue", replicas=3))
        self.assertEqual(cluster.get("ct/a")["spec"]["replicas"], 1)
        table = cluster.kubectl("get", "crontabs").splitlines()
        self.assertRegex(table[0], r"^NAME +COLOUR +REPLICAS +AGE")
        self.assertRegex(table[2], r"^b +blue +3 +")
        self.assertIn("crontab.example.com/a", cluster.kubectl("get", "all"))
        self.assertEqual(
            cluster.kubectl("get", "ct", "--field-selector=spec.colour=blue", "-o", "name").strip(), "crontab.example.com/b")
        refused = cluster.kubectl("get", "ct", "--field-selector=spec.schedule=x", check=False)
        self.assertIn("field label not supported: spec.schedule", refused.stderr)

        # Validation, pruning and strictness.
        wrong = cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(crontab("c", schedule="never")), check=False)
        self.assertIn("spec.schedule in body should match '^[0-9*/ ]+$'", wrong.stderr)
        unknown = cluster.kubectl("create", "-f", "-", input=yaml.safe_dump(crontab("c", nonsense=1)), check=False)
        self.assertIn('unknown field "spec.nonsense"', unknown.stderr)
        warned = cluster.kubectl(
            "create", "--validate=warn", "-f", "-", input=yaml.safe_dump(crontab("c", nonsense=1)), check=False)
        self.assertIn('unknown field "spec.nonsense"', warned.stderr)
        self.assertEqual(cluster.get("ct/c")["spec"], {"replicas": 1})

        # Patches, scale, status, generation.
        cluster.kubectl("patch", "ct/a", "--type=merge", "-p", '{"spec":{"colour":"green"}}')
        strategic = cluster.kubectl("patch", "ct/a", "-p", '{"spec":{"colour":"green"}}', check=False)
        self.assertIn("application/json-patch+json", strategic.stderr)
        cluster.kubectl("patch", "ct/a", "--subresource=status", "--type=merge", "-p", '{"status":{"replicas":1,"selector":"x=y"}}')
        cluster.kubectl("scale", "ct/a", "--replicas=4")
        a = cluster.get("ct/a")
        self.assertEqual((a["spec"]["replicas"], a["status"], a["metadata"]["generation"]), (4, {"replicas": 1, "selector": "x=y"}, 3))
        cluster.kubectl("label", "ct/a", "x=y")
        cluster.kubectl("annotate", "ct/a", "x=y")
        self.assertEqual(cluster.get("ct/a")["metadata"]["generation"], 3)

        # Server-side apply by two managers; lists by key.
        for manager, port in (("one", {"name": "http", "port": 80}), ("two", {"name": "https", "port": 443})):
            cluster.kubectl(
                "apply", "--server-side", f"--field-manager={manager}", "-f", "-",
                input=yaml.safe_dump(crontab("s", ports=[port])))
        self.assertEqual([p["name"] for p in cluster.get("ct/s")["spec"]["ports"]], ["http", "https"])
        conflict = cluster.kubectl(
            "apply", "--server-side", "--field-manager=two", "-f", "-",
            input=yaml.safe_dump(crontab("s", ports=[{"name": "http", "port": 81}])), check=False)
        self.assertIn('conflict with "one"', conflict.stderr)

        # Deletion takes the objects along.
        cluster.kubectl("delete", "crd/crontabs.example.com", f"--timeout={settings.patience:.0f}s")
        # In other words when kubectl still remembers the kind.
        gone = cluster.kubectl("get", "ct", check=False)
        self.assertRegex(gone.stderr, "the server (doesn't have a resource type|could not find the requested resource)")
        self.assertEqual(cluster.request("GET", "/apis/example.com/v1").code, 404)
        self.define(cluster, crd(PROPERTIES))
        self.assertEqual(cluster.get("ct")["items"], [])

    def test_a_definition_is_deleted_when_its_objects_finalizers_are_gone(self):
        cluster = self.instance.cluster("finalizers")
        self.define(cluster, crd(PROPERTIES))
        tree = crontab("held")
        tree["metadata"]["finalizers"] = ["example.com/hold"]
        cluster.apply(tree)
        cluster.kubectl("delete", "crd/crontabs.example.com", "--wait=false")
        until(lambda: self.conditions(cluster).get("Terminating") == ("True", "InstanceDeletionInProgress"), "the object holds it up")
        refused = cluster.request(
            "POST", "/apis/example.com/v1/namespaces/default/crontabs", crontab("late"))
        self.assertEqual(refused.code, 403)
        self.assertIn("not allowed while custom resource definition is terminating", refused.json["message"])
        cluster.kubectl("patch", "ct/held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        cluster.kubectl("wait", "--for=delete", "crd/crontabs.example.com", f"--timeout={settings.patience:.0f}s")

    def test_names_are_given_once_and_come_free(self):
        cluster = self.instance.cluster("names")
        self.define(cluster, crd(PROPERTIES))
        other = crd(PROPERTIES)
        other["metadata"]["name"] = "tabs.example.com"
        other["spec"]["names"] = {"plural": "tabs", "kind": "CronTab"}
        cluster.apply(other)
        until(lambda: self.conditions(cluster, "tabs.example.com") == {
            "NamesAccepted": ("False", "ListKindConflict"), "Established": ("False", "NotAccepted")}, "the kind is taken")
        cluster.kubectl("delete", "crd/crontabs.example.com")
        cluster.kubectl("wait", "--for=condition=Established", "crd/tabs.example.com", f"--timeout={settings.patience:.0f}s")

    def test_what_is_wrong_with_a_definition_is_told(self):
        cluster = self.instance.cluster("wrong")
        cases = [
            (lambda t: t["metadata"].update(name="x.example.com"), 'must be spec.names.plural+"."+spec.group'),
            (lambda t: t["spec"]["versions"][0].update(storage=False), "must have exactly one version marked as storage version"),
            (lambda t: t["spec"].update(preserveUnknownFields=True), "cannot set to true"),
            (lambda t: t["spec"]["versions"][0].update(schema=None), "spec.versions[0].schema.openAPIV3Schema: Required value"),
            (lambda t: t["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].pop("type"), "must not be empty for specified object fields"),
            (lambda t: t["spec"]["versions"][0]["schema"]["openAPIV3Schema"].update(
                {"x-kubernetes-validations": [{"rule": "self.nothing > 1 &&"}]}), "compilation failed"),
            (lambda t: t["spec"].update(conversion={"strategy": "Webhook"}), "required when strategy is set to Webhook"),
            (lambda t: t["spec"].update(group="x.k8s.io") or t["metadata"].update(name="crontabs.x.k8s.io"),
             'protected groups must have approval annotation "api-approved.kubernetes.io"'),
        ]
        for change, message in cases:
            tree = crd(PROPERTIES)
            change(tree)
            with self.subTest(message):
                answer = cluster.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", tree)
                self.assertEqual(answer.code, 422, answer)
                self.assertIn(message, answer.json["message"])
        tree = crd(PROPERTIES, group="x.k8s.io")
        tree["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, a test"}
        self.define(cluster, tree)
        self.assertEqual(
            self.conditions(cluster, "crontabs.x.k8s.io")["KubernetesAPIApprovalPolicyConformant"], ("False", "UnapprovedAnnotation"))
        tree["spec"]["scope"] = "Cluster"
        refused = cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(tree), check=False)
        self.assertIn("field is immutable", refused.stderr)

    def test_two_clusters_with_different_schemas_and_a_restart(self):
        one, two = self.instance.cluster("one"), self.instance.cluster("two")
        self.define(one, crd({"first": {"type": "string", "default": "1"}}))
        self.define(two, crd({"second": {"type": "string", "default": "2"}}))
        for cluster in (one, two):
            cluster.apply(crontab("kept"))
        self.instance.kill()
        self.instance.up()
        # The very first request is for a custom object.
        path = "/apis/example.com/v1/namespaces/default/crontabs"
        self.assertEqual(one.request("GET", f"{path}/kept").json["spec"], {"first": "1"})
        self.assertEqual(two.request("GET", f"{path}/kept").json["spec"], {"second": "2"})
        self.assertEqual(one.request("POST", path, crontab("new", first="x", second="y")).json["spec"], {"first": "x"})
        self.assertEqual(two.request("POST", path, crontab("new", first="x", second="y")).json["spec"], {"second": "y"})
        three = self.instance.cluster("three")
        self.assertEqual(three.request("GET", path).code, 404)

    def test_objects_live_with_their_schema(self):
        """Defaults that came after the object, rules about changes, ratcheting."""
        cluster = self.instance.cluster("evolving")
        self.define(cluster, crd({"size": {"type": "integer"}}))
        cluster.apply(crontab("old", size=50))
        connection = cluster.connect()
        before = connection.request("GET", "/openapi/v3/apis/example.com/v1").headers["ETag"]
        self.define(cluster, crd({
            "size": {"type": "integer", "maximum": 10}, "colour": {"type": "string", "default": "red", "x-kubernetes-validations": [
                {"rule": "self == oldSelf", "messageExpression": "'it was ' + oldSelf", "reason": "FieldValueForbidden"}]}}))
        self.assertNotEqual(connection.request("GET", "/openapi/v3/apis/example.com/v1").headers["ETag"], before)
        connection.close()
        self.assertEqual(cluster.get("ct/old")["spec"], {"size": 50, "colour": "red"})
        # What was wrong before and isn't changed doesn't matter.
        cluster.kubectl("label", "ct/old", "touched=yes")
        refused = cluster.kubectl("patch", "ct/old", "--type=merge", "-p", '{"spec":{"size":40}}', check=False)
        self.assertIn("spec.size in body should be less than or equal to 10", refused.stderr)
        refused = cluster.kubectl("patch", "ct/old", "--type=merge", "-p", '{"spec":{"colour":"blue"}}', check=False)
        self.assertIn("spec.colour: Forbidden: it was red", refused.stderr)

    def test_namespaces_owners_and_quota_see_custom_objects(self):
        cluster = self.instance.cluster("others")
        self.define(cluster, crd(PROPERTIES))
        cluster.kubectl("create", "namespace", "full")
        cluster.kubectl("-n", "full", "create", "quota", "few", "--hard=count/crontabs.example.com=1")
        until(lambda: "used" in cluster.get("-n", "full", "quota/few")["status"], "the quota is counted")
        cluster.kubectl("-n", "full", "apply", "-f", "-", input=yaml.safe_dump(crontab("first")))
        refused = cluster.kubectl("-n", "full", "apply", "-f", "-", input=yaml.safe_dump(crontab("second")), check=False)
        self.assertIn("exceeded quota: few", refused.stderr)
        cluster.kubectl("delete", "namespace", "full", f"--timeout={settings.patience:.0f}s")
        self.assertEqual(cluster.get("ct", "-A")["items"], [])

        cluster.apply(crontab("owner"))
        uid = cluster.get("ct/owner")["metadata"]["uid"]
        owned = crontab("owned")
        for tree in ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned"}}, owned):
            tree["metadata"]["ownerReferences"] = [{"apiVersion": "example.com/v1", "kind": "CronTab", "name": "owner", "uid": uid}]
            cluster.apply(tree)
        cluster.kubectl("delete", "ct/owner")
        until(lambda: not cluster.get("ct")["items"], "the owned custom object is collected")
        until(lambda: cluster.kubectl("get", "configmap/owned", check=False).returncode != 0, "the owned config map is collected")

    def test_the_dynamic_client(self):
        cluster = self.instance.cluster("dynamic")
        self.define(cluster, crd(PROPERTIES))
        client = DynamicClient(cluster.client())
        resource = client.resources.get(api_version="example.com/v1", kind="CronTab")
        before = resource.get(namespace="default").metadata.resourceVersion
        resource.create(body=crontab("a", colour="red"), namespace="default")
        resource.patch(
            name="a", namespace="default", body={"spec": {"colour": "blue"}}, content_type="application/merge-patch+json")
        self.assertEqual(resource.get(name="a", namespace="default").spec.colour, "blue")
        resource.status.patch(
            name="a", namespace="default", body={"status": {"replicas": 2}}, content_type="application/merge-patch+json")
        self.assertEqual(resource.scale.get(name="a", namespace="default").status.replicas, 2)
        resource.delete(name="a", namespace="default")
        with self.assertRaises(NotFoundError):
            resource.get(name="a", namespace="default")
        seen = [
            (event["type"], event["object"].spec.colour)
            for event in resource.watch(namespace="default", resource_version=before, timeout=2)]
        self.assertEqual(seen, [("ADDED", "red"), ("MODIFIED", "blue"), ("MODIFIED", "blue"), ("DELETED", "blue")])

    def test_a_collection_is_deleted(self):
        cluster = self.instance.cluster("collection")
        self.define(cluster, crd(PROPERTIES))
        cluster.kubectl("create", "namespace", "other")
        for namespace in ("default", "other"):
            for name, colour in (("a", "red"), ("b", "red"), ("c", "blue")):
                tree = crontab(name, colour=colour)
                tree["metadata"].update(namespace=namespace, labels={"colour": colour})
                if name == "b":
                    tree["metadata"]["finalizers"] = ["example.com/hold"]
                cluster.apply(tree)
        path = "/apis/example.com/v1/namespaces/default/crontabs"
        dry = cluster.request("DELETE", path + "?dryRun=All")
        self.assertEqual((dry.code, len(json.loads(dry.body)["items"])), (200, 3))
        deleted = json.loads(cluster.request("DELETE", path + "?labelSelector=colour%3Dred").body)
        # As upstream answers: the list of what it found, each item with its kind.
        self.assertEqual((deleted["kind"], deleted["apiVersion"]), ("CronTabList", "example.com/v1"))
        self.assertEqual([(item["kind"], item["metadata"]["name"]) for item in deleted["items"]], [("CronTab", "a"), ("CronTab", "b")])
        left = {item["metadata"]["name"]: item["metadata"].get("deletionTimestamp") for item in cluster.get("ct")["items"]}
        self.assertEqual(sorted(left), ["b", "c"])
        self.assertTrue(left["b"] and not left["c"])
        cluster.kubectl("delete", "ct", "--field-selector", "spec.colour=blue")
        cluster.kubectl("patch", "ct/b", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        self.assertEqual(cluster.get("ct")["items"], [])
        resource = DynamicClient(cluster.client()).resources.get(api_version="example.com/v1", kind="CronTab")
        resource.delete(namespace="other", label_selector="colour in (red, blue)", body={"propagationPolicy": "Background"})
        self.assertEqual([item.metadata.name for item in resource.get(namespace="other").items], ["b"])

    def test_a_watch_from_the_beginning_and_its_table(self):
        cluster = self.instance.cluster("watching")
        self.define(cluster, crd(PROPERTIES))
        cluster.apply(crontab("a", colour="red"))
        path = "/apis/example.com/v1/namespaces/default/crontabs?watch=1&timeoutSeconds=1"
        lines = cluster.request("GET", path).body.splitlines()
        self.assertEqual([json.loads(line)["type"] for line in lines], ["ADDED"])
        table = cluster.request(
            "GET", path, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}).body.splitlines()
        self.assertEqual(json.loads(table[0])["object"]["rows"][0]["cells"][:3], ["a", "red", 1])


class Conversion(unittest.TestCase):
    """A webhook behind a service, whose server runs in a pod's network."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("conversion")
        cls.hook = Webhook(cls, cls.cluster, "conversion.py")

    def conversion(self, authority=None, path="/convert", **service):
        return {"strategy": "Webhook", "webhook": {
            "conversionReviewVersions": ["v1"], "clientConfig": self.hook.client_config(path, authority, **service)}}

    def define(self, **options):
        old = version("v1beta1", {"color": {"type": "string"}}, storage=False, selectableFields=[], additionalPrinterColumns=[
            {"name": "Color", "type": "string", "jsonPath": ".spec.color"}])
        tree = crd(None, versions=[version("v1", {"colour": {"type": "string"}, "fail": {"type": "string"}}), old], conversion=self.conversion(**options))
        self.cluster.apply(tree)
        self.cluster.kubectl(
            "wait", "--for=condition=Established", "crd/crontabs.example.com", f"--timeout={settings.patience:.0f}s")

    def test_fields_are_selected_in_the_version_that_is_asked(self):
        """CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector"""
        def one(name, storage, *fields):
            return {"name": name, "served": True, "storage": storage, "selectableFields": [{"jsonPath": f".{field}"} for field in fields],
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {field: {"type": "string"} for field in fields}}}}

        self.cluster.apply({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "places.stable.example.com"},
            "spec": {"group": "stable.example.com", "scope": "Namespaced", "names": {"plural": "places", "kind": "Place"},
                     "versions": [one("v1", True, "hostPort"), one("v2", False, "host", "port")],
                     "conversion": self.conversion(path="/split")}})
        self.cluster.kubectl("wait", "--for=condition=Established", "crd/places.stable.example.com", "--timeout=60s")
        first, second = (f"/apis/stable.example.com/{version}/namespaces/default/places" for version in ("v1", "v2"))

        def create(name, **fields):
            tree = {"apiVersion": "stable.example.com/v2", "kind": "Place", "metadata": {"name": name}, **fields}
            return self.cluster.request("POST", second, tree).code == 201

        until(lambda: create("probe", host="h"), "the webhook answers")
        self.assertEqual(self.cluster.request("DELETE", f"{second}/probe").code, 200)
        start = self.cluster.request("GET", second).json["metadata"]["resourceVersion"]

        def found(path, selector):
            return [item["metadata"]["name"] for item in self.cluster.request("GET", f"{path}?fieldSelector={selector}").json["items"]]

        def events(path, selector):
            lines = self.cluster.request(
                "GET", f"{path}?watch=1&resourceVersion={start}&timeoutSeconds=1&fieldSelector={selector}").body.splitlines()
            return [(event["type"], event["object"]["metadata"]["name"]) for event in map(json.loads, lines)]

        selectors = {"host=host1": second, "host=host1,port=80": second, "hostPort=host1:80": first}
        for name, fields in {"a": {"host": "host1", "port": "80"}, "b": {"host": "host1", "port": "8080"}, "c": {"host": "host2"}}.items():
            self.assertTrue(create(name, **fields))
        self.assertEqual({s: found(path, s) for s, path in selectors.items()},
                         {"host=host1": ["a", "b"], "host=host1,port=80": ["a"], "hostPort=host1:80": ["a"]})
        self.assertEqual(found(first, "hostPort=host1:8080"), ["b"])
        self.assertEqual(found(first, "hostPort=host2"), ["c"])
        added = [("ADDED", "a"), ("ADDED", "b")]
        self.assertEqual({s: events(path, s) for s, path in selectors.items()},
                         {"host=host1": added, "host=host1,port=80": added[:1], "hostPort=host1:80": added[:1]})
        self.assertEqual(self.cluster.request("GET", f"{second}?fieldSelector=hostPort=x").code, 400)

        self.assertEqual(self.cluster.request("DELETE", f"{second}?fieldSelector=host=host1,port=80").code, 200)
        self.cluster.kubectl("patch", "places.v2.stable.example.com/b", "--type=merge", "-p", '{"host":"host2"}')
        self.assertEqual({s: found(path, s) for s, path in selectors.items()}, {s: [] for s in selectors})
        deleted = [("DELETED", "a"), ("DELETED", "b")]
        self.assertEqual({s: events(path, s) for s, path in selectors.items()},
                         {"host=host1": added + deleted, "host=host1,port=80": added[:1] + deleted[:1],
                          "hostPort=host1:80": added[:1] + deleted[:1]})
        self.assertEqual(found(first, "hostPort=host2:8080"), ["b"])

    def test_a_webhook_converts_everything_that_is_seen(self):
        cluster = self.cluster
        self.define()
        path = "/apis/example.com/v1beta1/namespaces/default/crontabs"
        until(lambda: cluster.request("POST", path, crontab("a", "example.com/v1beta1", color="red")).code == 201, "the webhook answers")
        cluster.apply(crontab("b", colour="blue"))
        self.assertEqual(cluster.get("crontabs.v1.example.com/a")["spec"], {"colour": "red"})
        self.assertEqual(cluster.get("crontabs.v1beta1.example.com/b")["spec"], {"color": "blue"})
        items = cluster.request("GET", path).json["items"]
        self.assertEqual([(i["apiVersion"], i["spec"]) for i in items], [
            ("example.com/v1beta1", {"color": "red"}), ("example.com/v1beta1", {"color": "blue"})])
        cluster.kubectl("patch", "crontabs.v1beta1.example.com/a", "--type=merge", "-p", '{"spec":{"color":"green"}}')
        self.assertEqual(cluster.get("crontabs.v1.example.com/a")["spec"], {"colour": "green"})
        lines = cluster.request("GET", f"{path}?watch=1&timeoutSeconds=1").body.splitlines()
        self.assertEqual([json.loads(line)["object"]["spec"] for line in lines], [{"color": "green"}, {"color": "blue"}])
        self.assertRegex(cluster.kubectl("get", "crontabs.v1beta1.example.com"), r"(?m)^NAME +COLOR\s+a +green")
        # The conversion can't change who an object is.
        cluster.apply(crontab("c", colour="x", fail="name"))
        wrong = cluster.request("GET", f"{path}/c")
        self.assertEqual(wrong.code, 500, wrong)
        self.assertIn("conversion webhook for example.com/v1, Kind=CronTab returned invalid object: must have the same name: c != other",
                      wrong.json["message"])
        cluster.kubectl("delete", "crontabs.v1.example.com", "--all")

    def test_a_webhook_that_cannot_be_had_is_told_of(self):
        cluster = self.cluster
        self.define()
        cluster.apply(crontab("kept", colour="red"))
        path = "/apis/example.com/v1beta1/namespaces/default/crontabs/kept"
        until(lambda: cluster.request("GET", path).code == 200, "the webhook answers")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "other.key", "-out", "other.crt", "-subj", "/CN=x"],
            cwd=self.hook.folder, check=True, capture_output=True)
        with open(os.path.join(self.hook.folder, "other.crt")) as file:
            other = file.read()
        for options, message in [
            ({"authority": other}, "x509: certificate signed by unknown authority"),
            ({"name": "nobody"}, 'service "nobody" not found'),
            ({"path": "/missing"}, "the server could not find the requested resource"),
        ]:
            with self.subTest(message):
                self.define(**options)
                answer = cluster.request("GET", path)
                self.assertEqual(answer.code, 500, answer)
                self.assertIn("conversion webhook for example.com/v1, Kind=CronTab failed: ", answer.json["message"])
                self.assertIn(message, answer.json["message"])
        # This machine isn't a place for a tenant's webhooks.
        tree = cluster.get("crd/crontabs.example.com")
        tree["spec"]["conversion"]["webhook"]["clientConfig"] = {"url": "https://127.0.0.1:6443/convert"}
        cluster.kubectl("replace", "-f", "-", input=json.dumps(tree))
        self.assertIn("isn't one that this cluster's webhooks may have", cluster.request("GET", path).json["message"])
        self.define()
        cluster.kubectl("delete", "crd/crontabs.example.com")
