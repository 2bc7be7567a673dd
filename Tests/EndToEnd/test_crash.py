"""kill -9 at any moment, under write load: nothing that was acknowledged is lost, and nothing that was deleted comes back."""

import http.client
import os
import random
import ssl
import threading
import time
import unittest

from harness import shared

MAPS = "/api/v1/namespaces/default/configmaps"
ROUNDS = int(os.environ.get("SAMPAN_E2E_CRASHES", "8"))


class Writer(threading.Thread):
    """Creates, updates and deletes config maps, and keeps what the server acknowledged.

    An unanswered write may have happened or not, so its object is `unsure` until it is written again.
    """

    def __init__(self, cluster, number):
        super().__init__()
        self.cluster, self.number = cluster, number
        self.present, self.absent, self.unsure, self.acknowledged, self.stop = {}, set(), set(), 0, False
        self.unexpected = []

    def run(self):
        connection = self.cluster.connect(timeout=20)
        count = 0
        chance = random.Random(self.number)
        while not self.stop:
            count += 1
            kind = chance.choice(("create", "create", "update", "delete"))
            name = f"w{self.number}-{time.time_ns()}"
            if kind != "create":
                if not self.present:
                    continue
                name = chance.choice(list(self.present))
            value = str(count)
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": value, "fill": "x" * 400}}
            try:
                if kind == "create":
                    answer, expected = connection.request("POST", MAPS, body), 201
                elif kind == "update":
                    answer, expected = connection.request("PUT", f"{MAPS}/{name}", body), 200
                else:
                    answer, expected = connection.request("DELETE", f"{MAPS}/{name}"), 200
            except (OSError, http.client.HTTPException, ssl.SSLError):
                self.present.pop(name, None)
                self.unsure.add(name)
                return
            if answer.code != expected:
                self.unexpected.append(f"{kind} {name}: {answer}")
                return
            self.acknowledged += 1
            if kind == "delete":
                del self.present[name]
                self.absent.add(name)
            else:
                self.present[name] = value
        connection.close()


class Crash(unittest.TestCase):
    def test_kill_under_write_load(self):
        instance = shared.new("crash", containers=False)
        clusters = [instance.cluster(name) for name in ("one", "two")]
        expected = {cluster.name: ({}, set(), set()) for cluster in clusters}
        total = 0
        for round in range(ROUNDS):
            writers = [Writer(clusters[i % 2], round * 10 + i) for i in range(6)]
            for writer in writers:
                writer.start()
            time.sleep(random.uniform(0.2, 2))
            instance.kill()
            for writer in writers:
                writer.stop = True
            for writer in writers:
                writer.join()
                self.assertEqual(writer.unexpected, [])
                present, absent, unsure = expected[writer.cluster.name]
                present.update(writer.present)
                absent |= writer.absent
                unsure |= writer.unsure
                total += writer.acknowledged
            instance.up()
            for cluster in clusters:
                present, absent, unsure = expected[cluster.name]
                items = cluster.request("GET", MAPS).json["items"]
                found = {item["metadata"]["name"]: item.get("data", {}).get("value") for item in items}
                lost = {name: value for name, value in present.items() if found.get(name) != value}
                self.assertEqual(lost, {}, f"round {round}: {len(lost)} acknowledged writes of {total} are lost")
                back = (absent - unsure) & set(found)
                self.assertEqual(back, set(), f"round {round}: deleted objects came back")
                strange = set(found) - set(present) - unsure - {"kube-root-ca.crt"}
                self.assertEqual(strange, set(), f"round {round}: objects that nobody made")
        self.assertGreater(total, 20 * ROUNDS, "there was hardly any load")
        print(f"        {total} acknowledged writes over {ROUNDS} kills, all present")
        versions = [int(item["metadata"]["resourceVersion"]) for item in clusters[0].request("GET", MAPS).json["items"]]
        self.assertEqual(len(versions), len(set(versions)), "two objects share a resourceVersion")
        instance.stop()
        shared.forget(instance)

    def test_clusters_created_under_kill(self):
        """A cluster whose creation was acknowledged is there, whole, after a kill; none is there by half."""
        instance = shared.new("crash-make", containers=False)
        root, path = instance.root(), "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters"
        acknowledged = set()
        for round in range(3):
            done = threading.Event()

            def create():
                connection = root.connect(timeout=20)
                for i in range(10000):
                    name = f"r{round}-{i}"
                    try:
                        answer = connection.request("POST", path, {
                            "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": {"name": name}, "spec": {}})
                    except (OSError, http.client.HTTPException, ssl.SSLError):
                        break
                    self.assertEqual(answer.code, 201, answer)
                    acknowledged.add(name)
                done.set()

            thread = threading.Thread(target=create)
            thread.start()
            time.sleep(random.uniform(0.3, 1))
            instance.kill()
            done.wait(30)
            thread.join()
            instance.up()
            names = {item["metadata"]["name"] for item in root.request("GET", path).json["items"]}
            self.assertEqual(acknowledged - names, set())
        self.assertGreater(len(acknowledged), 0)
        for name in sorted(acknowledged)[:3] + sorted(acknowledged)[-3:]:
            self.assertEqual(instance.cluster(name).request("GET", "/api/v1/namespaces/default").code, 200)
        instance.stop()
        shared.forget(instance)
