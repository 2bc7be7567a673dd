"""A deleted cluster is kept for a while, takes nothing but room on the disk meanwhile, and comes back whole; afterwards nothing is left of it."""

import os
import subprocess
import threading
import time
import unittest

from harness import shared
from harness.cluster import Cluster, Connection
from harness.waiting import until

from test_cluster_delete import number, paths, rows
from test_storage import claim, mounting

GROUP = "/apis/sampan.dev/v1alpha1"
DELETED = f"{GROUP}/namespaces/default/deletedclusters"
CLUSTERS = f"{GROUP}/namespaces/default/virtualclusters"


def deleted(instance, namespace="default"):
    return {c["metadata"]["name"]: c for c in instance.root().request("GET", f"{GROUP}/namespaces/{namespace}/deletedclusters").json["items"]}


class Undelete(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("undelete", containers=False)

    def filled(self, name, *options):
        cluster = self.instance.cluster(name, *options)
        cluster.kubectl("create", "secret", "generic", "word", "--from-literal=word=shibboleth")
        cluster.kubectl("create", "configmap", "kept", "--from-literal=a=1")
        cluster.kubectl("delete", "clusterrole", "system:kube-dns")
        cluster.kubectl("create", "clusterrolebinding", "default", "--clusterrole=view", "--serviceaccount=default:default")
        return cluster

    def member(self, team, user):
        path = os.path.join(self.instance.directory, f"{team}-{user}.kubeconfig")
        self.instance.sampan("team", "kubeconfig", team, user, "--output", path)
        return path

    def forget(self, *names):
        for name in names:
            self.instance.clusters.pop(name, None)
            self.instance.sampan("cluster", "delete", name, "--now", "--ignore-not-found")

    def test_an_old_kubeconfig_and_an_old_token_are_good_again(self):
        cluster = self.filled("demo")
        self.addCleanup(self.forget, "demo")
        token = cluster.kubectl("create", "token", "default").strip()
        before = {path: cluster.request("GET", path).json for path in ("/api/v1/secrets", "/api/v1/configmaps", "/api/v1/namespaces")}
        watch_from = cluster.request("GET", "/api/v1/configmaps").json["metadata"]["resourceVersion"]
        own = number(self.instance, "demo")
        said = self.instance.sampan("cluster", "delete", "demo")
        self.assertIn("sampan cluster undelete demo", said.stderr)
        # As any cluster that isn't there.
        never = Cluster("never", cluster.kubeconfig)
        never.url = never.url.replace("/clusters/demo", "/clusters/never")
        self.assertEqual(cluster.request("GET", "/api").code, never.request("GET", "/api").code)
        self.assertNotIn("demo", self.instance.sampan("cluster", "list", "-o", "name").stdout.split())
        table = self.instance.sampan("cluster", "list", "--deleted").stdout
        self.assertRegex(table, r"(?m)^demo-[0-9a-f]{8}\s+demo\s+<none>\s+\S+ ago\s+in 2[34]h")
        self.assertEqual(set(rows(self.instance, own)), {"clusters", "records", "objects", "clusterKeys"})

        self.assertRegex(self.instance.sampan("cluster", "undelete", "demo").stdout, r"cluster demo is back after \d+")
        self.assertEqual(number(self.instance, "demo"), own)
        self.assertEqual({path: cluster.request("GET", path).json["items"] for path in before}, {path: lists["items"] for path, lists in before.items()})
        self.assertEqual(cluster.request("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:kube-dns").code, 404)
        root = self.instance.root()
        connection = Connection(cluster.url, root.authority, token=token)
        self.addCleanup(connection.close)
        self.assertEqual(connection.request("GET", "/api/v1/namespaces/default/pods").code, 200)
        self.assertEqual(deleted(self.instance), {})
        # It goes on: revisions grow, and a client that had seen it all goes on with its watch.
        made = cluster.request("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "later"}}).json
        self.assertGreater(int(made["metadata"]["resourceVersion"]), int(watch_from))
        # All of it is on the disk.
        self.instance.kill()
        self.instance.up()
        self.assertEqual({c["metadata"]["name"] for c in cluster.request("GET", "/api/v1/namespaces/default/configmaps").json["items"]}, {"kept", "later", "kube-root-ca.crt"})
        self.assertEqual(cluster.get("secret/word")["data"]["word"], "c2hpYmJvbGV0aA==")

    def test_the_name_is_free_meanwhile(self):
        first = self.filled("twice")
        self.addCleanup(self.forget, "twice", "before")
        self.instance.sampan("cluster", "delete", "twice")
        self.instance.clusters.pop("twice")
        second = self.instance.cluster("twice")
        self.assertEqual(second.request("GET", "/api/v1/namespaces/default/secrets/word").code, 404)
        # What the first one let in is nothing in the second.
        self.assertEqual(first.request("GET", "/api").code, 401)
        refused = self.instance.sampan("cluster", "undelete", "twice", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("There is a cluster twice by now", refused.stderr)
        self.assertIn("--as NAME", refused.stderr)
        self.instance.sampan("cluster", "undelete", "twice", "--as", "before")
        back = self.instance.cluster("before")
        self.assertEqual(back.get("secret/word")["data"]["word"], "c2hpYmJvbGV0aA==")
        self.assertEqual(second.request("GET", "/api/v1/namespaces/default/secrets/word").code, 404)
        missing = self.instance.sampan("cluster", "undelete", "twice", check=False)
        self.assertIn("There is no deleted cluster twice", missing.stderr)

    def test_afterwards_nothing_is_left(self):
        root = self.instance.root()
        for way in ("its time is over", "it is deleted once more", "it isn't kept", "--now"):
            with self.subTest(way):
                name = "gone"
                self.filled(name)
                own = number(self.instance, name)
                self.instance.clusters.pop(name)
                if way == "--now":
                    self.instance.sampan("cluster", "delete", name, "--now")
                elif way == "it isn't kept":
                    root.kubectl("patch", "virtualcluster", name, "--type=merge", "-p", '{"spec": {"keepDeletedFor": "0s"}}')
                    self.instance.sampan("cluster", "delete", name)
                else:
                    self.instance.sampan("cluster", "delete", name)
                    (kept,) = deleted(self.instance)
                    self.assertTrue(rows(self.instance, own))
                    if way == "its time is over":
                        # The platform may change the end, and nothing else.
                        changed = root.kubectl("patch", "deletedcluster", kept, "--type=merge", "-p", '{"spec": {"name": "other"}}', check=False)
                        self.assertIn("only expirationTime may be changed", changed.stderr)
                        root.kubectl("patch", "deletedcluster", kept, "--type=merge", "-p", '{"spec": {"expirationTime": "2020-01-01T00:00:00Z"}}')
                    else:
                        self.instance.sampan("cluster", "delete", kept, "--now")
                until(lambda: not deleted(self.instance), "no object tells of it")
                until(lambda: not rows(self.instance, own), "its rows are gone")
                self.assertNotEqual(self.instance.sampan("cluster", "undelete", name, check=False).returncode, 0)

    def test_the_time_to_live_ends_it_in_the_same_way(self):
        self.instance.sampan("cluster", "create", "brief", "--ttl", "3s")
        self.addCleanup(self.forget, "brief")
        until(lambda: any(c["spec"]["name"] == "brief" for c in deleted(self.instance).values()), "its time is over")
        until(lambda: self.instance.root().request("GET", f"{CLUSTERS}/brief").code == 404, "it is deleted")
        self.instance.sampan("cluster", "undelete", "brief")
        self.assertEqual(self.instance.root().request("GET", f"{CLUSTERS}/brief").code, 200)

    def test_there_are_not_more_than_may_be(self):
        names = [f"many-{index:02}" for index in range(13)]
        self.instance.sampan("cluster", "create", *names)
        numbers = {name: number(self.instance, name) for name in names}
        for name in names[:10]:
            self.instance.sampan("cluster", "delete", name)
        time.sleep(1.1)
        for name in names[10:]:
            self.instance.sampan("cluster", "delete", name)
        kept = lambda: sorted(c["spec"]["name"] for c in deleted(self.instance).values())
        until(lambda: len(kept()) == 10, "the oldest ones have gone")
        self.assertTrue(set(names[10:]) <= set(kept()))
        until(lambda: sum(1 for own in numbers.values() if rows(self.instance, own)) == 10, "the rest's rows are gone")
        self.instance.root().kubectl("delete", "deletedclusters", "--all")
        until(lambda: not any(rows(self.instance, own) for own in numbers.values()), "all rows are gone")

    def test_a_teams_namespace_goes_with_the_team_only(self):
        self.instance.sampan("team", "create", "rooted")
        root = self.instance.root()
        until(lambda: root.kubectl("get", "namespace", "rooted", check=False).returncode == 0, "it has a namespace")
        refused = root.kubectl("delete", "namespace", "rooted", check=False)
        self.assertIn("sampan team delete rooted", refused.stderr)
        self.instance.sampan("team", "delete", "rooted")
        until(lambda: root.kubectl("get", "namespace", "rooted", check=False).returncode != 0, "the namespace goes with it")

    def test_who_may_create_may_undelete(self):
        self.instance.sampan("team", "create", "crew", "--member", "ann=developer", "--member", "vic=viewer", "--storage", "3Gi")
        root = self.instance.root()
        self.instance.sampan("cluster", "create", "own", "--team", "crew", "--pod-security", "privileged", "--limit", "pods=50")
        path = os.path.join(self.instance.directory, "own.kubeconfig")
        self.instance.sampan("cluster", "kubeconfig", "own", "--team", "crew", "--long-lived", "--output", path)
        cluster = Cluster("crew--own", path)
        cluster.apply(claim("data"))
        ann, vic = ({"SAMPAN_KUBECONFIG": self.member("crew", name)} for name in ("ann", "vic"))
        self.instance.sampan("cluster", "delete", "own", environment=ann)
        (kept,) = deleted(self.instance, "crew")
        self.assertIn(kept, self.instance.sampan("cluster", "list", "--deleted", "-o", "name", environment=vic).stdout)
        refused = self.instance.sampan("cluster", "undelete", "own", check=False, environment=vic)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("forbidden", refused.stderr)
        refused = self.instance.sampan("cluster", "delete", "own", "--now", check=False, environment=vic)
        self.assertNotEqual(refused.returncode, 0)
        # What the platform had granted is so again without being granted anew, and nothing else.
        self.instance.sampan("cluster", "undelete", "own", environment=ann)
        spec = root.request("GET", f"{GROUP}/namespaces/crew/virtualclusters/own").json["spec"]
        self.assertEqual((spec["podSecurity"], spec["limits"]["pods"]), ("privileged", 50))
        self.assertEqual(cluster.get("pvc/data")["metadata"]["name"], "data")
        # A quota holds for those that come back.
        self.instance.sampan("cluster", "delete", "own", environment=ann)
        self.instance.sampan("quota", "set", "storage=1Mi", "--team", "crew")
        refused = self.instance.sampan("cluster", "undelete", "own", check=False, environment=ann)
        self.assertIn("exceeded quota", refused.stderr)
        (kept,) = deleted(self.instance, "crew")
        # Nobody makes one.
        forged = root.request("POST", f"{GROUP}/namespaces/crew/deletedclusters", {
            "apiVersion": "sampan.dev/v1alpha1", "kind": "DeletedCluster", "metadata": {"name": "forged"}, "spec": {"clusterUID": "x"}})
        self.assertEqual(forged.code, 403)
        # A team takes them along.
        own = number(self.instance, "crew--own")
        self.assertTrue(rows(self.instance, own))
        self.instance.sampan("team", "delete", "crew", "--now")
        until(lambda: not rows(self.instance, own), "nothing is left of it")

    def test_a_kill_in_the_midst_leaves_one_or_the_other(self):
        root = self.instance.root()
        for attempt, delay in enumerate((0, 0.005, 0.01, 0.02, 0.05)):
            name = f"struck-{attempt}"
            cluster = self.filled(name)
            own = number(self.instance, name)
            with self.subTest(delay=delay, command="delete"):
                self.strike(delay, "cluster", "delete", name)
                until(lambda: (answer := root.request("GET", f"{CLUSTERS}/{name}")).code == 404 or "deletionTimestamp" not in answer.json["metadata"], "what was begun is finished")
                if root.request("GET", f"{CLUSTERS}/{name}").code == 200:
                    self.instance.sampan("cluster", "delete", name)
                self.assertEqual([c["spec"]["name"] for c in deleted(self.instance).values()], [name])
                self.assertTrue(rows(self.instance, own))
            with self.subTest(delay=delay, command="undelete"):
                self.strike(delay, "cluster", "undelete", name)
                until(lambda: (answer := root.request("GET", f"{CLUSTERS}/{name}")).code == 404 or answer.json.get("status", {}).get("phase") == "Ready", "what was begun is finished or undone")
                if root.request("GET", f"{CLUSTERS}/{name}").code == 404:
                    self.instance.sampan("cluster", "undelete", name)
                until(lambda: not deleted(self.instance), "it isn't among the deleted ones")
                self.assertEqual(cluster.get("secret/word")["data"]["word"], "c2hpYmJvbGV0aA==")
            with self.subTest(delay=delay, command="delete --now"):
                self.instance.sampan("cluster", "delete", name)
                self.strike(delay, "cluster", "delete", name, "--now")
                self.instance.sampan("cluster", "delete", name, "--now", "--ignore-not-found")
                until(lambda: not deleted(self.instance) and not rows(self.instance, own), "nothing is left")
            self.instance.clusters.pop(name)

    def strike(self, delay, *command):
        running = threading.Thread(target=lambda: self.instance.sampan(*command, check=False))
        running.start()
        time.sleep(delay)
        self.instance.kill()
        running.join()
        self.instance.up()


class UndeleteWithPods(unittest.TestCase):
    def test_volumes_keep_their_data_and_nothing_runs_meanwhile(self):
        instance = shared.instance()
        cluster = instance.cluster("harbour")
        cluster.apply(claim("data"))
        cluster.apply(mounting("web", "data", ["sh", "-c", "date >> /data/starts; sleep 3600"]))
        cluster.kubectl("expose", "pod/web", "--port=80", "--type=NodePort")
        cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
        cluster.kubectl("exec", "web", "--", "sh", "-c", "echo precious > /data/file; chmod 640 /data/file")
        pod, volume = cluster.get("pod/web"), cluster.get("pvc/data")["spec"]["volumeName"]
        own, uid, address = number(instance, "harbour"), pod["metadata"]["uid"], pod["status"]["podIP"]
        port = str(cluster.get("service/web")["spec"]["ports"][0]["nodePort"])
        rules = lambda: subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        instance.sampan("cluster", "delete", "harbour")
        until(lambda: not paths(instance, uid), "the pod's files are gone")
        until(lambda: f"{address} " not in rules() and f" {port} " not in rules(), "its rules are gone")
        self.assertTrue(os.path.exists(os.path.join(instance.directory, "volumes", str(own), volume, "file")))
        # Also when the server comes back and tidies up.
        instance.kill()
        instance.up()
        until(lambda: "node is ready" in instance.log(40), "it has tidied up")
        time.sleep(0.5)
        self.assertTrue(os.path.exists(os.path.join(instance.directory, "volumes", str(own), volume, "file")))
        instance.sampan("cluster", "undelete", "harbour")
        # An old kubeconfig.
        cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
        self.assertEqual(cluster.kubectl("exec", "web", "--", "cat", "/data/file").strip(), "precious")
        self.assertEqual(cluster.kubectl("exec", "web", "--", "stat", "-c", "%a", "/data/file").strip(), "640")
        self.assertEqual(len(cluster.kubectl("exec", "web", "--", "cat", "/data/starts").splitlines()), 2)
        until(lambda: port in rules(), "the node port is there")
        # Once more, and then for good: an expired one leaves nothing either.
        uid = cluster.get("pod/web")["metadata"]["uid"]
        instance.sampan("cluster", "delete", "harbour")
        kept = next(name for name, c in deleted(instance).items() if c["spec"]["name"] == "harbour")
        instance.root().kubectl("patch", "deletedcluster", kept, "--type=merge", "-p", '{"spec": {"expirationTime": "2020-01-01T00:00:00Z"}}')
        instance.clusters.pop("harbour")
        until(lambda: kept not in deleted(instance), "it is over")
        until(lambda: not rows(instance, own), "its rows are gone")
        until(lambda: not paths(instance, uid, volume), "its files are gone")
        until(lambda: not os.path.exists(os.path.join(instance.directory, "volumes", str(own))), "its volumes' directory is gone")
        until(lambda: f" {port} " not in rules(), "its rules are gone")


if __name__ == "__main__":
    unittest.main()
