"""A cluster that is deleted for good leaves nothing: no row, no key, no file, no rule, no container. Also when the server is killed in the midst of it."""

import os
import sqlite3
import subprocess
import threading
import time
import unittest

from harness import shared
from harness.holdings import cgroups
from harness.waiting import until

from test_storage import claim, mounting

CLUSTERS = "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters"


def rows(instance, cluster):
    """What the database has of a cluster, by table."""
    store = sqlite3.connect(f"file:{instance.directory}/store/store.sqlite?mode=ro", uri=True)
    try:
        tables = {"clusters": "id", "records": "cluster", "objects": "cluster", "clusterKeys": "cluster", "garbage": "cluster"}
        counts = {table: store.execute(f"SELECT count(*) FROM {table} WHERE {column} = ?", (cluster,)).fetchone()[0] for table, column in tables.items()}
        return {table: count for table, count in counts.items() if count}
    finally:
        store.close()


def number(instance, name):
    """The logical cluster's."""
    store = sqlite3.connect(f"file:{instance.directory}/store/store.sqlite?mode=ro", uri=True)
    try:
        found = store.execute("SELECT id FROM clusters WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None
    finally:
        store.close()


def paths(instance, *words):
    """What in the data directory has one of the words in its path, but for logs."""
    found = []
    for folder, folders, files in os.walk(instance.directory):
        found += [os.path.join(folder, name) for name in folders + files if any(word in name for word in words)]
    return found


class ClusterDelete(unittest.TestCase):
    def test_nothing_is_left_of_a_cluster_with_pods_and_volumes(self):
        instance = shared.instance()
        cluster = instance.cluster("doomed")
        cluster.kubectl("create", "secret", "generic", "word", "--from-literal=word=shibboleth")
        cluster.apply(claim("data"))
        cluster.apply(mounting("web", "data", ["sh", "-c", "echo doomed-data > /data/file; sleep 3600"]))
        cluster.kubectl("expose", "pod/web", "--port=80", "--type=NodePort")
        cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
        pod, volume = cluster.get("pod/web"), cluster.get("pvc/data")["spec"]["volumeName"]
        own, uid, address = number(instance, "doomed"), pod["metadata"]["uid"], pod["status"]["podIP"]
        port = str(cluster.get("service/web")["spec"]["ports"][0]["nodePort"])
        rules = lambda: subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        # What is looked for is there to be found.
        self.assertEqual(set(rows(instance, own)), {"clusters", "records", "objects", "clusterKeys"})
        self.assertTrue(paths(instance, uid))
        self.assertTrue(paths(instance, volume))
        until(lambda: address in rules() and port in rules(), "there are rules for it")
        instance.delete("doomed", "--now", "--wait")
        self.assertEqual(instance.root().request("GET", f"{CLUSTERS}/doomed").code, 404)
        # Nothing of its pods runs when that is said.
        self.assertEqual([path for path in cgroups(instance) if uid in path or uid.replace("-", "_") in path], [])
        self.assertEqual(cluster.request("GET", "/api").code, 401)
        until(lambda: not rows(instance, own), "its rows are gone")
        until(lambda: not paths(instance, uid, volume), "its files are gone")
        until(lambda: not os.path.exists(os.path.join(instance.directory, "volumes", str(own))), "its volumes' directory is gone")
        until(lambda: f"{address} " not in rules() and f" {port} " not in rules(), "its rules are gone")

    def test_a_kill_in_the_midst_ends_in_nothing_or_all(self):
        instance = shared.new("undone", containers=False)
        for attempt, delay in enumerate((0, 0.01, 0.02, 0.05, 0.1)):
            name = f"struck-{attempt}"
            cluster = instance.cluster(name)
            for index in range(3):
                cluster.kubectl("create", "configmap", f"m{index}")
            own = number(instance, name)
            running = threading.Thread(target=lambda: instance.sampan("cluster", "delete", name, "--now", check=False))
            running.start()
            time.sleep(delay)
            instance.kill()
            running.join()
            instance.up()
            with self.subTest(delay=delay):
                root = instance.root()
                answer = root.request("GET", f"{CLUSTERS}/{name}")
                if answer.code == 200 and "deletionTimestamp" not in answer.json["metadata"]:
                    # The request didn't come through: it is all there.
                    self.assertEqual(len(cluster.get("configmaps")["items"]), 4)
                    instance.sampan("cluster", "delete", name, "--now")
                until(lambda: root.request("GET", f"{CLUSTERS}/{name}").code == 404, "the deletion is finished")
                until(lambda: not rows(instance, own), "its rows are gone")
                # The name is free, and the new cluster has nothing of the old one.
                instance.clusters.pop(name)
                self.assertEqual([m["metadata"]["name"] for m in instance.cluster(name).get("configmaps")["items"]], ["kube-root-ca.crt"])

    def test_a_kill_while_clusters_are_made_leaves_whole_ones(self):
        instance = shared.new("unmade", containers=False)
        for attempt, delay in enumerate((0, 0.01, 0.03, 0.1)):
            names = [f"new-{attempt}-{index}" for index in range(8)]
            running = threading.Thread(target=lambda: instance.sampan("cluster", "create", *names, "--no-wait", check=False))
            running.start()
            time.sleep(delay)
            instance.kill()
            running.join()
            instance.up()
            with self.subTest(delay=delay):
                root = instance.root()
                objects = lambda: {c["metadata"]["name"]: c for c in root.request("GET", CLUSTERS).json["items"]}
                until(lambda: all(c["status"]["phase"] == "Ready" for c in objects().values()), "those that were asked for are ready")
                for name, made in objects().items():
                    self.assertEqual(len(instance.cluster(name).get("namespaces")["items"]), 4)
                    self.assertIsNotNone(number(instance, name))
                self.assertEqual({n for n in names if number(instance, n)}, {n for n in names if n in objects()})


if __name__ == "__main__":
    unittest.main()
