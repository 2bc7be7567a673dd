"""kubectl's commands for workloads and nodes, and what they say: rollout, create job --from, taint, delete --cascade, wait."""

from harness import shared
from harness.api_test import APITest
from harness.cluster import deployment
from harness.waiting import until


class KubectlApps(APITest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("kubectl-apps")
        cls.addClassCleanup(shared.instance().delete, "kubectl-apps")

    def test_a_rollout_is_paused_and_goes_on(self):
        kubectl = self.cluster.kubectl
        self.cluster.deploy("paused", replicas=2, service=False)
        kubectl("rollout", "pause", "deployment/paused")
        kubectl("set", "env", "deployment/paused", "STAGE=two")
        until(lambda: self.cluster.get("deployment/paused")["status"]["observedGeneration"]
              == self.cluster.get("deployment/paused")["metadata"]["generation"], "the change is seen")
        self.assertEqual(len(self.cluster.get("replicasets", "-l", "app=paused")["items"]), 1)
        refused = kubectl("rollout", "pause", "deployment/paused", check=False)
        self.assertIn("deployments.apps \"paused\" is already paused", refused.stderr)
        kubectl("rollout", "resume", "deployment/paused")
        kubectl("rollout", "status", "deployment/paused", "--timeout=90s")
        new = next(i["metadata"]["name"] for i in self.cluster.get("pods", "-l", "app=paused")["items"]
                   if "deletionTimestamp" not in i["metadata"])
        self.assertEqual(self.cluster.exec(new, "sh", "-c", "echo $STAGE"), "two\n")
        self.assertRegex(kubectl("rollout", "history", "deployment/paused"), r"REVISION +CHANGE-CAUSE\n1 .*\n2 ")
        kubectl("delete", "deployment/paused")

    def test_a_job_is_made_from_a_cron_job(self):
        kubectl = self.cluster.kubectl
        kubectl("create", "cronjob", "nightly", "--image=sampan.dev/sample/web:1", "--schedule=0 3 * * *", "--", "sh", "-c", "echo done")
        kubectl("create", "job", "now", "--from=cronjob/nightly")
        kubectl("wait", "--for=condition=Complete", "job/now", "--timeout=60s")
        job = self.cluster.get("job/now")
        self.assertEqual(job["metadata"]["annotations"], {"cronjob.kubernetes.io/instantiate": "manual"})
        self.assertEqual(job["metadata"]["ownerReferences"][0]["name"], "nightly")
        self.assertEqual(kubectl("logs", "job/now"), "done\n")
        kubectl("delete", "cronjob/nightly")
        self.gone("/apis/batch/v1/namespaces/default/jobs/now")

    def test_a_taint_keeps_pods_away_and_sends_them_away(self):
        kubectl = self.cluster.kubectl
        node = self.cluster.get("nodes")["items"][0]["metadata"]["name"]
        self.cluster.shell("sleeper")
        kubectl("taint", "node", node, "busy=yes:NoSchedule")
        self.addCleanup(kubectl, "taint", "node", node, "busy-", check=False)
        kubectl("run", "late", "--image=sampan.dev/sample/web:1", "--command", "--", "sleep", "1000")
        until(lambda: "1 node(s) had untolerated taint(s)" in kubectl("describe", "pod/late"), "it's said why the pod waits")
        self.assertEqual(self.cluster.get("pod/sleeper")["status"]["phase"], "Running")
        kubectl("taint", "node", node, "busy=yes:NoExecute", "busy=yes:NoSchedule-")
        kubectl("wait", "--for=delete", "pod/sleeper", "--timeout=60s")
        kubectl("taint", "node", node, "busy-")
        kubectl("wait", "--for=condition=Ready", "pod/late", "--timeout=60s")
        kubectl("delete", "pod/late", "--grace-period=1")

    def test_what_goes_with_its_owner_is_said(self):
        kubectl = self.cluster.kubectl
        for policy, left in (("orphan", 1), ("foreground", 0), ("background", 0)):
            with self.subTest(policy):
                self.cluster.apply(deployment(policy, 1, "sampan.dev/sample/web:1"))
                kubectl("rollout", "status", f"deployment/{policy}", "--timeout=90s")
                kubectl("delete", f"deployment/{policy}", f"--cascade={policy}")
                until(lambda: len(self.cluster.get("replicasets", "-l", f"app={policy}")["items"]) == left, f"{left} is left")
                for item in self.cluster.get("replicasets", "-l", f"app={policy}")["items"]:
                    self.assertNotIn("ownerReferences", item["metadata"])
                kubectl("delete", "replicasets", "-l", f"app={policy}")
                until(lambda: not self.cluster.get("pods", "-l", f"app={policy}")["items"], "the pods are gone")
