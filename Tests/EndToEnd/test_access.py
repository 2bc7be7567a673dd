"""Who may do what, and how that is asked and given, through stock kubectl; tokens of every kind."""

import base64
import json
import subprocess
import tempfile
import unittest

from harness import settings, shared
from harness.cluster import Connection
from harness.waiting import until


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("access", containers=False)
        cls.cluster = cls.instance.cluster("access")
        cls.other = cls.instance.cluster("other")
        cls.cluster.kubectl("create", "serviceaccount", "robot")
        cls.cluster.kubectl("create", "rolebinding", "robot", "--clusterrole=admin", "--serviceaccount=default:robot")

    def ask(self, token, path="/api/v1/namespaces/default/pods", cluster=None, method="GET", body=None, headers=None):
        cluster = cluster or self.cluster
        connection = Connection(cluster.url, cluster.authority, token=token)
        try:
            return connection.request(method, path, body, headers=headers)
        finally:
            connection.close()

    def robot(self, *arguments, check=False, input=None):
        return self.cluster.kubectl("--as=system:serviceaccount:default:robot", *arguments, check=check, input=input)

    def refused(self, *arguments, input=None):
        result = self.robot(*arguments, input=input)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        return result.stderr

    # What one may do

    def test_kubectl_auth_tells(self):
        self.assertEqual(self.robot("auth", "can-i", "list", "pods").stdout, "yes\n")
        denied = self.robot("auth", "can-i", "list", "nodes")
        self.assertEqual((denied.returncode, denied.stdout), (1, "no\n"))
        listed = self.robot("auth", "can-i", "--list").stdout
        self.assertRegex(listed, r"(?m)^pods +\[\] +\[\] +\[.*create.*\]$")
        self.assertRegex(listed, r"(?m)^selfsubjectreviews.authentication.k8s.io +\[\] +\[\] +\[create\]$")
        self.assertRegex(listed, r"(?m)^ +\[/healthz\] +\[\] +\[get\]$")
        whoami = json.loads(self.robot("auth", "whoami", "-o", "json").stdout)["status"]["userInfo"]
        self.assertEqual(whoami["username"], "system:serviceaccount:default:robot")
        self.assertIn("system:serviceaccounts:default", whoami["groups"])

    def test_reviews(self):
        review = lambda kind, path, spec: self.cluster.request("POST", path, {
            "apiVersion": "authorization.k8s.io/v1", "kind": kind, "metadata": {}, "spec": spec})
        local = "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews"
        spec = {"user": "system:serviceaccount:default:robot",
                "resourceAttributes": {"namespace": "default", "verb": "get", "resource": "secrets"}}
        answer = review("LocalSubjectAccessReview", local, spec)
        self.assertEqual(answer.code, 201, answer)
        self.assertTrue(answer.json["status"]["allowed"])
        self.assertIn('RoleBinding "robot/default"', answer.json["status"]["reason"])
        spec["resourceAttributes"]["namespace"] = "kube-system"
        self.assertEqual(review("LocalSubjectAccessReview", local, spec).code, 422)
        answer = review("SubjectAccessReview", "/apis/authorization.k8s.io/v1/subjectaccessreviews", spec)
        self.assertFalse(answer.json["status"]["allowed"])

    def test_reconcile(self):
        roles = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: shared, namespace: default}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [VERB]}]
"""
        first = self.cluster.kubectl("auth", "reconcile", "-f", "-", input=roles.replace("VERB", "get"))
        self.assertIn("role.rbac.authorization.k8s.io/shared reconciled", first)
        self.cluster.kubectl("auth", "reconcile", "-f", "-", input=roles.replace("VERB", "list"))
        verbs = [rule["verbs"] for rule in self.cluster.get("role/shared")["rules"]]
        self.assertEqual(sorted(sum(verbs, [])), ["get", "list"])

    def test_nobody_gives_away_what_they_have_not(self):
        error = self.refused("create", "role", "more", "--verb=get", "--resource=nodes")
        self.assertIn("is attempting to grant RBAC permissions not currently held", error)
        self.assertIn('{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}', error)
        self.assertIn("not currently held", self.refused("create", "rolebinding", "up", "--clusterrole=cluster-admin", "--user=x"))
        self.robot("create", "role", "less", "--verb=get", "--resource=pods", check=True)
        self.robot("create", "rolebinding", "fine", "--role=less", "--user=x", check=True)
        # With bind and escalate said aloud it may.
        self.cluster.apply({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "giver"},
            "rules": [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["escalate"]}]})
        self.cluster.kubectl("create", "rolebinding", "giver", "--role=giver", "--serviceaccount=default:robot")
        self.robot("create", "role", "more", "--verb=get", "--resource=nodes", check=True)

    def test_aggregated_roles_follow_their_parts(self):
        self.assertEqual(self.robot("auth", "can-i", "get", "podtemplates").stdout, "no\n")
        self.cluster.apply({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "templates", "labels": {"rbac.authorization.k8s.io/aggregate-to-admin": "true"}},
            "rules": [{"apiGroups": [""], "resources": ["podtemplates"], "verbs": ["get"]}]})
        self.assertEqual(self.robot("auth", "can-i", "get", "podtemplates").stdout.splitlines()[-1], "yes")
        until(lambda: any("podtemplates" in rule.get("resources", []) for rule in self.cluster.get("clusterrole/admin")["rules"]),
              "the aggregate shows its part")
        self.cluster.kubectl("delete", "clusterrole/templates")
        self.assertEqual(self.robot("auth", "can-i", "get", "podtemplates").stdout.splitlines()[-1], "no")

    def test_impersonation_needs_a_right_for_each_thing(self):
        token = self.cluster.kubectl("create", "token", "robot").strip()
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        as_jane = {"Impersonate-User": "jane", "Impersonate-Uid": "7", "Impersonate-Extra-Example.com%2fscope": "dev"}
        answer = self.ask(token, path, method="POST", body=body, headers=as_jane)
        self.assertEqual(answer.code, 403, answer)
        self.assertIn('cannot impersonate resource "users" in API group ""', answer.json["message"])
        rules = [{"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"], "resourceNames": ["jane"]}]
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "actor"}, "rules": rules}
        self.cluster.apply(role)
        self.cluster.kubectl("create", "clusterrolebinding", "actor", "--clusterrole=actor", "--serviceaccount=default:robot")
        answer = self.ask(token, path, method="POST", body=body, headers=as_jane)
        self.assertIn('cannot impersonate resource "uids" in API group "authentication.k8s.io"', answer.json["message"])
        rules.append({"apiGroups": ["authentication.k8s.io"], "resources": ["uids", "userextras/example.com/scope"], "verbs": ["impersonate"]})
        self.cluster.apply(role)
        answer = self.ask(token, path, method="POST", body=body, headers=as_jane)
        self.assertEqual(answer.code, 201, answer)
        user = answer.json["status"]["userInfo"]
        self.assertEqual((user["username"], user["uid"], user["extra"]), ("jane", "7", {"example.com/scope": ["dev"]}))
        answer = self.ask(token, path, method="POST", body=body, headers={"Impersonate-User": "jane", "Impersonate-Group": "system:masters"})
        self.assertEqual(answer.code, 403, answer)

    # Tokens

    def review(self, token, **spec):
        answer = self.cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token, **spec}})
        self.assertEqual(answer.code, 201, answer)
        return answer.json["status"]

    def test_a_token_dies_with_what_it_is_bound_to(self):
        self.cluster.kubectl("create", "secret", "generic", "life")
        token = self.cluster.kubectl("create", "token", "robot", "--bound-object-kind=Secret", "--bound-object-name=life").strip()
        self.assertEqual(self.ask(token).code, 200)
        self.assertEqual(self.ask(token, cluster=self.other).code, 401)
        self.cluster.kubectl("delete", "secret/life")
        self.assertEqual(self.ask(token).code, 401)
        self.assertEqual(self.review(token)["user"], {})
        self.cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "far"}})
        token = self.cluster.kubectl("create", "token", "robot", "--bound-object-kind=Node", "--bound-object-name=far").strip()
        status = self.review(token)
        self.assertTrue(status["authenticated"])
        self.assertEqual(status["user"]["extra"]["authentication.kubernetes.io/node-name"], ["far"])
        self.cluster.kubectl("delete", "node/far")
        self.assertEqual(self.ask(token).code, 401)

    def test_a_token_dies_with_its_account(self):
        self.cluster.kubectl("create", "serviceaccount", "short")
        token = self.cluster.kubectl("create", "token", "short").strip()
        self.assertEqual(self.ask(token).code, 403)
        self.cluster.kubectl("delete", "serviceaccount/short")
        self.assertEqual(self.ask(token).code, 401)
        self.cluster.kubectl("create", "serviceaccount", "short")
        self.assertEqual(self.ask(token).code, 401)

    def test_audiences(self):
        token = self.cluster.kubectl("create", "token", "robot", "--audience=vault").strip()
        self.assertEqual(self.ask(token).code, 401)
        self.assertEqual(self.review(token, audiences=["vault", "other"])["audiences"], ["vault"])
        self.assertNotIn("authenticated", self.review(token))

    def test_a_secret_asks_for_a_token_without_end(self):
        def secret(name, account):
            self.cluster.apply({
                "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
                "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": account}}})
        self.cluster.kubectl("create", "serviceaccount", "old")
        secret("old-token", "old")
        data = until(lambda: self.cluster.get("secret/old-token").get("data"), "the secret is filled")
        token = base64.b64decode(data["token"]).decode()
        self.assertEqual(base64.b64decode(data["namespace"]), b"default")
        self.assertIn(b"BEGIN CERTIFICATE", base64.b64decode(data["ca.crt"]))
        status = self.review(token)
        self.assertEqual(status["user"]["username"], "system:serviceaccount:default:old")
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        self.assertEqual((claims["iss"], "exp" in claims), ("kubernetes/serviceaccount", False))
        # It is good only as long as the secret holds it.
        self.cluster.kubectl("patch", "secret/old-token", "-p", '{"data":{"token":"bm8="}}')
        self.assertEqual(self.ask(token).code, 401)
        self.cluster.kubectl("delete", "secret/old-token")
        secret("second", "old")
        until(lambda: self.cluster.get("secret/second").get("data"), "the secret is filled")
        self.cluster.kubectl("delete", "serviceaccount/old")
        until(lambda: self.cluster.kubectl("get", "secret/second", check=False).returncode == 1, "the secret goes with its account")
        secret("nobodys", "nobody")
        until(lambda: self.cluster.kubectl("get", "secret/nobodys", check=False).returncode == 1, "the secret of no account goes")

    def test_others_can_verify_tokens(self):
        token = self.cluster.kubectl("create", "token", "robot").strip()
        configuration = json.loads(self.cluster.kubectl("get", "--raw", "/.well-known/openid-configuration"))
        keys = json.loads(self.cluster.kubectl("get", "--raw", "/openid/v1/jwks"))["keys"]
        head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
        self.assertEqual(claims["iss"], configuration["issuer"])
        self.assertEqual([key["kid"] for key in keys], [head["kid"]])
        self.assertEqual(head["alg"], configuration["id_token_signing_alg_values_supported"][0])
        others = json.loads(self.other.kubectl("get", "--raw", "/openid/v1/jwks"))["keys"]
        self.assertNotEqual(others[0]["kid"], keys[0]["kid"])

    # Certificates

    def test_a_right_for_the_signer_is_needed_to_approve(self):
        self.cluster.kubectl("create", "clusterrolebinding", "csr", "--clusterrole=system:certificates.k8s.io:certificatesigningrequests:nodeclient",
                             "--serviceaccount=default:robot", check=False)
        self.cluster.apply({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "clerk"},
            "rules": [{"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests", "certificatesigningrequests/approval"],
                       "verbs": ["get", "list", "update", "patch", "create"]}]})
        self.cluster.kubectl("create", "clusterrolebinding", "clerk", "--clusterrole=clerk", "--serviceaccount=default:robot")
        request = lambda name, subject, usages=("client auth",): self.cluster.apply({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
            "spec": {"signerName": "kubernetes.io/kube-apiserver-client", "usages": list(usages),
                     "request": base64.b64encode(self.certificate_request(subject)).decode()}})
        request("jane", "/CN=jane/O=developers")
        self.assertIn('user not permitted to approve requests with signerName "kubernetes.io/kube-apiserver-client"',
                      self.refused("certificate", "approve", "jane"))
        self.assertNotIn("certificate", self.cluster.get("csr/jane")["status"])
        self.cluster.kubectl("certificate", "approve", "jane")
        signed = until(lambda: self.cluster.get("csr/jane")["status"].get("certificate"), "the certificate is signed")
        with tempfile.NamedTemporaryFile() as certificate:
            certificate.write(base64.b64decode(signed))
            certificate.flush()
            for cluster, code in ((self.cluster, 201), (self.other, 401)):
                connection = Connection(cluster.url, cluster.authority, certificate=(certificate.name, self.key))
                answer = connection.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
                    "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
                connection.close()
                self.assertEqual(answer.code, code, answer)
                if code == 201:
                    user = answer.json["status"]["userInfo"]
                    self.assertEqual((user["username"], user["groups"]), ("jane", ["developers", "system:authenticated"]))
        # Others than client certificates aren't signed, whoever approves them.
        request("server", "/CN=server", usages=["server auth"])
        self.cluster.kubectl("certificate", "approve", "server")
        status = until(lambda: len(self.cluster.get("csr/server")["status"]["conditions"]) == 2 and self.cluster.get("csr/server")["status"],
                       "the signer refuses")
        self.assertEqual([(c["type"], c["reason"]) for c in status["conditions"]],
                         [("Approved", "KubectlApprove"), ("Failed", "SignerValidationFailure")])
        with self.assertRaisesRegex(AssertionError, "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"):
            request("root", "/CN=root/O=system:masters")
        # Nor is it when something stands before the request.
        with self.assertRaisesRegex(AssertionError, "signer with system:masters group is not allowed"):
            self.cluster.apply(self.signing_request(
                "disguised", b"A request\n\n" + self.certificate_request("/CN=root/O=system:masters"), "kube-apiserver-client", ["client auth"]))

    def signing_request(self, name, request, signer, usages):
        return {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
                "spec": {"signerName": f"kubernetes.io/{signer}", "usages": usages, "request": base64.b64encode(request).decode()}}

    def test_kubelets_get_their_certificates(self):
        status = lambda name: self.cluster.get(f"csr/{name}").get("status", {})
        usages = ["client auth", "digital signature", "key encipherment"]
        subject = "/O=system:nodes/CN=system:node:one"
        # An administrator may ask for nodes; so it is approved and signed at once.
        self.cluster.apply(self.signing_request("node", self.certificate_request(subject), "kube-apiserver-client-kubelet", usages))
        signed = until(lambda: status("node").get("certificate"), "the certificate is signed")
        self.assertEqual([(c["type"], c["reason"], c["message"]) for c in status("node")["conditions"]], [
            ("Approved", "AutoApproved", "Auto approving kubelet client certificate after SubjectAccessReview.")])
        with tempfile.NamedTemporaryFile() as certificate:
            certificate.write(base64.b64decode(signed))
            certificate.flush()
            connection = Connection(self.cluster.url, self.cluster.authority, certificate=(certificate.name, self.key))
            answer = connection.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
                "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
            connection.close()
        self.assertEqual(answer.json["status"]["userInfo"]["username"], "system:node:one")
        self.assertIn("system:nodes", answer.json["status"]["userInfo"]["groups"])
        # Approved by hand, a request that no kubelet makes isn't signed.
        for name, subject, signer, wanted, message in (
            ("no-node", "/O=developers/CN=system:node:one", "kube-apiserver-client-kubelet", usages, "subject organization is not system:nodes"),
            ("no-name", "/O=system:nodes/CN=one", "kube-apiserver-client-kubelet", usages, "subject common name does not begin with system:node:"),
            ("no-usage", "/O=system:nodes/CN=system:node:one", "kube-apiserver-client-kubelet", ["server auth"],
             "usages did not match [client auth digital signature key encipherment]"),
            ("no-address", "/O=system:nodes/CN=system:node:one", "kubelet-serving", ["server auth", "digital signature"],
             "DNS or IP subjectAltName is required"),
        ):
            with self.subTest(name):
                self.cluster.apply(self.signing_request(name, self.certificate_request(subject), signer, wanted))
                self.cluster.kubectl("certificate", "approve", name)
                failed = until(lambda: [c for c in status(name)["conditions"] if c["type"] == "Failed"], "the signer refuses")
                self.assertEqual((failed[0]["reason"], failed[0]["message"]), ("SignerValidationFailure", message))
        serving = subprocess.run(
            ["openssl", "req", "-new", "-key", self.key, "-subj", "/O=system:nodes/CN=system:node:one", "-addext", "subjectAltName=DNS:one,IP:10.0.0.1"],
            capture_output=True, check=True).stdout
        self.cluster.apply(self.signing_request("serving", serving, "kubelet-serving", ["server auth", "digital signature"]))
        self.cluster.kubectl("certificate", "approve", "serving")
        signed = until(lambda: status("serving").get("certificate"), "the certificate is signed")
        text = subprocess.run(["openssl", "x509", "-noout", "-text"], input=base64.b64decode(signed), capture_output=True, check=True).stdout.decode()
        self.assertIn("DNS:one, IP Address:10.0.0.1", text)
        self.assertIn("TLS Web Server Authentication", text)
        self.assertNotIn("TLS Web Client Authentication", text)

    def test_a_node_is_kept_to_its_own(self):
        """With a kubelet's certificate: what the node's pods need, and no more."""
        self.cluster.apply(self.signing_request(
            "alpha", self.certificate_request("/O=system:nodes/CN=system:node:alpha"), "kube-apiserver-client-kubelet",
            ["client auth", "digital signature"]))
        signed = until(lambda: self.cluster.get("csr/alpha").get("status", {}).get("certificate"), "the certificate is signed")
        file = tempfile.NamedTemporaryFile()
        self.addCleanup(file.close)
        file.write(base64.b64decode(signed))
        file.flush()
        connection = Connection(self.cluster.url, self.cluster.authority, certificate=(file.name, self.key))
        self.addCleanup(connection.close)
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "alpha", "labels": {"kubernetes.io/hostname": "alpha"}}}
        self.assertEqual(connection.request("POST", "/api/v1/nodes", node).code, 201)
        self.cluster.kubectl("create", "secret", "generic", "mine", "--from-literal=a=b")
        self.cluster.kubectl("create", "secret", "generic", "others", "--from-literal=a=b")
        self.cluster.apply({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "on-alpha"},
            "spec": {"nodeName": "alpha", "containers": [{"name": "main", "image": "x", "envFrom": [{"secretRef": {"name": "mine"}}]}]}})
        uid = self.cluster.get("pod/on-alpha")["metadata"]["uid"]
        namespace = "/api/v1/namespaces/default"
        bound = lambda **reference: {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {
                "audiences": [], "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "on-alpha", **reference} if reference else None}}
        self.assertEqual(connection.request("GET", f"{namespace}/secrets/mine").code, 200)
        self.assertEqual(connection.request("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dalpha").code, 200)
        self.assertEqual(connection.request("GET", "/api/v1/nodes/alpha").code, 200)
        self.assertEqual(connection.request("POST", f"{namespace}/serviceaccounts/default/token", bound(uid=uid)).code, 201)
        patch = lambda path, body: connection.request("PATCH", path, body, content_type="application/merge-patch+json")
        self.assertEqual(patch(f"{namespace}/pods/on-alpha/status", {"status": {"phase": "Running"}}).code, 200)
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "alpha"}, "spec": {}}
        leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        self.assertEqual(connection.request("POST", leases, lease).code, 201)
        other = {**node, "metadata": {"name": "beta"}}
        refused = {
            "no relationship found between node 'alpha' and this object": connection.request("GET", f"{namespace}/secrets/others"),
            "can only read namespaced object of this type": connection.request("GET", "/api/v1/secrets"),
            "can only list/watch pods with spec.nodeName field selector": connection.request("GET", "/api/v1/pods"),
            'node "alpha" is not allowed to modify node "beta"': connection.request("POST", "/api/v1/nodes", other),
            'node "alpha" is not allowed to modify taints': patch("/api/v1/nodes/alpha", {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}),
            "is not allowed to modify labels: node-restriction.kubernetes.io/x": patch(
                "/api/v1/nodes/alpha", {"metadata": {"labels": {"node-restriction.kubernetes.io/x": "y"}}}),
            "node requested token not bound to a pod": connection.request("POST", f"{namespace}/serviceaccounts/default/token", bound()),
            "without a uid": connection.request("POST", f"{namespace}/serviceaccounts/default/token", bound(kind="Pod")),
            "can only create mirror pods": connection.request("POST", f"{namespace}/pods", {
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "evil"},
                "spec": {"nodeName": "alpha", "containers": [{"name": "main", "image": "x"}]}}),
            "can only access node lease with the same name as the requesting node": connection.request(
                "POST", leases, {**lease, "metadata": {"name": "beta"}}),
        }
        for words, answer in refused.items():
            with self.subTest(words):
                self.assertEqual(answer.code, 403, answer)
                self.assertIn(words, answer.json["message"])
        self.cluster.kubectl("delete", "pod/on-alpha", "--force", "--grace-period=0")
        self.assertEqual(connection.request("GET", f"{namespace}/secrets/mine").code, 403)
        self.cluster.kubectl("delete", "node/alpha")

    @property
    def key(self):
        if not hasattr(Access, "_key"):
            folder = tempfile.mkdtemp(prefix="sampan-key-", dir=settings.folder)
            self.addClassCleanup(subprocess.run, ["rm", "-rf", folder], check=True)
            Access._key = f"{folder}/key"
            subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", Access._key], check=True)
        return Access._key

    def certificate_request(self, subject):
        return subprocess.run(["openssl", "req", "-new", "-key", self.key, "-subj", subject], capture_output=True, check=True).stdout
