"""What `make up` does, against an instance of the tests' own."""

import json
import os
import subprocess
import unittest

from harness import settings, shared
from harness.cluster import Cluster


class Demo(unittest.TestCase):
    def run_demo(self, instance):
        result = subprocess.run(
            [os.path.join(settings.repository, "scripts", "demo")], capture_output=True, text=True, timeout=300,
            env={**os.environ, "SAMPAN": settings.binary, "SAMPAN_DATA_DIR": instance.directory, "SAMPAN_CACHE": settings.cache})
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def test_1_deploys_a_service_that_answers(self):
        instance = shared.instance()
        output = self.run_demo(instance)
        self.assertIn("version 1 from web-", output)
        for word in ("cluster", "image", "deploy"):
            self.assertRegex(output, rf"(?m)^\s*{word}\b.*\d (ms|s)")
        self.assertEqual(output.count("  kubectl ") + output.count(" cluster create "), 3, output)

        demo = Cluster("demo", os.path.join(instance.directory, "demo.kubeconfig"))
        pods = demo.get("pods", "-l", "app=web")["items"]
        self.assertEqual(len(pods), 2)
        self.assertTrue(all(pod["status"]["phase"] == "Running" for pod in pods))
        answers = {demo.fetch_until(f"pod/{pods[0]['metadata']['name']}", "http://web") for _ in range(20)}
        self.assertEqual(len(answers), 2, f"both replicas should answer: {answers}")

    def test_2_does_only_what_is_missing_the_second_time(self):
        instance = shared.instance()
        demo = Cluster("demo", os.path.join(instance.directory, "demo.kubeconfig"))
        before = {pod["metadata"]["uid"] for pod in demo.get("pods")["items"]}
        self.run_demo(instance)
        self.assertEqual({pod["metadata"]["uid"] for pod in demo.get("pods")["items"]}, before)

    def test_3_shows_upstreams_columns(self):
        demo = Cluster("demo", os.path.join(shared.instance().directory, "demo.kubeconfig"))
        columns = {
            "pods": "NAME READY STATUS RESTARTS AGE",
            "deployments": "NAME READY UP-TO-DATE AVAILABLE AGE",
            "replicasets": "NAME DESIRED CURRENT READY AGE",
            "services": "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE",
            "nodes": "NAME STATUS ROLES AGE VERSION",
            "namespaces": "NAME STATUS AGE",
            "configmaps": "NAME DATA AGE",
            "endpointslices": "NAME ADDRESSTYPE PORTS ENDPOINTS AGE",
        }
        for resource, expected in columns.items():
            with self.subTest(resource):
                heading = demo.kubectl("get", resource).splitlines()[0]
                self.assertEqual(heading.split(), expected.split())

    def test_4_has_a_node_with_true_capacity(self):
        demo = Cluster("demo", os.path.join(shared.instance().directory, "demo.kubeconfig"))
        nodes = demo.get("nodes")["items"]
        self.assertEqual(len(nodes), 1)
        self.assertEqual(nodes[0]["status"]["capacity"]["cpu"], str(os.cpu_count()))
        kilobytes = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal")))
        memory = nodes[0]["status"]["capacity"]["memory"]
        self.assertEqual(memory, f"{kilobytes}Ki")

    def test_5_is_a_cluster_object_of_the_platform(self):
        root = shared.instance().root()
        cluster = root.get("virtualclusters.sampan.dev", "demo")
        self.assertEqual(cluster["status"]["phase"], "Ready")
        conditions = {c["type"]: c["status"] for c in cluster["status"]["conditions"]}
        self.assertEqual(conditions.get("Ready"), "True")
        listed = json.loads(shared.instance().sampan("cluster", "list", "-o", "json").stdout)
        self.assertIn("demo", [item["metadata"]["name"] for item in listed["items"]])
