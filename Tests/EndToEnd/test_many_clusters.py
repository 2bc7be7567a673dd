"""1,000 clusters created, listed, used and deleted."""

import concurrent.futures
import os
import time
import unittest

from harness import shared
from harness.cluster import Cluster
from harness.waiting import until

COUNT = int(os.environ.get("SAMPAN_E2E_CLUSTERS", "1000"))
PATH = "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters"
MAPS = "/api/v1/namespaces/default/configmaps"


class ManyClusters(unittest.TestCase):
    def test_created_listed_used_and_deleted(self):
        instance = shared.new("many", containers=False)
        root = instance.root()
        names = [f"c{i:04}" for i in range(COUNT)]

        def each(work, workers=4):
            """Does `work(connection, name)` for all names, on a few kept connections."""
            def some(part):
                connection = root.connect()
                try:
                    for name in part:
                        work(connection, name)
                finally:
                    connection.close()
            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(workers) as pool:
                for future in [pool.submit(some, names[i::workers]) for i in range(workers)]:
                    future.result()
            return time.monotonic() - began

        def create(connection, name):
            answer = connection.request("POST", PATH, {
                "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": {"name": name}, "spec": {}})
            self.assertEqual(answer.code, 201, answer)

        took = each(create)
        until(lambda: all(item.get("status", {}).get("phase") == "Ready" for item in root.request("GET", PATH).json["items"]),
              "every cluster is ready")
        items = root.request("GET", PATH).json["items"]
        self.assertEqual({item["metadata"]["name"] for item in items}, set(names))
        self.assertEqual(len(instance.sampan("cluster", "list", "-o", "name").stdout.split()), COUNT)
        memory = instance.status()["residentKilobytes"]
        print(f"        {COUNT} clusters made in {took:.1f} s; the server holds {memory // 1024} MiB")

        def use(connection, name):
            """Each by its own credentials: one object that no other has."""
            answer = connection.request("POST", f"{PATH}/{name}/kubeconfig", {})
            self.assertIn(answer.code, (200, 201), answer)
            path = os.path.join(instance.directory, f"{name}.test.kubeconfig")
            with open(path, "w") as file:
                file.write(answer.json["kubeconfig"])
            cluster = Cluster(name, path)
            own = cluster.connect()
            made = own.request("POST", MAPS, {
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"only-{name}"}, "data": {"cluster": name}})
            self.assertEqual(made.code, 201, made)
            found = {item["metadata"]["name"] for item in own.request("GET", MAPS).json["items"]}
            self.assertEqual(found - {"kube-root-ca.crt"}, {f"only-{name}"})
            self.assertEqual(own.request("GET", "/api/v1/namespaces/kube-system").code, 200)
            own.close()
            for part in cluster.certificate or ():
                os.unlink(part)
            os.unlink(path)

        took = each(use)
        print(f"        {COUNT} clusters used in {took:.1f} s")

        def delete(connection, name):
            answer = connection.request("DELETE", f"{PATH}/{name}")
            self.assertIn(answer.code, (200, 202), answer)

        took = each(delete)
        until(lambda: not root.request("GET", PATH).json["items"], "every cluster is gone")
        print(f"        {COUNT} clusters deleted in {took:.1f} s")
        instance.stop()
        shared.forget(instance)

    def test_names_are_checked(self):
        root = shared.instance().root()
        for name in ("Upper", "a_b", "-a", "a" * 64, "", "a.b/c"):
            with self.subTest(name):
                answer = root.request("POST", PATH, {
                    "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": {"name": name}, "spec": {}})
                self.assertEqual(answer.code, 422, answer)
        answer = root.request("POST", PATH, {
            "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": {"name": "root"}, "spec": {}})
        self.assertIn(answer.code, (403, 409, 422), answer)

    def test_kubeconfig_of_a_cluster_that_is_not_there(self):
        self.assertEqual(shared.instance().root().request("POST", f"{PATH}/nothing/kubeconfig", {}).code, 404)
