"""A cluster's authority and token key are changed while clients work, and while the server is killed."""

import base64
import json
import os
import ssl
import threading
import unittest

from harness import shared
from harness.cluster import Cluster, Connection
from harness.waiting import until

PODS = "/api/v1/namespaces/default/pods"
CLUSTERS = "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters"


def key_id(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


class Rotation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("rotation", containers=False)
        cls.root = cls.instance.root()

    def kubeconfig(self, name):
        path = os.path.join(self.instance.directory, f"{name}.{os.urandom(4).hex()}.kubeconfig")
        self.instance.sampan("cluster", "kubeconfig", name, "--long-lived", "--output", path)
        return Cluster(name, path)

    def code(self, cluster, token=None):
        if token is None:
            return cluster.request("GET", PODS).code
        connection = Connection(cluster.url, cluster.authority, token=token)
        try:
            return connection.request("GET", "/api/v1/namespaces/default/serviceaccounts/default").code
        finally:
            connection.close()

    def keys(self, cluster):
        return {key["kid"] for key in cluster.request("GET", "/openid/v1/jwks").json["keys"]}

    def authorities(self, cluster):
        data = cluster.get("configmap/extension-apiserver-authentication", "-n", "kube-system")["data"]
        return [data[member].count("BEGIN CERTIFICATE") for member in ("client-ca-file", "requestheader-client-ca-file")]

    def prepare(self, name):
        cluster = self.instance.cluster(name)
        cluster.kubectl("create", "clusterrolebinding", "default", "--clusterrole=view", "--serviceaccount=default:default")
        return cluster, cluster.kubectl("create", "token", "default").strip()

    def test_nobody_notices_until_what_was_issued_before_is_retired(self):
        old, token = self.prepare("spin")
        open_connection = old.connect()
        self.addCleanup(open_connection.close)
        self.assertEqual(open_connection.request("GET", PODS).code, 200)
        failures, stop = [], threading.Event()

        def work():
            while not stop.is_set():
                for code in (self.code(old), self.code(old, token)):
                    if code != 200:
                        failures.append(code)

        worker = threading.Thread(target=work)
        worker.start()
        try:
            said = self.instance.sampan("cluster", "rotate-authority", "spin", "--keep", "2h").stdout
            new = self.kubeconfig("spin")
            self.assertEqual(self.code(new), 200)
        finally:
            stop.set()
            worker.join()
        self.assertEqual(failures, [])
        self.assertIn("what was issued before is believed until", said)
        fresh = new.kubectl("create", "token", "default").strip()
        self.assertNotEqual(key_id(fresh), key_id(token))
        self.assertEqual(self.keys(new), {key_id(fresh), key_id(token)})
        until(lambda: self.authorities(new) == [2, 2], "extension servers are told of both")
        status = until(lambda: self.root.request("GET", f"{CLUSTERS}/spin").json["status"].get("formerAuthorityTrustedUntil"), "it is said until when")
        self.assertIn(status, said)
        # A killed server goes on where it was.
        self.instance.kill()
        self.instance.up()
        self.assertEqual([self.code(old), self.code(old, token), self.code(new), self.code(new, fresh)], [200] * 4)
        open_connection = old.connect()
        self.addCleanup(open_connection.close)
        self.assertEqual(open_connection.request("GET", PODS).code, 200)
        self.instance.sampan("cluster", "rotate-authority", "spin", "--retire")
        self.assertEqual(open_connection.request("GET", PODS).code, 401)
        self.assertEqual([self.code(old), self.code(old, token), self.code(new), self.code(new, fresh)], [401, 401, 200, 200])
        self.assertEqual(self.keys(new), {key_id(fresh)})
        until(lambda: self.authorities(new) == [1, 1], "extension servers are told of the new one only")
        until(lambda: "formerAuthorityTrustedUntil" not in self.root.request("GET", f"{CLUSTERS}/spin").json["status"], "nothing is left")
        self.assertNotIn("annotations", self.root.request("GET", f"{CLUSTERS}/spin").json["metadata"])

    def test_trust_ends_by_itself(self):
        old, token = self.prepare("brief")
        body = {"apiVersion": "sampan.dev/v1alpha1", "kind": "AuthorityRotation", "keepSeconds": 3}
        answer = self.root.request("POST", f"{CLUSTERS}/brief/authority", body)
        self.assertEqual(answer.code, 201, answer)
        new = self.kubeconfig("brief")
        until(lambda: self.code(old) == 401 and self.code(old, token) == 401, "trust has ended")
        until(lambda: self.authorities(new) == [1, 1], "extension servers are told of the new one only")
        self.assertEqual(self.code(new), 200)

    def test_a_kill_at_any_moment_leaves_a_whole_identity(self):
        old, token = self.prepare("killed")
        for attempt in range(3):
            request = threading.Thread(target=lambda: self.instance.sampan("cluster", "rotate-authority", "killed", "--keep", "2h", check=False))
            request.start()
            self.instance.kill()
            request.join()
            self.instance.up()
            with self.subTest(attempt):
                new = self.kubeconfig("killed")
                self.assertEqual([self.code(old), self.code(old, token), self.code(new)], [200] * 3)
                until(lambda: self.authorities(new)[0] == len(self.keys(new)), "extension servers are told of what is trusted")

    def test_other_clusters_and_people_have_no_part_in_it(self):
        old, token = self.prepare("mine")
        other, others_token = self.prepare("other")
        self.instance.sampan("cluster", "rotate-authority", "mine")
        self.assertEqual([self.code(other), self.code(other, others_token)], [200, 200])
        self.assertEqual(self.code(other, token), 401)
        answer = old.request("POST", f"{CLUSTERS}/mine/authority", {})
        self.assertEqual(answer.code, 404, answer)
        for body, field in (({"action": "Burn"}, "action"), ({"keepSeconds": 0}, "keepSeconds")):
            answer = self.root.request("POST", f"{CLUSTERS}/mine/authority", {
                "apiVersion": "sampan.dev/v1alpha1", "kind": "AuthorityRotation", **body})
            self.assertEqual((answer.code, field in answer.json["message"]), (422, True), answer)
        self.assertEqual(self.root.request("POST", f"{CLUSTERS}/nothing/authority", {
            "apiVersion": "sampan.dev/v1alpha1", "kind": "AuthorityRotation"}).code, 404)
        for _ in range(2):
            self.instance.sampan("cluster", "rotate-authority", "mine")
        refused = self.instance.sampan("cluster", "rotate-authority", "mine", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("3 former authorities are still trusted", refused.stderr)


class PlatformRotation(unittest.TestCase):
    """The authority by which every client knows the server is changed while they work."""

    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("platform-ca", containers=False)

    def kubeconfig(self, name="one"):
        path = os.path.join(self.instance.directory, f"{name}.{os.urandom(4).hex()}.kubeconfig")
        self.instance.sampan("cluster", "kubeconfig", name, "--long-lived", "--output", path)
        return Cluster(name, path)

    def rotate(self, *options):
        return self.instance.sampan("rotate-authority", *options).stdout

    def authority(self):
        with open(os.path.join(self.instance.directory, "pki", "ca.crt")) as file:
            return file.read()

    def is_served(self, cluster):
        """By Go's TLS, by OpenSSL over a new connection, and by ours."""
        found = {cluster.kubectl("get", "--raw", "/version", check=False).returncode == 0}
        try:
            found.add(cluster.request("GET", PODS).code == 200)
        except ssl.SSLCertVerificationError:
            found.add(False)
        self.assertEqual(len(found), 1, "clients disagree")
        return found.pop()

    def root_ca(self, cluster, namespace):
        return cluster.get("configmap/kube-root-ca.crt", "-n", namespace)["data"]["ca.crt"]

    def test_1_nobody_notices(self):
        for name in ("one", "idle"):
            self.instance.cluster(name)
        type(self).old = self.kubeconfig()
        self.old.apply({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "long", "annotations": {"kubernetes.io/service-account.name": "default"}}})
        before, failures, stop = self.authority(), [], threading.Event()
        open_connection = self.old.connect()
        self.addCleanup(open_connection.close)
        self.assertEqual(open_connection.request("GET", PODS).code, 200)

        def work():
            while not stop.is_set():
                answer = self.old.request("GET", PODS)
                if answer.code != 200:
                    failures.append(answer)

        worker = threading.Thread(target=work)
        worker.start()
        try:
            self.assertIn("made before are good until", self.rotate())
            new = type(self).new = self.kubeconfig()
        finally:
            stop.set()
            worker.join()
        self.assertEqual(failures, [])
        self.assertNotEqual(self.authority(), before)
        self.assertEqual((self.old.authority, new.authority), (before, self.authority()))
        self.assertEqual(open_connection.request("GET", PODS).code, 200)
        self.assertTrue(self.is_served(self.old))
        self.assertTrue(self.is_served(new))
        for name in ("one", "idle"):
            cluster = self.kubeconfig(name)
            for namespace in ("default", "kube-system"):
                until(lambda: self.root_ca(cluster, namespace) == self.authority(), f"{namespace} of {name} is told")
        until(lambda: base64.b64decode(new.get("secret/long")["data"]["ca.crt"]).decode() == self.authority(), "tokens' secrets are told")

    def test_2_a_second_time_while_the_server_is_killed(self):
        first = self.authority()
        self.instance.kill()
        self.rotate()
        self.instance.up()
        self.assertNotEqual(self.authority(), first)
        newest = self.kubeconfig()
        self.assertEqual(newest.authority, self.authority())
        for cluster in (self.old, self.new, newest):
            self.assertTrue(self.is_served(cluster))
        until(lambda: self.root_ca(newest, "default") == self.authority(), "the cluster is told")
        type(self).newest = newest

    def test_3_until_the_former_ones_are_retired(self):
        self.assertIn("isn't served any more", self.rotate("--retire"))
        for _ in range(2):
            self.assertEqual([self.is_served(c) for c in (self.old, self.new, self.newest)], [False, False, True])
            self.instance.kill()
            self.instance.up()

    def test_4_bad_input(self):
        for keep in ("0s", "-1h", "soon"):
            refused = self.instance.sampan("rotate-authority", f"--keep={keep}", check=False)
            self.assertEqual((refused.returncode != 0, f"--keep {keep}" in refused.stderr), (True, True), refused.stderr)
