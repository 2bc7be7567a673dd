"""A cluster's authority and token key are changed while clients work, and while the server is killed."""

import base64
import json
import os
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
