"""Every verb on every resource and subresource of a cluster, with every credential that isn't its own: nothing, and no hint."""

import base64
import itertools
import os
import socket
import stat
import subprocess
import tempfile
import unittest

from harness import settings, shared
from harness.cluster import Connection
from harness.waiting import until

METHODS = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE",
           "deletecollection": "DELETE"}
# Verbs of connections aren't in discovery.
STREAMS = [("pods", s) for s in ("exec", "attach", "portforward", "proxy", "log")] + [("services", "proxy"), ("nodes", "proxy")]


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("matrix", containers=False)
        cls.victim, cls.stranger = cls.instance.cluster("victim"), cls.instance.cluster("stranger")
        for cluster in (cls.victim, cls.stranger):
            cluster.kubectl("create", "secret", "generic", "there")
        cls.requests = list(cls.all_requests(cls.victim))

    @staticmethod
    def all_requests(cluster):
        """(method, path) of everything that discovery tells of, for an object that exists where one may, and for one that doesn't."""
        versions = [("/api/v1", cluster.request("GET", "/api/v1").json)]
        for group in cluster.request("GET", "/apis").json["groups"]:
            for version in group["versions"]:
                path = f"/apis/{version['groupVersion']}"
                versions.append((path, cluster.request("GET", path).json))
        for prefix, listed in versions:
            for resource in listed["resources"]:
                plural, _, part = resource["name"].partition("/")
                verbs = set(resource["verbs"])
                parts = [part] + [s for p, s in STREAMS if p == plural and not part and prefix == "/api/v1"]
                base = f"{prefix}/namespaces/default/{plural}" if resource["namespaced"] else f"{prefix}/{plural}"
                for verb, name, subresource in itertools.product(verbs, ("there", "not-there"), parts):
                    method = METHODS[verb]
                    if not subresource and verb in ("list", "create", "deletecollection", "watch"):
                        yield method, base + ("?watch=1&timeoutSeconds=1" if verb == "watch" else "")
                    else:
                        yield method, f"{base}/{name}" + (f"/{subresource}" if subresource else "")
        for path in ("/api", "/apis", "/openapi/v2", "/openapi/v3", "/metrics", "/openid/v1/jwks", "/.well-known/openid-configuration"):
            yield "GET", path

    def answers(self, url, requests=None, **credentials):
        connection = Connection(url, self.victim.authority, **credentials)
        try:
            return {(method, path): connection.request(method, path, "{}" if method in ("POST", "PUT", "PATCH") else None)
                    for method, path in sorted(set(requests or self.requests))}
        finally:
            connection.close()

    def test_strangers_get_nothing_and_learn_nothing(self):
        self.assertGreater(len(set(self.requests)), 700)
        token = self.stranger.kubectl("create", "token", "default").strip()
        credentials = {
            "the other cluster's administrator": {"token": self.stranger.token, "certificate": self.stranger.certificate},
            "the other cluster's service account": {"token": token},
            "the other cluster's secret's token": {"token": self.lasting_token(self.stranger)},
            "the other cluster's kubelet": {"certificate": self.kubelet(self.stranger)},
            "the platform's administrator": {"certificate": self.instance.root().certificate},
            "no credential of anybody's": {"token": "sampan-of-nobody"},
        }
        nowhere = self.victim.url.replace("/clusters/victim", "/clusters/there-is-no-such")
        self.assertNotEqual(nowhere, self.victim.url)
        for who, given in credentials.items():
            there = self.answers(self.victim.url, **given)
            missing = self.answers(nowhere, **given)
            for request, answer in there.items():
                with self.subTest(f"{who}: {request}"):
                    self.assertEqual((answer.code, answer.json["message"]), (401, "Unauthorized"), answer)
                    # A cluster that isn't there answers in the same words.
                    self.assertEqual((missing[request].code, missing[request].body), (answer.code, answer.body))

    def lasting_token(self, cluster):
        cluster.apply({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": {
            "name": "lasting", "annotations": {"kubernetes.io/service-account.name": "default"}}})
        return base64.b64decode(until(lambda: cluster.get("secret/lasting").get("data", {}).get("token"), "the secret has a token")).decode()

    def kubelet(self, cluster):
        """A kubelet's certificate and key of a cluster."""
        folder = tempfile.mkdtemp(prefix="sampan-kubelet-", dir=settings.folder)
        self.addCleanup(subprocess.run, ["rm", "-rf", folder], check=True)
        request = subprocess.run(
            ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{folder}/key",
             "-subj", "/O=system:nodes/CN=system:node:one"], capture_output=True, check=True).stdout
        cluster.apply({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "kubelet"},
            "spec": {"signerName": "kubernetes.io/kube-apiserver-client-kubelet", "usages": ["client auth", "digital signature"],
                     "request": base64.b64encode(request).decode()}})
        signed = until(lambda: cluster.get("csr/kubelet").get("status", {}).get("certificate"), "the certificate is signed")
        with open(f"{folder}/crt", "wb") as file:
            file.write(base64.b64decode(signed))
        return f"{folder}/crt", f"{folder}/key"

    def test_the_platform_is_nobodys_who_only_has_a_cluster(self):
        root = self.instance.root()
        requests = list(self.all_requests(root))
        paths = {path.split("?")[0].rsplit("/", 1)[-1] for _, path in requests}
        self.assertLessEqual({"virtualclusters", "teams", "kubeconfig", "authority"}, paths)
        credentials = {
            "a cluster's administrator": {"certificate": self.victim.certificate},
            "a cluster's service account": {"token": self.victim.kubectl("create", "token", "default").strip()},
            "a cluster's kubelet": {"certificate": self.kubelet(self.victim)},
        }
        for who, given in credentials.items():
            for request, answer in self.answers(root.url, requests, **given).items():
                with self.subTest(f"{who}: {request}"):
                    self.assertEqual((answer.code, answer.json["message"]), (401, "Unauthorized"), answer)
        for request, answer in self.answers(root.url, requests).items():
            with self.subTest(f"nobody: {request}"):
                self.assertIn(answer.code, (401, 403), answer)

    def test_nobody_gets_nothing(self):
        there = self.answers(self.victim.url)
        for request, answer in there.items():
            with self.subTest(request):
                self.assertIn(answer.code, (401, 403), answer)
                self.assertIn("system:anonymous", answer.json["message"])

    def test_an_account_without_rights_gets_nothing(self):
        token = self.victim.kubectl("create", "token", "default").strip()
        allowed = set()
        for request, answer in self.answers(self.victim.url, token=token).items():
            if answer.code != 403:
                allowed.add(request)
        # What upstream lets everybody who is somebody do: discovery, and asking what oneself is and may.
        self.assertEqual({path for method, path in allowed if method != "GET"}, {
            f"/apis/{p}" for p in ("authorization.k8s.io/v1/selfsubjectaccessreviews", "authorization.k8s.io/v1/selfsubjectrulesreviews",
                                   "authentication.k8s.io/v1/selfsubjectreviews")})
        self.assertLessEqual({path for method, path in allowed if method == "GET"}, {
            "/api", "/apis", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/.well-known/openid-configuration"})


class NodeSockets(unittest.TestCase):
    """What the node listens at is for the server alone, and for the API's clients."""

    def test_sockets_are_for_the_server_alone(self):
        instance = shared.instance()
        sockets = [os.path.join(folder, name) for folder, _, names in os.walk(instance.directory) for name in names
                   if stat.S_ISSOCK(os.lstat(os.path.join(folder, name)).st_mode)]
        self.assertTrue(any(path.endswith("containerd.sock") for path in sockets), sockets)
        for path in sockets:
            with self.subTest(path):
                self.assertEqual(self.connect_as_nobody(path), "refused")

    @staticmethod
    def connect_as_nobody(path):
        """What somebody who isn't root finds at a socket."""
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            try:
                socket.socket(socket.AF_UNIX).connect(path)
            except (PermissionError, FileNotFoundError):
                os._exit(0)
            except OSError:
                os._exit(2)
            os._exit(1)
        return {0: "refused", 1: "connected"}.get(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "failed")

    def test_a_pod_finds_no_socket_of_the_node(self):
        cluster = shared.instance().cluster("sockets")
        cluster.shell("shell")
        found = cluster.exec("shell", "sh", "-c", "find / -xdev -type s 2>/dev/null; cat /proc/net/unix | tail -n +2 | grep -c sock; true")
        self.assertEqual([line for line in found.split("\n") if "containerd" in line or "sampan" in line], [])
        # What its own credential is at the API of others, by every address that it has there.
        token = cluster.exec("shell", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token").strip()
        other = shared.instance().cluster("others")
        for url in (other.url, shared.instance().root().url):
            connection = Connection(url, other.authority, token=token)
            self.assertEqual(connection.request("GET", "/api/v1/secrets").code, 401)
            connection.close()
