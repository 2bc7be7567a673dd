"""What the conformance suite of v1.36 asks of scheduling and v1.20's, which can be run here, doesn't (docs/conformance.md). One test for each of its
tests, named as it is in the first line of its text."""

import json
import unittest

from harness import shared
from harness.cluster import pod
from harness.api_test import APITest
from harness.waiting import until

PODS = "/api/v1/namespaces/default/pods"
RESOURCE = "scheduling.k8s.io/foo"


class ConformanceScheduling(APITest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("conf-scheduling")
        cls.addClassCleanup(shared.instance().delete, "conf-scheduling")

    def test_collections_of_limit_ranges(self):
        """LimitRange should list, patch and delete a LimitRange by collection"""
        self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "other"}}, 201)
        selector = "labelSelector=limits%3De2e"
        for namespace in ("default", "other"):
            self.ask("POST", f"/api/v1/namespaces/{namespace}/limitranges", {"metadata": {"name": "limits", "labels": {"limits": "e2e"}}, "spec": {"limits": [{
                "type": "Container", "min": {"cpu": "50m"}, "max": {"cpu": "500m"}, "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "50m"},
                "maxLimitRequestRatio": {"cpu": "10"}}]}}, 201)
        self.assertEqual(len(self.ask("GET", f"/api/v1/namespaces/default/limitranges?{selector}")["items"]), 1)
        self.assertEqual(len(self.ask("GET", f"/api/v1/limitranges?{selector}")["items"]), 2)
        patched = self.patch("/api/v1/namespaces/default/limitranges/limits", {
            "metadata": {"labels": {"limits": "patched"}}, "spec": {"limits": [{
                "type": "Container", "min": {"cpu": "40m"}, "max": {"cpu": "500m"}, "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "40m"}}]}},
            self.STRATEGIC)
        self.assertEqual((patched["metadata"]["labels"]["limits"], patched["spec"]["limits"][0]["min"]), ("patched", {"cpu": "40m"}))
        self.ask("DELETE", "/api/v1/namespaces/default/limitranges?labelSelector=limits%3Dpatched")
        self.assertEqual(self.ask("GET", "/api/v1/namespaces/default/limitranges")["items"], [])
        self.assertEqual(len(self.ask("GET", f"/api/v1/limitranges?{selector}")["items"]), 1)

    def test_preempted_pods_say_so(self):
        """SchedulerPreemption validates pod disruption condition is added to the preempted pod"""
        for name, value in (("low", 1), ("high", 1000)):
            self.ask("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": name}, "value": value}, 201)
        node = self.ask("GET", "/api/v1/nodes")["items"][0]["metadata"]["name"]
        self.patch(f"/api/v1/nodes/{node}/status", [{"op": "add", "path": "/status/capacity/scheduling.k8s.io~1foo", "value": "1"}], self.JSON_PATCH)
        until(lambda: self.ask("GET", f"/api/v1/nodes/{node}")["status"]["allocatable"].get(RESOURCE) == "1", "the node has the resource to give")

        def needing(name, priority, **metadata):
            body = pod(name, ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"], priorityClassName=priority)
            body["metadata"].update(metadata)
            body["spec"]["containers"][0]["resources"] = {kind: {RESOURCE: "1"} for kind in ("requests", "limits")}
            self.ask("POST", PODS, body, 201)
            return f"{PODS}/{name}"

        victim = needing("victim", "low", finalizers=["example.com/test-finalizer"])
        until(lambda: self.ask("GET", victim)["status"].get("phase") == "Running", "the victim runs")
        preemptor = needing("preemptor", "high")
        found = until(lambda: self.condition(self.ask("GET", victim), "DisruptionTarget"), "the victim says that it's disrupted")
        self.assertEqual((found["status"], found["reason"]), ("True", "PreemptionByScheduler"))
        self.assertRegex(found["message"], "^default-scheduler: preempting to accommodate a higher priority pod$")
        self.assertIn("deletionTimestamp", self.ask("GET", victim)["metadata"])
        self.patch(victim, {"metadata": {"finalizers": None}})
        self.gone(victim)
        until(lambda: self.ask("GET", preemptor)["status"].get("phase") == "Running", "the other runs in its place")

    def test_each_is_preempted_once(self):
        """SchedulerPreemption PreemptionExecutionPath runs ReplicaSets to verify preemption running path"""
        node = self.ask("GET", "/api/v1/nodes")["items"][0]["metadata"]["name"]
        amounts = {"example.com/fakecpu": "1000"}
        self.patch(f"/api/v1/nodes/{node}/status", {"status": {"capacity": amounts, "allocatable": amounts}}, self.STRATEGIC)

        def needing(priority, amount):
            self.ask("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": f"p{priority}"}, "value": priority}, 201)
            body = pod(f"pod{priority}", ["sleep", "10000"], priorityClassName=f"p{priority}", terminationGracePeriodSeconds=1)
            body["metadata"]["labels"] = {"name": f"pod{priority}"}
            body["spec"]["containers"][0]["resources"] = {kind: {"example.com/fakecpu": str(amount)} for kind in ("requests", "limits")}
            return body

        sets = "/apis/apps/v1/namespaces/default/replicasets"
        version = self.ask("GET", PODS)["metadata"]["resourceVersion"]
        for priority, amount in ((1, 200), (2, 300), (3, 450)):
            template = needing(priority, amount)
            name = f"rs-pod{priority}"
            self.ask("POST", sets, {"metadata": {"name": name}, "spec": {
                "selector": {"matchLabels": template["metadata"]["labels"]}, "template": {key: template[key] for key in ("metadata", "spec")}}}, 201)
            self.addCleanup(self.cluster.request, "DELETE", f"{sets}/{name}")
            until(lambda: self.ask("GET", f"{sets}/{name}")["status"].get("availableReplicas") == 1, f"{name} has its pod")
        self.ask("POST", PODS, needing(4, 500), 201)
        # The two that go are made anew at once, and must not have the room that was made.
        until(lambda: self.ask("GET", f"{PODS}/pod4")["status"].get("phase") == "Running", "the most important one runs")
        events = [json.loads(line) for line in self.cluster.request(
            "GET", f"{PODS}?watch=1&timeoutSeconds=3&resourceVersion={version}").body.decode().splitlines()]
        made = [event["object"]["metadata"]["name"] for event in events if event["type"] == "ADDED"]
        self.assertEqual([sum(name.startswith(f"rs-pod{number}-") for name in made) for number in (1, 2, 3)], [2, 2, 1], made)


if __name__ == "__main__":
    unittest.main()
