"""What the conformance suite of v1.36 asks of jobs and v1.20's, which can be run here, doesn't: with pods (docs/conformance.md). One test for each of
its tests, named as it is in the first line of its text."""

import json
import unittest

from harness import shared
from harness.api_test import APITest
from harness.waiting import until

JOBS = "/apis/batch/v1/namespaces/default/jobs"
PODS = "/api/v1/namespaces/default/pods"
ODD_FAILS = "exit $((JOB_COMPLETION_INDEX % 2))"
ON_EXIT_CODE = {"onExitCodes": {"operator": "In", "values": [1]}}


class ConformanceJobs(APITest):
    @classmethod
    def setUpClass(cls):
        # For a folder of the machine, in which a pod of an index finds what the one before it left.
        cls.cluster = shared.instance().cluster("conformance-jobs", "--pod-security", "privileged")
        cls.addClassCleanup(shared.instance().delete, "conformance-jobs")

    def job(self, name, command, completions, parallelism=2, pod=None, labels=None, **spec):
        """The path of a new job, whose containers run a line of shell."""
        self.ask("POST", JOBS, {"metadata": {"name": name, "labels": labels or {}}, "spec": {
            "completions": completions, "parallelism": parallelism, **spec, "template": {"spec": {
                "restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [{
                    "name": "c", "image": "sampan.dev/sample/web:1", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", command],
                    **(pod or {}).get("container", {})}], **(pod or {}).get("spec", {})}}}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{JOBS}/{name}?propagationPolicy=Background")
        return f"{JOBS}/{name}"

    def pods(self, own, phase=None):
        items = self.ask("GET", f"{PODS}?labelSelector=batch.kubernetes.io/job-name%3D{own.rsplit('/', 1)[1]}")["items"]
        return [item for item in items if phase in (None, item["status"].get("phase"))]

    def ends(self, own, kind, reason, interim):
        """The job's status once it has the condition, and with it the one that came before, for the same reason."""
        tree = until(lambda: (tree := self.ask("GET", own)) and self.condition(tree, kind) and tree, f"{own} is {kind}")
        for each in (kind, interim):
            found = self.condition(tree, each)
            self.assertIsNotNone(found, tree["status"])
            self.assertEqual((found["status"], found["reason"]), ("True", reason), tree["status"])
        self.assertEqual((tree["status"].get("active", 0), tree["status"]["ready"], tree["status"]["terminating"]), (0, 0, 0))
        return tree["status"]

    def completes(self, own, succeeded, reason="CompletionsReached"):
        status = self.ends(own, "Complete", reason, "SuccessCriteriaMet")
        self.assertEqual(status["succeeded"], succeeded)
        return status

    def fails(self, own, reason):
        return self.ends(own, "Failed", reason, "FailureTarget")

    # What fails and what doesn't count

    def test_an_exit_code_fails_the_job(self):
        """Job should allow to use the pod failure policy on exit code to fail the job early"""
        own = self.job("pod-failure-failjob", "exit 1", 4, podFailurePolicy={"rules": [{"action": "FailJob", **ON_EXIT_CODE}]})
        self.assertLessEqual(self.fails(own, "PodFailurePolicy")["failed"], 2)

    def test_disruptions_do_not_count(self):
        """Job should allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition"""
        own = self.job(
            "evicted-pod-ignore", "f=/data/index-$JOB_COMPLETION_INDEX; if [ -r $f ]; then exit 0; fi; touch $f; sleep 1000000", 3, 3,
            completionMode="Indexed", backoffLimit=2,
            podFailurePolicy={"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]},
            pod={"container": {"volumeMounts": [{"name": "data", "mountPath": "/data"}], "readinessProbe": {
                     "periodSeconds": 1, "exec": {"command": ["sh", "-c", "cat /data/index-$JOB_COMPLETION_INDEX"]}}},
                 "spec": {"volumes": [{"name": "data", "hostPath": {"path": f"{shared.instance().directory}/job-data", "type": "DirectoryOrCreate"}}]}})
        until(lambda: self.ask("GET", own)["status"].get("ready") == 3, "all pods are ready")
        running = self.pods(own, "Running")
        self.assertEqual(len(running), 3)
        for item in running:
            name = item["metadata"]["name"]
            self.ask("POST", f"{PODS}/{name}/eviction", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}, 201)
        for item in running:
            self.gone(f"{PODS}/{item['metadata']['name']}")
        self.assertEqual(self.completes(own, 3).get("failed", 0), 0)

    # Indexes

    def test_indexes(self):
        """Job should create pods for an Indexed job with completion indexes and specified hostname"""
        own = self.job("indexed-job", "exit 0", 4, completionMode="Indexed")
        self.completes(own, 4)
        found = {}
        for item in self.pods(own, "Succeeded"):
            index = item["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]
            found[index] = item["spec"]["hostname"]
        self.assertEqual(found, {str(index): f"indexed-job-{index}" for index in range(4)})

    def test_each_index_has_its_own_limit(self):
        """Job should execute all indexes despite some failing when using backoffLimitPerIndex"""
        # The second try of an index comes after ten seconds, as upstream's.
        status = self.fails(self.job("limit-per-index", ODD_FAILS, 4, 4, completionMode="Indexed", backoffLimitPerIndex=1), "FailedIndexes")
        self.assertEqual((status["failedIndexes"], status["completedIndexes"], status["failed"], status["succeeded"]), ("1,3", "0,2", 4, 2))

    def test_indexes_that_a_policy_fails(self):
        """Job should mark indexes as failed when the FailIndex action is matched in podFailurePolicy"""
        status = self.fails(self.job("fail-index", ODD_FAILS, 2, completionMode="Indexed", backoffLimitPerIndex=1,
                                     podFailurePolicy={"rules": [{"action": "FailIndex", **ON_EXIT_CODE}]}), "FailedIndexes")
        self.assertEqual((status["failedIndexes"], status["completedIndexes"], status["failed"], status["succeeded"]), ("1", "0", 1, 1))

    def test_too_many_failed_indexes(self):
        """Job should terminate job execution when the number of failed indexes exceeds maxFailedIndexes"""
        status = self.fails(self.job("max-failed-indexes", "exit 1", 4, 1, completionMode="Indexed", backoffLimitPerIndex=0, maxFailedIndexes=0),
                            "MaxFailedIndexesExceeded")
        self.assertEqual((status["failedIndexes"], status["failed"]), ("0", 1))

    # Success policies

    def test_success_of_all(self):
        """Job with successPolicy should succeeded when all indexes succeeded"""
        own = self.job("all-indexes", "exit 0", 2, completionMode="Indexed", successPolicy={"rules": [{"succeededCount": 2}]})
        self.assertEqual(self.completes(own, 2, "SuccessPolicy").get("failed", 0), 0)

    def test_success_of_one_index(self):
        """Job with successPolicy succeededIndexes rule should succeeded even when some indexes remain pending"""
        own = self.job("succeeded-indexes", ODD_FAILS, 5, completionMode="Indexed", successPolicy={"rules": [{"succeededIndexes": "0"}]})
        self.assertEqual(self.completes(own, 1, "SuccessPolicy")["completedIndexes"], "0")

    def test_success_of_some(self):
        """Job with successPolicy succeededCount rule should succeeded even when some indexes remain pending"""
        own = self.job("succeeded-count", ODD_FAILS, 5, completionMode="Indexed", backoffLimit=2147483647, successPolicy={"rules": [{"succeededCount": 1}]})
        self.assertEqual(self.completes(own, 1, "SuccessPolicy")["completedIndexes"], "0")

    # The API

    def test_status(self):
        """Job should apply changes to a job status"""
        own = self.job("job-status", "sleep 1000000", 4, backoffLimit=6)
        until(lambda: len(self.pods(own, "Running")) == 2, "both pods run")
        first, second = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
        patched = self.patch(f"{own}/status", {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": {
            "conditions": [{"type": "CustomConditionType", "status": "True", "lastProbeTime": None, "lastTransitionTime": first}]}})
        self.assertEqual(self.condition(patched, "CustomConditionType")["lastTransitionTime"], first)
        self.assertEqual(patched["metadata"]["annotations"]["patchedstatus"], "true")
        updated = self.changed(f"{own}/status", lambda tree: self.condition(tree, "CustomConditionType").update(lastTransitionTime=second))
        self.assertEqual(self.condition(updated, "CustomConditionType")["lastTransitionTime"], second)
        self.assertEqual(self.ask("GET", f"{own}/status")["metadata"]["uid"], updated["metadata"]["uid"])

    def test_lifecycle(self):
        """Job should manage the lifecycle of a job"""
        selector = "labelSelector=e2e-job-label%3Dlifecycle"
        began = self.ask("GET", f"{JOBS}?{selector}")["metadata"]["resourceVersion"]
        own = self.job("lifecycle", "exit 0", 4, labels={"e2e-job-label": "lifecycle"}, suspend=True)
        until(lambda: self.condition(self.ask("GET", own), "Suspended"), "the job is suspended")
        self.assertEqual(self.pods(own), [])
        patched = self.patch(own, {"metadata": {"labels": {"lifecycle": "patched"}}}, self.STRATEGIC)
        self.assertEqual(patched["metadata"]["labels"]["lifecycle"], "patched")
        def resume(tree):
            tree["spec"]["suspend"] = False
            tree["metadata"].setdefault("annotations", {})["updated"] = "true"
        self.assertEqual(self.changed(own, resume)["metadata"]["annotations"]["updated"], "true")
        self.assertEqual(len(self.ask("GET", f"/apis/batch/v1/jobs?{selector}")["items"]), 1)
        self.completes(own, 4)
        self.ask("DELETE", f"{JOBS}?{selector}", {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"})
        self.assertEqual(self.ask("GET", f"/apis/batch/v1/jobs?{selector}")["items"], [])
        answer = self.cluster.request("GET", f"{JOBS}?watch=1&timeoutSeconds=1&resourceVersion={began}&{selector}")
        events = [json.loads(line) for line in answer.body.decode().splitlines()]
        self.assertTrue([e for e in events if e["type"] == "MODIFIED" and e["object"]["metadata"]["labels"].get("lifecycle") == "patched"])
        self.assertTrue([e for e in events if e["type"] == "MODIFIED" and e["object"]["metadata"].get("annotations", {}).get("updated") == "true"])
        self.assertEqual(events[-1]["type"], "DELETED")


if __name__ == "__main__":
    unittest.main()
