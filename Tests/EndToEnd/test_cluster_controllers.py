"""What the cluster's own controllers do that is no workload's: bootstrap tokens, service ranges, attachments, storage versions."""

import base64
import hashlib
import hmac
import json
import time

from harness import shared
from harness.api_test import APITest
from harness.waiting import until

SECRETS = "/api/v1/namespaces/kube-system/secrets"
RANGES = "/apis/networking.k8s.io/v1/servicecidrs"
SERVICES = "/api/v1/namespaces/default/services"
ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
MIGRATIONS = "/apis/storagemigration.k8s.io/v1beta1/storageversionmigrations"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SECRET = "0123456789abcdef"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class ClusterControllers(APITest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("controllers")
        cls.addClassCleanup(shared.instance().delete, "controllers")

    # Bootstrap tokens

    def token(self, number, **data):
        name = f"bootstrap-token-{number}"
        self.ask("POST", SECRETS, {
            "metadata": {"name": name}, "type": "bootstrap.kubernetes.io/token",
            "stringData": {"token-id": number, "token-secret": SECRET, "usage-bootstrap-authentication": "true", **data}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{SECRETS}/{name}")
        return f"{number}.{SECRET}"

    def who(self, token):
        """Name and groups of whoever sends the token, or the code that it is refused with."""
        connection = self.cluster.connect(token=token, certificate=None)
        answer = connection.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
        connection.close()
        if answer.code != 201:
            return answer.code
        user = answer.json["status"]["userInfo"]
        return user["username"], user["groups"]

    def test_a_bootstrap_token_says_who_one_is(self):
        token = self.token("abcdef", **{"auth-extra-groups": "system:bootstrappers:nodes"})
        self.assertEqual(self.who(token), (
            "system:bootstrap:abcdef", ["system:bootstrappers", "system:bootstrappers:nodes", "system:authenticated"]))
        self.assertEqual(self.who(f"abcdef.{SECRET[:-1]}0"), 401)
        self.assertEqual(self.who(f"unknow.{SECRET}"), 401)
        self.assertEqual(self.who(self.token("unmean", **{"usage-bootstrap-authentication": "false"})), 401)
        self.assertEqual(self.who(self.token("expire", expiration="2020-01-01T00:00:00Z")), 401)
        self.assertEqual(self.who(self.token("master", **{"auth-extra-groups": "system:masters"})), 401)
        other = shared.instance().cluster("controllers-other")
        self.addCleanup(shared.instance().delete, "controllers-other")
        connection = other.connect(token=token, certificate=None)
        self.assertEqual(connection.request("GET", "/api").code, 401)
        # What is taken away is of no use at once.
        self.ask("DELETE", f"{SECRETS}/bootstrap-token-abcdef")
        self.assertEqual(self.who(token), 401)

    def test_a_bootstrap_token_ends(self):
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
        self.token("ending", expiration=end)
        self.gone(f"{SECRETS}/bootstrap-token-ending")
        self.assertGreaterEqual(time.time(), time.mktime(time.strptime(end, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)

    def test_cluster_info_is_signed(self):
        own = "/api/v1/namespaces/kube-public/configmaps"
        content = self.cluster.kubectl("config", "view", "--minify")
        self.token("signer", **{"usage-bootstrap-signing": "true"})
        self.ask("POST", own, {"metadata": {"name": "cluster-info"}, "data": {"kubeconfig": content}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{own}/cluster-info")
        signature = until(lambda: self.ask("GET", f"{own}/cluster-info")["data"].get("jws-kubeconfig-signer"), "it is signed")
        header, payload, code = signature.split(".")
        self.assertEqual(payload, "")
        self.assertEqual(json.loads(base64.urlsafe_b64decode(header + "==")), {"alg": "HS256", "kid": "signer"})
        signed = f"{header}.{base64url(content.encode())}".encode()
        self.assertEqual(code, base64url(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()))
        self.ask("DELETE", f"{SECRETS}/bootstrap-token-signer")
        until(lambda: list(self.ask("GET", f"{own}/cluster-info")["data"]) == ["kubeconfig"], "the signature goes with its token")

    # Service ranges

    def ready(self, name):
        condition = self.condition(self.ask("GET", f"{RANGES}/{name}"), "Ready") or {}
        return condition.get("status"), condition.get("reason"), condition.get("message")

    def test_a_service_range_is_added_and_goes_when_it_is_free(self):
        self.assertEqual(self.ready("kubernetes")[0], "True")
        self.ask("POST", RANGES, {"metadata": {"name": "more"}, "spec": {"cidrs": ["192.168.200.0/24"]}}, 201)
        until(lambda: self.ready("more") == ("True", "", "Kubernetes Service CIDR is ready"), "the range is ready")
        self.cluster.deploy("ranged", clusterIP="192.168.200.7")
        self.assertEqual(
            self.ask("GET", "/apis/networking.k8s.io/v1/ipaddresses/192.168.200.7")["spec"]["parentRef"]["name"], "ranged")
        self.cluster.shell("visitor")
        self.assertIn("version 1", self.cluster.fetch_until("visitor", "http://192.168.200.7"))
        self.assertIn("version 1", self.cluster.fetch_until("visitor", "http://ranged"))
        self.cluster.kubectl("delete", "servicecidr", "more", "--wait=false")
        until(lambda: self.ready("more") == (
            "False", "Terminating",
            "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"), "it waits")
        self.ask("POST", SERVICES, {
            "metadata": {"name": "late"}, "spec": {"clusterIP": "192.168.200.8", "ports": [{"port": 80}]}}, 422)
        self.cluster.kubectl("delete", "service/ranged", "deployment/ranged", "pod/visitor", "--wait=false")
        self.gone(f"{RANGES}/more")

    # Attachments

    def test_volumes_of_drivers_that_attach_them(self):
        self.ask("POST", "/api/v1/persistentvolumes", {
            "metadata": {"name": "disk"}, "spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "none",
                "csi": {"driver": "csi.example.com", "volumeHandle": "vol-1"}}}, 201)
        self.ask("POST", "/api/v1/namespaces/default/persistentvolumeclaims", {
            "metadata": {"name": "disk"}, "spec": {
                "storageClassName": "none", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}, 201)
        self.addCleanup(self.cluster.kubectl, "delete", "pvc/disk", "pv/disk", "--wait=false", check=False)
        self.cluster.apply({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "user"}, "spec": {
                "terminationGracePeriodSeconds": 0, "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "disk"}}],
                "containers": [{"name": "c", "image": "sampan.dev/sample/web:1", "volumeMounts": [{"name": "d", "mountPath": "/d"}]}]}})
        # Somebody's own, of which the controller knows nothing.
        self.ask("POST", ATTACHMENTS, {"metadata": {"name": "csi-own"}, "spec": {
            "attacher": "csi.example.com", "nodeName": "elsewhere", "source": {"persistentVolumeName": "disk"}}}, 201)
        node = until(lambda: self.ask("GET", "/api/v1/namespaces/default/pods/user")["spec"].get("nodeName"), "the pod is scheduled")
        name = "csi-" + hashlib.sha256(f"vol-1csi.example.com{node}".encode()).hexdigest()
        until(lambda: self.cluster.request("GET", f"{ATTACHMENTS}/{name}").code == 200, "an attachment is asked for")
        self.patch(f"{ATTACHMENTS}/{name}/status", {"status": {"attached": True}})
        self.assertEqual(
            until(lambda: self.ask("GET", f"/api/v1/nodes/{node}")["status"].get("volumesAttached"), "the node has it"),
            [{"name": "kubernetes.io/csi/csi.example.com^vol-1", "devicePath": name}])
        until(lambda: "AttachVolume.Attach succeeded for volume \"disk\"" in self.cluster.kubectl("describe", "pod/user"), "it is told")
        self.cluster.kubectl("delete", "pod/user", "--wait=false")
        self.gone(f"{ATTACHMENTS}/{name}")
        until(lambda: "volumesAttached" not in self.ask("GET", f"/api/v1/nodes/{node}")["status"], "the node hasn't it any more")
        self.ask("DELETE", f"{ATTACHMENTS}/csi-own")

    # Storage versions

    def test_objects_are_stored_in_todays_version(self):
        def version(name, **more):
            return {"name": name, "served": True, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": True}}, **more}

        own, objects = f"{DEFINITIONS}/widgets.example.com", "/apis/example.com/v1/namespaces/default/widgets"
        self.ask("POST", DEFINITIONS, {"metadata": {"name": "widgets.example.com"}, "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [version("v1", storage=True), version("v2", storage=False)]}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", own)
        until(lambda: (self.condition(self.ask("GET", own), "Established") or {}).get("status") == "True", "it is served")
        for number in range(60):
            self.ask("POST", objects, {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": f"w{number}"}}, 201)
        self.changed(own, lambda tree: [v.update(storage=v["name"] == "v2") for v in tree["spec"]["versions"]])
        until(lambda: self.ask("GET", own)["status"]["storedVersions"] == ["v1", "v2"], "both may be stored")
        self.ask("POST", objects, {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "new"}}, 201)
        before = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in self.ask("GET", objects)["items"]}
        # A version that objects may be stored in can't be dropped.
        definition = self.ask("GET", own)
        definition["spec"]["versions"] = definition["spec"]["versions"][1:]
        self.ask("PUT", own, definition, 422)

        self.ask("POST", MIGRATIONS, {"metadata": {"name": "widgets"}, "spec": {"resource": {"group": "example.com", "resource": "widgets"}}}, 201)
        self.cluster.kubectl("wait", "--for=condition=Succeeded", "storageversionmigration/widgets", "--timeout=60s")
        self.assertEqual(self.condition(self.ask("GET", f"{MIGRATIONS}/widgets"), "Running")["status"], "False")
        after = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in self.ask("GET", objects)["items"]}
        self.assertEqual(before.keys(), after.keys())
        self.assertEqual([name for name in before if before[name] == after[name]], ["new"])
        self.assertEqual(self.ask("GET", own)["status"]["storedVersions"], ["v2"])
        self.changed(own, lambda tree: tree["spec"].update(versions=tree["spec"]["versions"][1:]))
        self.assertEqual(len(self.ask("GET", objects.replace("/v1/", "/v2/"))["items"]), 61)

    def test_what_a_migration_may_not_be(self):
        self.ask("POST", MIGRATIONS, {"metadata": {"name": "empty"}, "spec": {"resource": {}}}, 422)
        self.ask("POST", MIGRATIONS, {"metadata": {"name": "nothing"}, "spec": {"resource": {"resource": "nothings"}}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{MIGRATIONS}/nothing")
        self.cluster.kubectl("wait", "--for=condition=Failed", "storageversionmigration/nothing", "--timeout=60s")
        tree = self.ask("GET", f"{MIGRATIONS}/nothing")
        self.assertEqual(self.condition(tree, "Failed")["message"], "resource does not exist in discovery")
        tree["spec"]["resource"]["resource"] = "pods"
        self.ask("PUT", f"{MIGRATIONS}/nothing", tree, 422)
