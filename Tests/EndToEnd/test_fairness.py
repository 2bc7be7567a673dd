"""What one cluster may use, as the platform says on its object; and priority and fairness inside a cluster, as clients see them."""

import json
import unittest

from harness import shared
from harness.cluster import Connection
from harness.waiting import until

MAPS = "/api/v1/namespaces/default/configmaps"
FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"


def config_map(name, size=1):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "x" * size}}


class Fairness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("fair", containers=False)
        cls.root = cls.instance.root()
        cls.cluster = cls.instance.cluster("fair")

    def limit(self, name, **limits):
        self.root.kubectl("patch", "virtualcluster", name, "--type=merge", "-p", json.dumps({"spec": {"limits": limits}}))

    def test_the_platform_limits_a_cluster_and_the_message_says_so(self):
        cluster = self.instance.cluster("small")
        self.limit("small", objects=100, requestBytes=4096)
        last = None
        for number in range(110):
            last = cluster.request("POST", MAPS, config_map(f"m{number}"))
        self.assertEqual((last.code, last.json["reason"]), (403, "Forbidden"), last)
        self.assertIn("the cluster's limit of 100 objects is reached; delete something, or have spec.limits.objects of its VirtualCluster raised",
                      last.json["message"])
        self.assertIn("limit of 100 objects", cluster.kubectl("create", "configmap", "one-more", check=False).stderr)
        self.assertEqual(cluster.request("POST", MAPS, config_map("large", 5000)).code, 413)
        # Others have their own limits.
        self.assertEqual(self.cluster.request("POST", MAPS, config_map("large", 5000)).code, 201)
        # A raised limit counts from the next request on.
        self.limit("small", objects=1000, requestBytes=None)
        self.assertEqual(cluster.request("POST", MAPS, config_map("large", 5000)).code, 201)

    def test_requests_a_second(self):
        cluster = self.instance.cluster("slow")
        self.limit("slow", requestsPerSecond=5)
        connection = cluster.connect()
        answers = [connection.request("GET", MAPS) for _ in range(20)]
        connection.close()
        refused = [answer for answer in answers if answer.code == 429]
        self.assertTrue(refused and len(refused) < 20, answers)
        self.assertEqual(refused[0].headers["Retry-After"], "1")
        self.assertIn("limit of 5 requests a second", refused[0].json["message"])
        # kubectl waits and tries again.
        cluster.kubectl("get", "configmaps")

    def test_senseless_limits_are_refused(self):
        result = self.root.kubectl(
            "patch", "virtualcluster", "fair", "--type=merge", "-p", '{"spec":{"limits":{"objects":0}}}', check=False)
        self.assertIn("spec.limits.objects: Invalid value: 0: must be between 100 and 10000000", result.stderr)

    def test_every_cluster_has_upstreams_levels_and_schemas(self):
        cluster = self.instance.cluster("new")
        levels = {item["metadata"]["name"]: item for item in cluster.get("prioritylevelconfigurations")["items"]}
        self.assertEqual(set(levels), {"catch-all", "exempt", "global-default", "leader-election", "node-high", "system",
                                       "workload-high", "workload-low"})
        self.assertEqual(levels["workload-low"]["spec"]["limited"]["nominalConcurrencyShares"], 100)
        schemas = {item["metadata"]["name"]: item for item in cluster.get("flowschemas")["items"]}
        self.assertEqual(len(schemas), 11)
        self.assertEqual(schemas["probes"]["spec"]["matchingPrecedence"], 2)
        for schema in schemas.values():
            self.assertEqual([(c["type"], c["status"]) for c in schema["status"]["conditions"]], [("Dangling", "False")])
        self.assertRegex(cluster.kubectl("get", "flowschemas"), r"(?m)^probes +exempt +2 +<none> +\S+ +False$")

    def test_responses_say_to_which_schema_a_request_belonged(self):
        self.cluster.kubectl("create", "serviceaccount", "robot")
        token = self.cluster.kubectl("create", "token", "robot").strip()
        for credential, schema, level in (({}, "exempt", "exempt"), ({"token": token, "certificate": None}, "service-accounts", "workload-low")):
            connection = self.cluster.connect(**credential)
            answer = connection.request("GET", "/api")
            connection.close()
            self.assertEqual(answer.headers["X-Kubernetes-PF-FlowSchema-UID"],
                             self.cluster.get("flowschema", schema)["metadata"]["uid"])
            self.assertEqual(answer.headers["X-Kubernetes-PF-PriorityLevel-UID"],
                             self.cluster.get("prioritylevelconfiguration", level)["metadata"]["uid"])

    def test_a_schema_without_its_level_says_so(self):
        schema = {
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", "metadata": {"name": "dangling"},
            "spec": {"priorityLevelConfiguration": {"name": "later"}, "matchingPrecedence": 5,
                     "rules": [{"subjects": [{"kind": "User", "user": {"name": "nobody"}}],
                                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}]}}
        self.cluster.apply(schema)

        def condition():
            found = self.cluster.get("flowschema", "dangling").get("status", {}).get("conditions")
            return found and (found[0]["status"], found[0]["reason"], found[0]["message"])

        text = 'This FlowSchema references the PriorityLevelConfiguration object named "later" '
        until(lambda: condition() == ("True", "NotFound", text + "but there is no such object"), "the schema dangles")
        self.cluster.apply({
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration", "metadata": {"name": "later"},
            "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}}})
        until(lambda: condition() == ("False", "Found", text + "and it exists"), "the schema has its level")

    def test_the_servers_own_objects_are_kept(self):
        cluster = self.instance.cluster("kept")
        before = cluster.get("flowschema", "exempt")
        cluster.kubectl("delete", "flowschema", "exempt")
        until(lambda: cluster.kubectl("get", "flowschema", "exempt", check=False).returncode == 0, "the schema is back")
        after = cluster.get("flowschema", "exempt")
        self.assertEqual(after["spec"], before["spec"])
        self.assertNotEqual(after["metadata"]["uid"], before["metadata"]["uid"])
        shares = lambda: cluster.get("prioritylevelconfiguration", "workload-low")["spec"]["limited"]["nominalConcurrencyShares"]
        patch = '{"spec":{"limited":{"nominalConcurrencyShares":7}}}'
        cluster.kubectl("patch", "prioritylevelconfiguration", "workload-low", "--type=merge", "-p", patch)
        until(lambda: shares() == 100, "the level is as it was")
        # Whoever says that it is theirs keeps what they write.
        cluster.kubectl("annotate", "prioritylevelconfiguration", "workload-low", "--overwrite", "apf.kubernetes.io/autoupdate-spec=false")
        cluster.kubectl("patch", "prioritylevelconfiguration", "workload-low", "--type=merge", "-p", patch)
        self.assertEqual(shares(), 7)
