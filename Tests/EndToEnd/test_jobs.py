"""Jobs that wait, are replaced, have a deadline or are somebody else's, and pods with sidecars: with real pods."""

import unittest

from harness import shared
from harness.api_test import APITest
from harness.waiting import until

JOBS = "/apis/batch/v1/namespaces/default/jobs"
PODS = "/api/v1/namespaces/default/pods"
# Takes its time when it's told to end.
SLOW = "trap 'sleep 2; exit 143' TERM; while :; do sleep 0.2 & wait $!; done"


def container(command, **fields):
    return {"name": "c", "image": "sampan.dev/sample/web:1", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", command], **fields}


class Jobs(APITest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("jobs")
        cls.addClassCleanup(shared.instance().delete, "jobs")

    def job(self, name, command, pod=None, **spec):
        self.ask("POST", JOBS, {"metadata": {"name": name}, "spec": {**spec, "template": {"spec": {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 5, "containers": [container(command)], **(pod or {})}}}}, 201)
        self.addCleanup(self.cluster.request, "DELETE", f"{JOBS}/{name}?propagationPolicy=Background")
        return f"{JOBS}/{name}"

    def pods(self, own):
        return self.ask("GET", f"{PODS}?labelSelector=batch.kubernetes.io/job-name%3D{own.rsplit('/', 1)[1]}")["items"]

    def counts(self, own):
        status = self.ask("GET", own)["status"]
        return tuple(status.get(field, 0) for field in ("active", "failed", "terminating"))

    def running(self, own, number=1):
        return until(lambda: [item for item in self.pods(own) if item["status"].get("phase") == "Running"][number - 1:] and self.pods(own),
                     f"{own} has {number} pods that run")

    def suspend(self, own, word):
        return self.patch(own, {"spec": {"suspend": word}})

    def test_pods_are_replaced_when_they_have_failed(self):
        own = self.job("replaced", SLOW, podReplacementPolicy="Failed", backoffLimit=1)
        first, = self.running(own)
        self.ask("DELETE", f"{PODS}/{first['metadata']['name']}")
        # While it's ending it's neither failed nor replaced.
        until(lambda: self.counts(own) == (0, 0, 1), "the pod is ending")
        self.assertEqual(len(self.pods(own)), 1)
        until(lambda: self.counts(own) == (1, 1, 0), "there's another, and the first has failed")

    def test_what_waits_may_change(self):
        own = self.job("waiting", "sleep 10000", suspend=True)
        until(lambda: self.condition(self.ask("GET", own), "Suspended"), "the job says that it's suspended")
        self.assertEqual((self.pods(own), self.ask("GET", own)["status"].get("startTime")), ([], None))
        def resources(cpu):
            return {"spec": {"template": {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}}}}
        self.patch(own, resources("11m"), self.STRATEGIC)
        answer = self.cluster.request("PATCH", own, {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "other"}]}}}},
                                      content_type=self.STRATEGIC)
        self.assertEqual(answer.code, 422, answer)
        self.assertIn("field is immutable", answer.json["message"])
        self.suspend(own, False)
        first, = self.running(own)
        self.assertEqual(first["spec"]["containers"][0]["resources"], {"requests": {"cpu": "11m"}})
        resumed = self.condition(self.ask("GET", own), "Suspended")
        self.assertEqual((resumed["status"], resumed["reason"], resumed["message"]), ("False", "JobResumed", "Job resumed"))

        # Nor while it runs, and again when it was stopped.
        self.patch(own, resources("12m"), self.STRATEGIC, 422)
        self.suspend(own, True)
        until(lambda: not self.pods(own), "its pods are gone")
        stopped = self.ask("GET", own)
        self.assertEqual(self.condition(stopped, "Suspended")["status"], "True")
        self.assertNotIn("startTime", stopped["status"])
        self.patch(own, resources("12m"), self.STRATEGIC)
        self.suspend(own, False)
        second, = self.running(own)
        self.assertEqual(second["spec"]["containers"][0]["resources"], {"requests": {"cpu": "12m"}})

    def test_ready_pods_are_counted(self):
        own = self.job("ready", "sleep 10000", parallelism=2, completions=4, suspend=True)
        until(lambda: self.ask("GET", own)["status"].get("ready") == 0, "none are ready")
        self.suspend(own, False)
        until(lambda: self.ask("GET", own)["status"].get("ready") == 2, "both are ready")
        self.suspend(own, True)
        until(lambda: self.ask("GET", own)["status"].get("ready") == 0, "none are ready any more")

    def test_a_deadline(self):
        own = self.job("deadline", "sleep 10000", activeDeadlineSeconds=1)
        failed = until(lambda: self.condition(self.ask("GET", own), "Failed"), "the job has failed")
        self.assertEqual((failed["reason"], failed["message"]), ("DeadlineExceeded", "Job was active longer than specified deadline"))
        self.assertEqual(self.condition(self.ask("GET", own), "FailureTarget")["reason"], "DeadlineExceeded")

    def test_jobs_of_other_controllers(self):
        own = self.job("foreign", "exit 0", managedBy="example.com/controller", parallelism=1)
        done = self.job("own", "exit 0", managedBy="kubernetes.io/job-controller")
        until(lambda: self.condition(self.ask("GET", done), "Complete"), "the job that's the controller's own is done")
        tree = self.ask("GET", own)
        self.assertEqual((self.pods(own), tree["status"]), ([], {}))
        answer = self.cluster.request("PATCH", own, {"spec": {"managedBy": "example.com/other"}}, content_type=self.MERGE)
        self.assertEqual(answer.code, 422, answer)
        self.assertIn("spec.managedBy: Invalid value: \"example.com/other\": field is immutable", answer.json["message"])

    def test_failures_of_an_index_are_counted_on_its_pods(self):
        own = self.job("counting", "exit 1", parallelism=2, completions=2, completionMode="Indexed", backoffLimitPerIndex=1)
        seen = {}
        def all_seen():
            for item in self.pods(own):
                notes = item["metadata"]["annotations"]
                seen.setdefault(notes["batch.kubernetes.io/job-completion-index"], set()).add(notes["batch.kubernetes.io/job-index-failure-count"])
            return self.condition(self.ask("GET", own), "Failed")
        until(all_seen, "both indexes have failed twice")
        all_seen()
        self.assertEqual(seen, {"0": {"0", "1"}, "1": {"0", "1"}})
        status = self.ask("GET", own)["status"]
        self.assertEqual((status["failedIndexes"], status.get("completedIndexes", ""), status["failed"]), ("0,1", "", 4))

    # Sidecars: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/

    def test_sidecars_start_first_and_do_not_keep_a_job_from_its_end(self):
        share = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        # The second init container and the main one find what the sidecar wrote, since they wait until it has started.
        sidecar = container("sleep 1; touch /data/started; trap 'echo told to end; exit 7' TERM; while :; do sleep 0.2 & wait $!; done", **share,
                            restartPolicy="Always", startupProbe={"exec": {"command": ["cat", "/data/started"]}, "periodSeconds": 1, "failureThreshold": 30})
        own = self.job("sidecar", "cat /data/second && echo main", pod={
            "volumes": [{"name": "data", "emptyDir": {}}],
            "initContainers": [{**sidecar, "name": "sidecar"}, {**container("ls /data/started && touch /data/second", **share), "name": "second"}],
            "containers": [container("cat /data/second && echo main", **share)]}, backoffLimit=0)
        until(lambda: self.condition(self.ask("GET", own), "Complete"), "the job is done")
        item, = self.pods(own)
        self.assertEqual(item["status"]["phase"], "Succeeded")
        states = {each["name"]: each for each in item["status"]["initContainerStatuses"]}
        self.assertEqual({name: each["state"]["terminated"]["exitCode"] for name, each in states.items()}, {"sidecar": 7, "second": 0})
        self.assertTrue(states["sidecar"]["started"] is not None)
        self.assertEqual(states["sidecar"]["restartCount"], 0)

    def test_sidecars_end_last_and_in_reverse(self):
        # Each takes a second, so that the times, which are whole seconds, tell of the order.
        slow = container("trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1 & wait $!; done")
        self.ask("POST", PODS, {"metadata": {"name": "reverse", "finalizers": ["example.com/kept"]}, "spec": {
            "terminationGracePeriodSeconds": 20, "containers": [slow],
            "initContainers": [{**slow, "name": name, "restartPolicy": "Always"} for name in ("one", "two")]}}, 201)
        self.cluster.ready("reverse")
        self.ask("DELETE", f"{PODS}/reverse")
        ended = until(lambda: (tree := self.ask("GET", f"{PODS}/reverse")) and all(
            "terminated" in each["state"] for each in tree["status"]["containerStatuses"] + tree["status"]["initContainerStatuses"]) and tree,
            "everything has ended")
        times = {each["name"]: each["state"]["terminated"] for each in ended["status"]["containerStatuses"] + ended["status"]["initContainerStatuses"]}
        self.assertEqual({name: state["exitCode"] for name, state in times.items()}, {"one": 0, "two": 0, "c": 0})
        self.assertLess(times["c"]["finishedAt"], times["two"]["finishedAt"])
        self.assertLess(times["two"]["finishedAt"], times["one"]["finishedAt"])
        self.patch(f"{PODS}/reverse", {"metadata": {"finalizers": None}})

    def test_sidecars_are_started_again(self):
        self.ask("POST", PODS, {"metadata": {"name": "again"}, "spec": {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
            "initContainers": [{**container("sleep 1; exit 3"), "name": "sidecar", "restartPolicy": "Always"}], "containers": [container("sleep 10000")]}}, 201)
        def restarted():
            status = self.ask("GET", f"{PODS}/again")["status"]
            return status.get("phase") == "Running" and status["initContainerStatuses"][0]["restartCount"] >= 1
        until(restarted, "the sidecar is started again, whatever the pod's policy")
        self.cluster.request("DELETE", f"{PODS}/again?gracePeriodSeconds=0")


if __name__ == "__main__":
    unittest.main()
