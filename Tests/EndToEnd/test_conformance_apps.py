"""What the conformance suite of v1.36 asks of workloads and v1.20's, which can be run here, doesn't: with pods (docs/conformance.md). One test for
each of its tests, named as it is in the first line of its text. Those of jobs are in test_conformance_jobs."""

import json
import time
import unittest

from harness import lifecycle, shared
from harness.api_test import APITest
from harness.waiting import until

APPS = "/apis/apps/v1/namespaces/default"
WEB = "sampan.dev/sample/web:1"
CUSTOM = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e test"}


def template(label, **spec):
    return {"metadata": {"labels": {"app": label}}, "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": WEB, "imagePullPolicy": "IfNotPresent"}], **spec}}


def workload(name, replicas=1, **spec):
    return {"metadata": {"name": name, "labels": {"e2e": name}}, "spec": {
        **({"replicas": replicas} if replicas is not None else {}), "selector": {"matchLabels": {"app": name}}, "template": template(name), **spec}}


class ConformanceApps(APITest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("conformance-apps")
        cls.addClassCleanup(shared.instance().delete, "conformance-apps")

    def make(self, plural, body, ready=None):
        """The path of a new workload, whose status has `ready` as it is here when this returns."""
        self.ask("POST", f"{APPS}/{plural}", body, 201)
        own = f"{APPS}/{plural}/{body['metadata']['name']}"
        self.addCleanup(self.cluster.request, "DELETE", own)
        for field, number in (ready or {}).items():
            until(lambda: self.ask("GET", own).get("status", {}).get(field) == number, f"{own} has {number} {field}")
        return own

    def status_endpoints(self, own):
        """Reads, updates and patches a workload's status. What the test writes has to be seen by the watch, since a controller may write soon after."""
        self.assertEqual(self.ask("GET", f"{own}/status")["metadata"]["uid"], self.ask("GET", own)["metadata"]["uid"])
        updated = self.changed(f"{own}/status", lambda tree: tree["status"].setdefault("conditions", []).append({**CUSTOM, "lastTransitionTime": None}))
        self.assertLessEqual(CUSTOM.items(), self.condition(updated, "StatusUpdate").items())
        # A custom condition stays; a merge patch replaces them all.
        patched = self.patch(f"{own}/status", {
            "metadata": {"annotations": {"patchedstatus": "true"}},
            "status": {"conditions": [{"type": "StatusPatched", "status": "True", "lastTransitionTime": None}]}})
        self.assertEqual(self.condition(patched, "StatusPatched")["status"], "True")
        self.assertIsNone(self.condition(patched, "StatusUpdate"))
        self.assertEqual(patched["metadata"]["annotations"]["patchedstatus"], "true")
        path, name = own.rsplit("/", 1)
        version = int(updated["metadata"]["resourceVersion"]) - 1
        answer = self.cluster.request("GET", f"{path}?watch=1&timeoutSeconds=1&resourceVersion={version}&fieldSelector=metadata.name%3D{name}")
        events = [json.loads(line) for line in answer.body.decode().splitlines()]
        for kind in ("StatusUpdate", "StatusPatched"):
            self.assertTrue([e for e in events if e["type"] == "MODIFIED" and self.condition(e["object"], kind)], kind)

    def scaled(self, own):
        """Reads, updates and patches a workload's scale."""
        scale = self.ask("GET", f"{own}/scale")
        self.assertEqual((scale["kind"], scale["apiVersion"], scale["spec"]["replicas"]), ("Scale", "autoscaling/v1", 1))
        scale["metadata"].pop("resourceVersion")
        scale["spec"]["replicas"] = 2
        self.assertEqual(self.ask("PUT", f"{own}/scale", scale)["spec"]["replicas"], 2)
        self.assertEqual(self.ask("GET", own)["spec"]["replicas"], 2)
        until(lambda: self.ask("GET", f"{own}/scale")["status"]["replicas"] == 2, f"{own} has two pods")
        patched = self.patch(f"{own}/scale", {"spec": {"replicas": 4}}, self.STRATEGIC)
        self.assertEqual(patched["spec"]["replicas"], 4)
        self.assertEqual(self.ask("GET", own)["spec"]["replicas"], 4)

    def collected(self, plural, selector):
        """Lists a kind over all namespaces, and deletes it by its label."""
        group, path = ("/api/v1", "/api/v1/namespaces/default") if plural == "replicationcontrollers" else ("/apis/apps/v1", APPS)
        names = {item["metadata"]["name"] for item in self.ask("GET", f"{group}/{plural}?labelSelector={selector}")["items"]}
        self.ask("DELETE", f"{path}/{plural}?labelSelector={selector}", {"gracePeriodSeconds": 1})
        # A replication controller's pods are let go of first: a finalizer that takes a moment.
        until(lambda: not self.ask("GET", f"{group}/{plural}?labelSelector={selector}")["items"], f"the {plural} are gone")
        return names

    # The container that upstream's patches add: a new one comes before those that were there.
    SECOND = {"name": "second", "image": "sampan.dev/sample/web:2", "imagePullPolicy": "IfNotPresent", "env": [{"name": "PORT", "value": "8081"}]}

    # Deployments, replica sets and replication controllers

    def test_scale_of_deployments(self):
        """Deployment Deployment should have a working scale subresource"""
        self.scaled(self.make("deployments", workload("test-new-deployment"), {"readyReplicas": 1}))

    def test_status_of_deployments(self):
        """Deployment should validate Deployment Status endpoints"""
        self.status_endpoints(self.make("deployments", workload("test-deployment-status"), {"readyReplicas": 1}))

    def test_scale_of_replica_sets(self):
        """ReplicaSet Replicaset should have a working scale subresource"""
        self.scaled(self.make("replicasets", workload("test-rs-scale"), {"readyReplicas": 1}))

    def test_status_of_replica_sets(self):
        """ReplicaSet should validate Replicaset Status endpoints"""
        self.status_endpoints(self.make("replicasets", workload("test-rs-status"), {"readyReplicas": 1}))

    def test_collections_of_replica_sets(self):
        """ReplicaSet should list and delete a collection of ReplicaSets"""
        self.make("replicasets", workload("test-rs-collection", 3), {"readyReplicas": 3})
        self.assertEqual(self.collected("replicasets", "e2e%3Dtest-rs-collection"), {"test-rs-collection"})
        until(lambda: not self.ask("GET", "/api/v1/namespaces/default/pods?labelSelector=app%3Dtest-rs-collection")["items"], "its pods are gone")

    def test_replica_sets_are_replaced(self):
        """ReplicaSet Replace and Patch tests"""
        own = self.make("replicasets", workload("test-rs"), {"availableReplicas": 1})
        def raise_to_two(tree):
            tree["spec"]["replicas"] = 2
        self.changed(own, raise_to_two)
        until(lambda: self.ask("GET", own)["status"].get("availableReplicas") == 2, "two are available")
        patched = self.patch(own, {
            "metadata": {"labels": {"test-rs": "patched"}},
            "spec": {"replicas": 3, "template": {"spec": {"terminationGracePeriodSeconds": 0, "containers": [self.SECOND]}}}}, self.STRATEGIC)
        self.assertEqual((patched["metadata"]["labels"]["test-rs"], patched["spec"]["replicas"]), ("patched", 3))
        until(lambda: self.ask("GET", own)["status"].get("readyReplicas") == 3, "three are ready")
        self.assertEqual(self.ask("GET", own)["spec"]["template"]["spec"]["containers"][0]["image"], self.SECOND["image"])

    def test_scale_of_replication_controllers(self):
        """ReplicationController should get and update a ReplicationController scale"""
        own = "/api/v1/namespaces/default/replicationcontrollers/e2e-rc"
        self.ask("POST", own.rsplit("/", 1)[0], {"metadata": {"name": "e2e-rc", "labels": {"e2e": "rc"}}, "spec": {
            "replicas": 1, "selector": {"app": "e2e-rc"}, "template": template("e2e-rc")}}, 201)
        until(lambda: self.ask("GET", own)["status"].get("readyReplicas") == 1, "the pod is ready")
        self.scaled(own)
        until(lambda: self.ask("GET", own)["status"].get("readyReplicas") == 4, "all are ready")
        self.collected("replicationcontrollers", "e2e%3Drc")

    # Stateful sets and daemon sets

    def test_collections_of_stateful_sets(self):
        """StatefulSet Basic StatefulSet functionality should list, patch and delete a collection of StatefulSets"""
        own = self.make("statefulsets", workload("test-ss", serviceName="test"), {"readyReplicas": 1})
        patched = self.patch(own, {
            "metadata": {"labels": {"test-ss": "patched"}},
            # Upstream's test writes the second name like this; unknown fields are left out.
            "spec": {"replicas": 2, "template": {"spec": {"TerminationGracePeriodSeconds": 1, "containers": [self.SECOND]}}}}, self.STRATEGIC)
        self.assertEqual((patched["metadata"]["labels"]["test-ss"], patched["spec"]["replicas"]), ("patched", 2))
        self.assertEqual(patched["spec"]["template"]["spec"]["containers"][0]["image"], self.SECOND["image"])
        until(lambda: self.ask("GET", own)["status"].get("readyReplicas") == 2, "both are ready")
        self.assertEqual(self.collected("statefulsets", "test-ss%3Dpatched"), {"test-ss"})

    def test_status_of_stateful_sets(self):
        """StatefulSet Basic StatefulSet functionality should validate Statefulset Status endpoints"""
        self.status_endpoints(self.make("statefulsets", workload("test-ss-status", serviceName="test"), {"readyReplicas": 1}))

    def test_collections_of_daemon_sets(self):
        """Daemon set should list and delete a collection of DaemonSets"""
        self.make("daemonsets", workload("daemon-set", None), {"numberReady": 1})
        self.assertEqual(self.collected("daemonsets", "e2e%3Ddaemon-set"), {"daemon-set"})

    def test_status_of_daemon_sets(self):
        """Daemon set should verify changes to a daemon set status"""
        self.status_endpoints(self.make("daemonsets", workload("daemon-status", None), {"numberReady": 1}))

    def test_revisions(self):
        """ControllerRevision should manage the lifecycle of a ControllerRevision"""
        own = self.make("daemonsets", workload("e2e-revisions", None), {"numberReady": 1})
        revisions, selector = f"{APPS}/controllerrevisions", "labelSelector=app%3De2e-revisions"
        first, = self.ask("GET", f"/apis/apps/v1/controllerrevisions?{selector}")["items"]
        path = f"{revisions}/{first['metadata']['name']}"
        owner, = first["metadata"]["ownerReferences"]
        self.assertEqual((first["revision"], owner["kind"], owner["name"], owner["controller"]), (1, "DaemonSet", "e2e-revisions", True))
        patched = self.patch(path, {"metadata": {"labels": {first["metadata"]["name"]: "patched"}}}, self.STRATEGIC)
        self.assertEqual(patched["metadata"]["labels"][first["metadata"]["name"]], "patched")

        # One of the test's own with the same data, which a daemon set that it belongs to gives up for its own.
        copy = {"metadata": {"name": "e2e-revision-copy", "labels": first["metadata"]["labels"], "ownerReferences": first["metadata"]["ownerReferences"]},
                "data": first["data"], "revision": first["revision"] + 1}
        self.ask("POST", revisions, copy, 201)
        self.assertEqual(len(self.ask("GET", f"{revisions}?{selector}")["items"]), 2)
        self.ask("DELETE", path)
        until(lambda: len(self.ask("GET", f"{revisions}?{selector}")["items"]) == 1, "one is left, with the data")
        other, = self.ask("GET", f"{revisions}?{selector}")["items"]
        updated = self.changed(f"{revisions}/{other['metadata']['name']}", lambda tree: tree["metadata"]["labels"].update(updated="yes"))
        self.assertEqual(updated["metadata"]["labels"]["updated"], "yes")

        # A change of the template makes the next.
        self.patch(own, {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}})
        until(lambda: len(self.ask("GET", f"{revisions}?{selector}")["items"]) == 2, "there is another revision")
        newest = max(self.ask("GET", f"{revisions}?{selector}")["items"], key=lambda tree: tree["revision"])
        self.assertGreater(newest["revision"], other["revision"])
        self.ask("DELETE", f"{revisions}?labelSelector=updated%3Dyes")
        until(lambda: len(self.ask("GET", f"{revisions}?{selector}")["items"]) == 1, "the older one is gone")
        self.assertEqual([tree["revision"] for tree in self.ask("GET", f"{revisions}?{selector}")["items"]], [3])

    # Disruption budgets

    BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"

    def budget(self, name, label, code=201, **spec):
        self.ask("POST", self.BUDGETS, {"metadata": {"name": name, "labels": {"budget": label}}, "spec": {
            "selector": {"matchLabels": {"app": label}}, **spec}}, code)
        own = f"{self.BUDGETS}/{name}"
        self.addCleanup(self.cluster.request, "DELETE", own)
        until(lambda: self.ask("GET", own)["status"].get("observedGeneration") == 1, f"{name} is known")
        return own

    def evict(self, name):
        return self.cluster.request("POST", f"/api/v1/namespaces/default/pods/{name}/eviction", {
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}})

    def test_budgets(self):
        """DisruptionController should create a PodDisruptionBudget; Listing PodDisruptionBudgets for all namespaces should list and delete a
        collection of PodDisruptionBudgets"""
        own = self.budget("one", "kept", minAvailable="1%")
        self.assertEqual(self.changed(own, lambda tree: tree["spec"].update(minAvailable="2%"))["spec"]["minAvailable"], "2%")
        self.assertEqual(self.patch(own, {"spec": {"minAvailable": "3%"}})["spec"]["minAvailable"], "3%")
        self.budget("two", "kept", minAvailable=2)
        self.assertEqual(len(self.ask("GET", "/apis/policy/v1/poddisruptionbudgets?labelSelector=budget%3Dkept")["items"]), 2)
        self.ask("DELETE", f"{self.BUDGETS}?labelSelector=budget%3Dkept")
        self.assertEqual(self.ask("GET", f"{self.BUDGETS}?labelSelector=budget%3Dkept")["items"], [])

    def test_status_of_budgets(self):
        """DisruptionController should observe PodDisruptionBudget status updated; ... should update/patch PodDisruptionBudget status"""
        own = self.budget("status", "guarded", minAvailable=1)
        self.make("replicasets", workload("guarded", 3), {"readyReplicas": 3})
        until(lambda: self.ask("GET", own)["status"]["disruptionsAllowed"] == 2, "two may go")
        pod = self.ask("GET", "/api/v1/namespaces/default/pods?labelSelector=app%3Dguarded")["items"][0]["metadata"]["name"]
        # One that exists stays among those that are to go, whoever wrote it there.
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.changed(f"{own}/status", lambda tree: tree["status"].update(disruptedPods={pod: now}))
        self.assertEqual(self.ask("GET", f"{own}/status")["status"]["disruptedPods"], {pod: now})
        patched = self.patch(f"{own}/status", {"status": {"disruptedPods": None}})
        self.assertFalse(patched["status"].get("disruptedPods"))

    def test_a_budget_holds_an_eviction_up(self):
        """DisruptionController should block an eviction until the PDB is updated to allow it"""
        own = self.budget("blocking", "blocked", minAvailable=3)
        self.make("replicasets", workload("blocked", 3), {"readyReplicas": 3})
        pods = "/api/v1/namespaces/default/pods?labelSelector=app%3Dblocked"
        until(lambda: self.ask("GET", own)["status"]["currentHealthy"] == 3, "all are counted")
        def refused():
            answer = self.evict(self.ask("GET", pods)["items"][0]["metadata"]["name"])
            self.assertEqual((answer.code, [cause["reason"] for cause in answer.json["details"]["causes"]]), (429, ["DisruptionBudget"]), answer)
        def healthy(number):
            until(lambda: self.ask("GET", own)["status"]["currentHealthy"] == number and len(self.ask("GET", pods)["items"]) == number, f"{number} run")
        refused()
        self.changed(own, lambda tree: tree["spec"].update(minAvailable=2))
        until(lambda: self.ask("GET", own)["status"]["desiredHealthy"] == 2, "the change is known")
        self.assertEqual(self.evict(self.ask("GET", pods)["items"][0]["metadata"]["name"]).code, 201)
        self.patch(own, {"spec": {"minAvailable": None, "maxUnavailable": 0}})
        healthy(3)
        refused()
        self.ask("DELETE", own)
        self.assertEqual(self.evict(self.ask("GET", pods)["items"][0]["metadata"]["name"]).code, 201)

    # What makes jobs

    def test_cron_jobs(self):
        """CronJob should support CronJob API operations"""
        def back(tree):
            tree["spec"]["suspend"] = False
        lifecycle.go_through(
            self, self.cluster, "/apis/batch/v1/namespaces/default/cronjobs", "CronJob",
            {"spec": {"schedule": "0 0 1 1 *", "concurrencyPolicy": "Allow", "jobTemplate": {"spec": {"template": template("cron", restartPolicy="OnFailure")}}}},
            {"spec": {"suspend": True}}, back)
        jobs = "/apis/batch/v1/namespaces/default/cronjobs"
        self.ask("POST", jobs, {"metadata": {"name": "status"}, "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {
            "template": template("cron", restartPolicy="OnFailure")}}}}, 201)
        patched = self.patch(f"{jobs}/status/status", {
            "metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"lastScheduleTime": "2026-01-01T00:00:00Z"}})
        self.assertEqual((patched["status"]["lastScheduleTime"], patched["metadata"]["annotations"]), ("2026-01-01T00:00:00Z", {"patchedstatus": "true"}))
        updated = self.changed(f"{jobs}/status/status", lambda tree: tree["status"].update(lastScheduleTime="2026-01-02T00:00:00Z"))
        self.assertEqual(updated["status"]["lastScheduleTime"], "2026-01-02T00:00:00Z")
        self.assertEqual(self.ask("GET", f"{jobs}/status/status")["metadata"]["uid"], patched["metadata"]["uid"])
        self.ask("DELETE", f"{jobs}/status")


if __name__ == "__main__":
    unittest.main()
