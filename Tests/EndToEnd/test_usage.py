"""The ledger of what clusters use."""

import csv
import datetime
import io
import json
import os
import unittest

from harness import shared, teams
from harness.cluster import Cluster
from harness.waiting import until

GROUP = "/apis/sampan.dev/v1alpha1"
QUESTION = {"apiVersion": "sampan.dev/v1alpha1", "kind": "UsageReport"}


class Usage(teams.TeamsTest):
    def usage(self, *arguments, **options):
        return json.loads(self.sampan("usage", "-o", "json", *arguments, **options).stdout)

    def test_requests_storage_and_time_awake_are_in_the_ledger(self):
        self.sampan("team", "create", "metered", "--member", "alice=viewer")
        self.sampan("team", "create", "other", "--member", "bob=owner")
        cluster = self.cluster("metered", "demo")
        for _ in range(20):
            cluster.request("GET", "/api/v1/namespaces")
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "100Gi"}}}}
        self.assertEqual(cluster.request("POST", "/api/v1/namespaces/default/persistentvolumeclaims", claim).code, 201)

        def found():
            return next((item for item in self.usage("--team", "metered") if item.get("cluster") == "demo"), {})
        until(lambda: found().get("requests", 0) >= 21 and found().get("storageGiBHours", 0) > 0 and found().get("awakeHours", 0) > 0,
              "the hour so far is told", timeout=60)
        requests = found()["requests"]
        self.assertLess(requests, 40)
        self.assertTrue(found()["open"])
        metrics = self.root.kubectl("get", "--raw", "/metrics")
        self.assertIn('sampan_usage_requests_total{team="metered"}', metrics)

        # What has been told stays through an orderly end; a kill loses what came after the last look, and nothing is counted twice.
        self.sampan("down")
        self.instance.up()
        self.assertEqual(found()["requests"], requests)
        self.instance.kill()
        self.instance.up()
        self.assertEqual(found()["requests"], requests)

        # A cluster that is gone stays in the ledger.
        uid = found()["clusterUID"]
        self.sampan("cluster", "delete", "demo", "--team", "metered")
        self.assertEqual(found()["clusterUID"], uid)

        table = self.sampan("usage", "--team", "metered", "--by", "hour", "-o", "wide").stdout
        self.assertIn("CLUSTER-UID", table)
        self.assertIn("demo", table)
        rows = list(csv.DictReader(io.StringIO(self.sampan("usage", "--by", "team", "-o", "csv").stdout)))
        self.assertIn("metered", {row["team"] for row in rows})
        self.assertGreaterEqual(int(next(row for row in rows if row["team"] == "metered")["requests"]), requests)

        # Members see their own team's.
        file = os.path.join(self.instance.directory, "alice.kubeconfig")
        self.sampan("team", "kubeconfig", "metered", "alice", "--output", file)
        alice = Cluster("alice", file)
        self.assertEqual(alice.request("POST", f"{GROUP}/teams/metered/usage", QUESTION).code, 201)
        self.assertEqual(alice.request("POST", f"{GROUP}/teams/other/usage", QUESTION).code, 403)
        self.assertEqual(self.usage(environment={"SAMPAN_KUBECONFIG": file})[0]["team"], "metered")

    def test_a_closed_hour_is_in_the_ledger_once(self):
        self.sampan("team", "create", "closed")
        directory = os.path.join(self.instance.directory, "usage")
        self.sampan("down")
        hour = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=30)).replace(minute=0, second=0)
        record = {"hour": f"{hour:%Y-%m-%dT%H:%M:%SZ}", "team": "closed", "cluster": "gone", "uid": "u", "cpuMilliseconds": 1500,
                  "memoryMebibyteSeconds": 3600 * 1024, "storageMebibyteSeconds": 0, "awakeMilliseconds": 3600000, "requests": 7}
        with open(os.path.join(directory, "current.json")) as file:
            current = json.load(file)
        sequence = current["sequence"]
        checkpoint = json.dumps({**current, "hour": record["hour"], "records": [record]})

        def usage():
            return self.usage("--team", "closed", "--since", f"{hour:%Y-%m-%d}", "--until", f"{hour + datetime.timedelta(days=1):%Y-%m-%d}")
        # The server was killed before it had closed that hour, then in the midst of it, then just after it.
        for name in ("before", "midst", "after"):
            with open(os.path.join(directory, "current.json"), "w") as file:
                file.write(checkpoint)
            ledger = os.path.join(directory, f"usage-{hour:%Y-%m}.jsonl")
            if name == "midst":
                with open(ledger) as file:
                    lines = file.read().splitlines(keepends=True)
                cut = next(index for index, line in enumerate(lines) if f'"end":{sequence}' in line)
                with open(ledger, "w") as file:
                    file.writelines(lines[:cut])
                    file.write(f'{{"hour":"{hour:%Y}-')
            self.instance.up()
            until(lambda: usage() and not usage()[0].get("open"), "the hour is closed", timeout=30)
            found = usage()
            self.assertEqual(len(found), 1, name)
            self.assertEqual((found[0]["requests"], found[0]["cpuSeconds"], found[0]["memoryGiBHours"], found[0]["awakeHours"]), (7, 1.5, 1, 1), name)
            self.sampan("down")
        self.instance.up()

    def test_wrong_questions_are_answered_with_reasons(self):
        for body, field in (({"since": "yesterday"}, "since"), ({"by": "minute"}, "by"), ({"since": "2020-01-01T00:00:00Z"}, "366 days")):
            answer = self.root.request("POST", f"{GROUP}/teams/default/usage", {**QUESTION, **body})
            self.assertEqual(answer.code, 422, answer)
            self.assertIn(field, answer.json["message"])
        for arguments in (("--since", "yesterday"), ("--by", "minute"), ("--since", "1h", "--until", "2h"), ("-o", "xml")):
            self.assertNotEqual(self.sampan("usage", *arguments, check=False).returncode, 0, arguments)


class UsageOfPods(unittest.TestCase):
    # Burns half a second of processor time, as the kernel counts it, and is gone.
    BURN = "while [ $(awk '{print $14+$15+$16+$17}' /proc/1/stat) -lt 50 ]; do :; done; awk '{print $14+$15+$16+$17}' /proc/1/stat"

    def test_many_short_jobs_are_counted_whole(self):
        instance = shared.instance()
        cluster = instance.cluster("burst")
        cpu = lambda: sum(item["cpuSeconds"] for item in json.loads(instance.sampan("usage", "-o", "json").stdout) if item.get("cluster") == "burst")
        cpu()
        cluster.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "burst"}, "spec": {
            "completions": 12, "parallelism": 4, "template": {"spec": {"restartPolicy": "Never", "containers": [
                {"name": "main", "image": "sampan.dev/sample/web:1", "command": ["sh", "-c", self.BURN]}]}}}})
        cluster.kubectl("wait", "--for=condition=Complete", "job/burst", "--timeout=120s")
        told = sum(int(cluster.kubectl("logs", pod["metadata"]["name"]).split()[-1]) for pod in cluster.get("pods")["items"]) / 100
        self.assertGreaterEqual(told, 6)
        # They are deleted at once: most were never seen alive.
        cluster.kubectl("delete", "job", "burst")
        until(lambda: not cluster.get("pods")["items"], "the pods are gone")
        until(lambda: cpu() >= told * 0.97, "what they used is counted")
        # And once: starting a container takes something, too, but not as much again.
        self.assertLess(cpu(), told * 1.9 + 2)
        # A cluster that is deleted with pods that run is charged for them, too.
        before = cpu()
        cluster.kubectl("run", "last", "--image=sampan.dev/sample/web:1", "--restart=Never", "--command", "--", "sh", "-c", self.BURN + "; sleep 100")
        until(lambda: cluster.kubectl("logs", "last", check=False).stdout, "it has burnt")
        instance.delete("burst")
        until(lambda: cpu() >= before + 0.48, "what it used is counted")


if __name__ == "__main__":
    unittest.main()
