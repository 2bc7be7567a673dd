"""A cluster is written into one file, and made from it by another server: its users notice nothing but the pause. Or copied, with keys of its own."""

import base64
import hashlib
import os
import stat
import struct
import threading
import time
import unittest

from harness import shared
from harness.cluster import Cluster, Connection
from harness.waiting import until

from test_storage import claim, mounting

PODS = "/api/v1/namespaces/default/pods"
CLUSTERS = "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters"
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.harbour.example}
spec:
  group: harbour.example
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {sails: {type: integer}}}}}}}
"""
OBJECTS = """
apiVersion: v1
kind: Secret
metadata: {name: token, annotations: {kubernetes.io/service-account.name: default}}
type: kubernetes.io/service-account-token
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: example.test/web}]}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {schedule: "0 3 * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: example.test/c}]}}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def frames(path):
    """The archive's frames: what docs/clusters.md says of the format."""
    with open(path, "rb") as file:
        text = file.read()
    start = b"SampanArchive/1\n"
    assert text.startswith(start)
    position, found = len(start), []
    while position < len(text):
        length = struct.unpack(">I", text[position + 1:position + 5])[0]
        found.append((text[position:position + 1], text[position + 5:position + 5 + length], position))
        position += 5 + length
    return text, found


def forge(path, change):
    """Changes the archive's bytes before its end, and makes the checksum right again."""
    text, found = frames(path)
    body = change(text[:found[-1][2]])
    with open(path, "wb") as file:
        file.write(body + b"E" + struct.pack(">I", 32) + hashlib.sha256(body).digest())


class Archives(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.here = shared.new("here", containers=False)
        cls.there = shared.new("there", containers=False)

    def file(self, name):
        path = os.path.join(self.here.directory, f"{name}.{os.urandom(3).hex()}.sampan")
        self.addCleanup(lambda: os.path.exists(path) and os.remove(path))
        return path

    def filled(self, name):
        cluster = self.here.cluster(name)
        cluster.kubectl("apply", "-f", "-", input=DEFINITION)
        cluster.kubectl("wait", "--for=condition=Established", "crd/boats.harbour.example")
        cluster.kubectl("apply", "-f", "-", input=OBJECTS)
        cluster.kubectl("apply", "-f", "-", input="apiVersion: harbour.example/v1\nkind: Boat\nmetadata: {name: junk}\nspec: {sails: 2}\n")
        cluster.kubectl("create", "clusterrolebinding", "default", "--clusterrole=view", "--serviceaccount=default:default")
        cluster.kubectl("delete", "clusterrole", "system:kube-dns")
        until(lambda: len(cluster.get("pods")["items"]) == 2, "the deployment has its pods")
        until(lambda: cluster.get("secret/token").get("data", {}).get("token"), "the secret has a token")
        return cluster

    def reached(self, cluster, instance, name):
        """The old kubeconfig's credential, at another server's address."""
        there = Cluster(name, cluster.kubeconfig)
        there.url = f"https://127.0.0.1:{instance.api_port}/clusters/{name}"
        there.authority = instance.root().authority
        return there

    def code(self, instance, name, token):
        connection = Connection(f"https://127.0.0.1:{instance.api_port}/clusters/{name}", instance.root().authority, token=token)
        try:
            return connection.request("GET", PODS).code
        finally:
            connection.close()

    def test_a_cluster_moves_and_its_users_notice_nothing(self):
        cluster = self.filled("mover")
        token = cluster.kubectl("create", "token", "default").strip()
        legacy = base64.b64decode(cluster.get("secret/token")["data"]["token"]).decode()
        cluster.kubectl("create", "secret", "generic", "word", "--from-literal=word=shibboleth")
        before = cluster.request("GET", "/api/v1/namespaces/default/secrets?limit=500").json
        path = self.file("mover")
        said = self.here.sampan("cluster", "export", "mover", "--output", path)
        self.assertIn("private keys", said.stderr)
        self.assertIn("1 persistent volume claim;", said.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        again = self.here.sampan("cluster", "export", "mover", "--output", path, check=False)
        self.assertIn("There is a file", again.stderr)

        self.there.sampan("cluster", "import", path)
        moved = self.reached(cluster, self.there, "mover")
        answer = moved.request("GET", "/api/v1/namespaces/default/secrets?limit=500")
        self.assertEqual(answer.code, 200, answer)
        opaque = lambda answer: [item for item in answer["items"] if item["type"] == "Opaque"]
        self.assertEqual(opaque(answer.json), opaque(before))
        self.assertEqual(len(opaque(before)), 1)
        self.assertGreaterEqual(int(answer.json["metadata"]["resourceVersion"]), int(before["metadata"]["resourceVersion"]))
        self.assertEqual([self.code(self.there, "mover", t) for t in (token, legacy)], [200, 200])
        new = self.there.cluster("mover")
        self.assertEqual(new.get("boats.harbour.example/junk")["spec"], {"sails": 2})
        self.assertEqual(new.request("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:kube-dns").code, 404)
        self.assertEqual({p["metadata"]["name"] for p in new.get("pods")["items"]}, {p["metadata"]["name"] for p in cluster.get("pods")["items"]})
        self.assertTrue({p["metadata"]["uid"] for p in new.get("pods")["items"]}.isdisjoint({p["metadata"]["uid"] for p in cluster.get("pods")["items"]}))
        # Whoever looks at what is inside looks at this server's authority and address.
        root = until(lambda: (c := new.get("configmap/kube-root-ca.crt")["data"]["ca.crt"]) != cluster.get("configmap/kube-root-ca.crt")["data"]["ca.crt"] and c, "pods are told of this server's authority")
        self.assertEqual(root.strip(), new.authority.strip())
        self.assertEqual(new.get("endpoints/kubernetes")["subsets"][0]["ports"][0]["port"], self.there.api_port)
        # Controllers go on, and what is written follows what was.
        new.kubectl("scale", "deployment/web", "--replicas=3")
        until(lambda: len(new.get("pods")["items"]) == 3, "the deployment grows")
        self.assertNotIn("annotations", self.there.root().request("GET", f"{CLUSTERS}/mover").json["metadata"])
        # A name that is taken is taken.
        refused = self.there.sampan("cluster", "import", path, check=False)
        self.assertIn("There is a cluster mover already.", refused.stderr)
        self.there.sampan("cluster", "import", path, "--name", "second")
        self.assertEqual(self.code(self.there, "second", token), 200)
        # It is all there after a restart.
        self.there.kill()
        self.there.up()
        self.assertEqual(moved.request("GET", PODS).code, 200)
        self.assertEqual(new.get("deployment/web")["spec"]["replicas"], 3)

    def test_a_watch_goes_on_where_it_was(self):
        cluster = self.filled("watched")
        until(lambda: (a := cluster.get("deployment/web")["status"]) and a.get("replicas") == 2, "it is quiet")
        seen = cluster.request("GET", "/api/v1/namespaces/default/configmaps").json["metadata"]["resourceVersion"]
        path = self.file("watched")
        self.here.sampan("cluster", "export", "watched", "--output", path)
        last = cluster.request("GET", "/api/v1/namespaces/default/configmaps").json["metadata"]["resourceVersion"]
        self.there.sampan("cluster", "import", path)
        new = self.there.cluster("watched")
        new.kubectl("create", "configmap", "later")
        answer = new.request("GET", f"/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=1&resourceVersion={last}")
        if seen == last:
            self.assertIn('"later"', answer.body.decode())
        self.assertNotIn("future", answer.body.decode())
        # What came before isn't known here: as anywhere, the client is told to list again.
        answer = new.request("GET", "/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=1&resourceVersion=1")
        self.assertIn("410", answer.body.decode())

    def test_a_clone_has_keys_of_its_own(self):
        cluster = self.filled("sheep")
        token = cluster.kubectl("create", "token", "default").strip()
        said = self.here.sampan("cluster", "clone", "sheep", "dolly")
        self.assertIn("isn't copied", said.stderr)
        new = self.here.cluster("dolly")
        self.assertEqual(new.get("boats.harbour.example/junk")["spec"], {"sails": 2})
        self.assertEqual((self.code(self.here, "sheep", token), self.code(self.here, "dolly", token)), (200, 401))
        self.assertEqual(self.reached(cluster, self.here, "dolly").request("GET", PODS).code, 401)
        # The secret's token is made again, by the new key.
        fresh = until(lambda: new.get("secret/token").get("data", {}).get("token"), "the secret has a token again")
        fresh = base64.b64decode(fresh).decode()
        self.assertEqual((self.code(self.here, "dolly", fresh), self.code(self.here, "sheep", fresh)), (200, 401))
        front = lambda c: c.get("configmap/extension-apiserver-authentication", "-n", "kube-system")["data"]["client-ca-file"]
        until(lambda: front(new) != front(cluster), "extension servers are told of the new authority")
        new.kubectl("delete", "deployment/web")
        cluster.get("deployment/web")
        refused = self.here.sampan("cluster", "clone", "sheep", "dolly", check=False)
        self.assertIn("There is a cluster dolly already.", refused.stderr)
        missing = self.here.sampan("cluster", "clone", "nobody", "else", check=False)
        self.assertIn("There is no cluster nobody.", missing.stderr)

    def test_damaged_and_forged_archives_are_refused(self):
        self.filled("forged")
        path = self.file("forged")
        self.here.sampan("cluster", "export", "forged", "--output", path)
        text, found = frames(path)
        self.assertEqual(found[-1][1], hashlib.sha256(text[:found[-1][2]]).digest())

        def refused(why):
            result = self.there.sampan("cluster", "import", path, check=False)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(why, result.stderr)
            self.assertEqual(self.there.root().request("GET", f"{CLUSTERS}/forged").code, 404)

        for change, why in (
                (lambda t: t[:-1], "checksum"), (lambda t: t[:5000] + bytes([t[5000] ^ 1]) + t[5001:], "checksum"),
                (lambda t: b"", "isn't an archive"), (lambda t: b"SampanArchive/2\n" + t[16:], "another format")):
            with open(path, "wb") as file:
                file.write(change(text))
            refused(why)
        for change, why in (
                (lambda b: b.replace(b'"image":"example.test/web","', b'"image":"example.test/we!","', 1) + b"O\0\0\0\2\0\0", "key"),
                # A pod that is on the machine's network, which no request could have made.
                (lambda b: self.pods(b, b'"enableServiceLinks":true,', b'"hostNetwork":true,'), "PodSecurity"),
                (lambda b: b.replace(b'"clientCA":"', b'"clientCB":"', 1), "keys can't be read")):
            with open(path, "wb") as file:
                file.write(text)
            forge(path, change)
            refused(why)
        with open(path, "wb") as file:
            file.write(text)
        self.there.sampan("cluster", "import", path)

    def pods(self, body, old, new):
        """The body with something replaced in its first pod."""
        position = body.index(b"core/pods/default/") - 7
        length = struct.unpack(">I", body[position + 1:position + 5])[0]
        payload = body[position + 5:position + 5 + length]
        self.assertIn(old, payload)
        payload = payload.replace(old, new, 1)
        return body[:position + 1] + struct.pack(">I", len(payload)) + payload + body[position + 5 + length:]

    def test_a_kill_leaves_a_whole_cluster_or_none(self):
        cluster = self.filled("struck")
        names = lambda c: {(o["kind"], o["metadata"]["name"]) for kind in ("secrets", "services", "deployments.apps", "boats.harbour.example") for o in c.get(kind)["items"]}
        expected = names(cluster)
        path = self.file("struck")
        self.here.sampan("cluster", "export", "struck", "--output", path)
        outcomes = set()
        for attempt, delay in enumerate((0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)):
            name = f"struck-{attempt}"
            done = []
            importer = threading.Thread(target=lambda: done.append(self.there.sampan("cluster", "import", path, "--name", name, check=False)))
            importer.start()
            time.sleep(delay)
            self.there.kill()
            importer.join()
            self.there.up()
            root = self.there.root()
            with self.subTest(delay=delay):
                # It is finished or taken back by itself: nothing stays that is neither.
                def settled():
                    answer = root.request("GET", f"{CLUSTERS}/{name}")
                    return answer.code == 404 or (answer.json["status"].get("phase") == "Ready" and "annotations" not in answer.json["metadata"])
                until(settled, "the cluster is there or gone")
                exists = root.request("GET", f"{CLUSTERS}/{name}").code == 200
                outcomes.add(exists)
                if done[0].returncode == 0:
                    self.assertTrue(exists, "what was said to be done is lost")
                if not exists:
                    self.assertNotEqual(done[0].stderr, "")
                    self.there.sampan("cluster", "import", path, "--name", name)
                self.assertEqual(names(self.there.cluster(name)), expected)
        # An export that is cut off leaves no file.
        left = self.file("cut")
        exporter = threading.Thread(target=lambda: self.here.sampan("cluster", "export", "struck", "--output", left, check=False))
        exporter.start()
        self.here.kill()
        exporter.join()
        self.here.up()
        if os.path.exists(left):
            text, found = frames(left)
            self.assertEqual(found[-1][1], hashlib.sha256(text[:found[-1][2]]).digest())
        self.assertEqual([f for f in os.listdir(os.path.dirname(left)) if f.startswith(os.path.basename(left)) and f.endswith(".tmp")], [])

    def test_members_of_a_team_do_what_their_role_lets_them(self):
        cluster = self.filled("lent")
        path = self.file("lent")
        self.here.sampan("cluster", "export", "lent", "--output", path)
        self.here.sampan("team", "create", "crew", "--pods", "1", "--member", "olga=owner", "--member", "dan=developer", "--member", "vera=viewer")
        result = self.here.sampan("cluster", "import", path, "--team", "crew", "--name", "big", check=False)
        self.assertIn("exceeded quota", result.stderr)
        cluster.kubectl("delete", "deployment/web")
        until(lambda: not cluster.get("pods")["items"], "its pods are gone")
        self.here.sampan("cluster", "export", "lent", "--output", path, "--force")
        self.here.sampan("cluster", "import", path, "--team", "crew", "--name", "small")
        answer = self.here.root().request("GET", "/apis/sampan.dev/v1alpha1/namespaces/crew/virtualclusters/small")
        self.assertEqual(answer.code, 200, answer)

        def asked(user, *arguments):
            file = os.path.join(self.here.directory, f"crew-{user}.kubeconfig")
            self.here.sampan("team", "kubeconfig", "crew", user, "--output", file)
            result = self.here.sampan("cluster", *arguments, check=False, environment={"SAMPAN_KUBECONFIG": file})
            return (result.returncode == 0, "forbidden" in result.stderr)

        for user, exports, clones in (("olga", True, True), ("dan", False, True), ("vera", False, False)):
            with self.subTest(user):
                self.assertEqual(asked(user, "export", "small", "--output", path, "--force"), (exports, not exports))
                self.assertEqual(asked(user, "clone", "small", f"by-{user}"), (clones, not clones))
                self.assertEqual(asked(user, "import", path, "--name", f"from-{user}"), (clones, not clones))


class ArchivesWithPods(unittest.TestCase):
    def test_pods_start_anew_beside_those_that_go_on(self):
        instance = shared.instance()
        cluster = instance.cluster("original")
        cluster.apply(claim("data"))
        cluster.apply(mounting("web", "data", ["sh", "-c", "ls /data > /tmp/found; echo x > /data/file; sleep 3600"]))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
        before = cluster.get("pod/web")
        path = os.path.join(instance.directory, "original.sampan")
        instance.sampan("cluster", "export", "original", "--output", path)
        instance.sampan("cluster", "clone", "original", "copy")
        instance.sampan("cluster", "import", path, "--name", "moved")
        os.remove(path)
        for name in ("copy", "moved"):
            with self.subTest(name):
                new = instance.cluster(name)
                until(lambda: any(c["type"] == "Ready" and c["status"] == "True" for c in new.get("pod/web")["status"].get("conditions", [])), "the pod runs")
                pod = new.get("pod/web")
                self.assertNotEqual(pod["metadata"]["uid"], before["metadata"]["uid"])
                self.assertNotEqual(pod["status"]["podIP"], before["status"]["podIP"])
                # As documented: the claim is bound, and its volume was empty.
                self.assertEqual(new.get("pvc/data")["status"]["phase"], "Bound")
                self.assertEqual(new.kubectl("exec", "web", "--", "cat", "/tmp/found"), "")
                instance.delete(name)
        after = cluster.get("pod/web")
        self.assertEqual((after["metadata"]["uid"], after["status"]["podIP"]), (before["metadata"]["uid"], before["status"]["podIP"]))
        self.assertEqual(cluster.kubectl("exec", "web", "--", "cat", "/data/file").strip(), "x")
        self.assertEqual([s["restartCount"] for s in after["status"]["containerStatuses"]], [0])
        instance.delete("original")


if __name__ == "__main__":
    unittest.main()
