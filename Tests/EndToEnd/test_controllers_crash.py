"""kill -9 in the middle of rollouts, jobs, cron jobs and deletions of namespaces, definitions and owners: controllers go on from what is stored, and keep their promises.

The server is killed when so many changes were seen, a number that comes from a seed; SAMPAN_E2E_SEED repeats a run's numbers.
What is checked is the history of revisions, not what there is when somebody looks."""

import os
import random
import time
import unittest
from collections import Counter

from harness import shared
from harness.cluster import deployment
from harness.history import History, replay
from harness.waiting import until

PODS, SETS = "/api/v1/namespaces/default/pods", "/apis/apps/v1/namespaces/default/replicasets"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
DOOMED = "/api/v1/namespaces/doomed/configmaps"
MAPS, PARENTS = "/api/v1/namespaces/default/configmaps", "/apis/example.com/v1/namespaces/default/parents"
REPLICAS, SURGE, UNAVAILABLE, INDEXES = 4, 1, 1, 8
KILLS = int(os.environ.get("SAMPAN_E2E_CRASHES", "8"))


def is_alive(pod):
    return "deletionTimestamp" not in pod["metadata"] and pod["status"].get("phase") not in ("Succeeded", "Failed")


def is_ready(pod):
    return is_alive(pod) and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def labelled(pods, app):
    return [pod for pod in pods.values() if pod["metadata"].get("labels", {}).get("app") == app]


def indexes(text):
    """The numbers of a job's `completedIndexes`, such as 0,2-4."""
    found = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def definition(kind):
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{kind.lower()}s.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": f"{kind.lower()}s", "kind": kind},
                 "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}


def custom(kind, name):
    return {"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": name}}


def owners(tree):
    return [owner["uid"] for owner in tree["metadata"].get("ownerReferences", [])]


class ControllersCrash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("controllers-crash")
        cls.prepare()
        cls.history = History(cls.cluster, PODS, SETS, JOBS, DOOMED, MAPS, PARENTS)
        try:
            cls.start()
            cls.kills = cls.kill_until_done()
        finally:
            cls.changes = cls.history.finish()

    @classmethod
    def prepare(cls):
        web = deployment("web", REPLICAS, "sampan.dev/sample/web:1")
        web["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": SURGE, "maxUnavailable": UNAVAILABLE}}
        ordered = deployment("ordered", 3, "sampan.dev/sample/web:1")
        ordered["kind"] = "StatefulSet"
        ordered["spec"]["serviceName"] = "ordered"
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "runs"},
                 "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}}
        maps = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"map-{i}", "namespace": "doomed"}} for i in range(60)]
        cls.cluster.apply(web, ordered, claim, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "doomed"}}, *maps)
        cls.cluster.shell("reader", volumes=[{"name": "runs", "persistentVolumeClaim": {"claimName": "runs"}}], containers=[{
            "name": "main", "image": "sampan.dev/sample/web:1", "command": ["sleep", "1000"],
            "volumeMounts": [{"name": "runs", "mountPath": "/runs"}]}])
        everywhere = deployment("everywhere", 1, "sampan.dev/sample/web:1")
        everywhere["kind"] = "DaemonSet"
        everywhere["spec"].pop("replicas")
        regular = {
            "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "regular"},
            "spec": {"schedule": "* * * * *", "suspend": True, "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": {
                "template": {"spec": {"restartPolicy": "Never", "containers": [{
                    "name": "main", "image": "sampan.dev/sample/web:1", "command": ["sleep", "1"]}]}}}}}}
        cls.cluster.apply(everywhere, regular, definition("Parent"), definition("Brief"))
        for plural in ("parents", "briefs"):
            cls.cluster.kubectl("wait", "--for=condition=Established", f"crd/{plural}.example.com", "--timeout=30s")
        cls.cluster.apply(*[custom("Brief", f"brief-{i}") for i in range(60)], custom("Parent", "leaving"), custom("Parent", "staying"))
        cls.parents = {name: cls.cluster.get(f"parent/{name}")["metadata"]["uid"] for name in ("leaving", "staying")}
        cls.cluster.apply(*[{
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"child-{name}-{i}", "ownerReferences": [{
                "apiVersion": "example.com/v1", "kind": "Parent", "name": name, "uid": uid, "blockOwnerDeletion": True}]}}
            for name, uid in cls.parents.items() for i in range(30)])
        for name in ("deployment/web", "statefulset/ordered", "daemonset/everywhere"):
            cls.cluster.kubectl("rollout", "status", name, "--timeout=60s")

    @classmethod
    def start(cls):
        cls.cluster.apply({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "indexed"},
            "spec": {
                "completionMode": "Indexed", "completions": INDEXES, "parallelism": 2,
                "template": {"metadata": {"labels": {"app": "indexed"}}, "spec": {
                    "restartPolicy": "Never", "volumes": [{"name": "runs", "persistentVolumeClaim": {"claimName": "runs"}}],
                    "containers": [{
                        "name": "main", "image": "sampan.dev/sample/web:1",
                        "command": ["sh", "-c", "echo $JOB_COMPLETION_INDEX >> /runs/log; sleep 0.5"],
                        "volumeMounts": [{"name": "runs", "mountPath": "/runs"}]}]}}}})
        # It was due three minutes ago: so the last time that it missed is made up for at once.
        missed = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(time.time() - 180))
        cls.cluster.kubectl("patch", "cronjob/regular", "--subresource=status", "--type=merge", "-p",
                            f'{{"status":{{"lastScheduleTime":"{missed}"}}}}')
        cls.cluster.kubectl("patch", "cronjob/regular", "--type=merge", "-p", '{"spec":{"suspend":false}}')
        for name in ("deployment/web", "statefulset/ordered", "daemonset/everywhere"):
            cls.cluster.kubectl("set", "image", name, "web=sampan.dev/sample/web:2")

    @classmethod
    def kill_until_done(cls):
        seed = int(os.environ.get("SAMPAN_E2E_SEED", time.time_ns() % 1_000_000))
        chance = random.Random(seed)
        print(f"        SAMPAN_E2E_SEED={seed}", flush=True)
        doom, kills = chance.randrange(KILLS // 2 + 1), 0
        for round in range(KILLS):
            if round == doom:
                cls.cluster.kubectl("delete", "namespace", "doomed", "--wait=false")
                cls.cluster.kubectl("delete", "crd", "briefs.example.com", "--wait=false")
                cls.cluster.kubectl("delete", "parent", "leaving", "--cascade=foreground", "--wait=false")
            cls.history.wait(chance.randrange(1, 25), limit=5)
            time.sleep(chance.uniform(0, 0.05))
            if cls.is_done():
                break
            cls.instance.kill()
            kills += 1
            cls.instance.up()
        until(cls.is_done, "everything has come to its end")
        cls.cluster.kubectl("patch", "cronjob/regular", "--type=merge", "-p", '{"spec":{"suspend":true}}')
        return kills

    @classmethod
    def is_done(cls):
        def get(path):
            return cls.cluster.request("GET", path).json

        web = get("/apis/apps/v1/namespaces/default/deployments/web")
        ordered = get("/apis/apps/v1/namespaces/default/statefulsets/ordered")["status"]
        everywhere = get("/apis/apps/v1/namespaces/default/daemonsets/everywhere")
        job = get(f"{JOBS}/indexed")["status"]
        regular = [job["status"] for job in get(JOBS)["items"] if job["metadata"]["name"].startswith("regular-")]
        return (
            web["status"].get("observedGeneration") == web["metadata"]["generation"]
            and [web["status"].get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")] == [REPLICAS] * 3
            and ordered.get("currentRevision") == ordered.get("updateRevision") and ordered.get("readyReplicas") == 3
            and everywhere["status"].get("observedGeneration") == everywhere["metadata"]["generation"]
            and [everywhere["status"].get(key, 0) for key in ("updatedNumberScheduled", "numberAvailable")] == [1, 1]
            and any(c["type"] == "Complete" for c in job.get("conditions", []))
            and regular and all(any(c["type"] == "Complete" for c in status.get("conditions", [])) for status in regular)
            and cls.cluster.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/briefs.example.com").code == 404
            and cls.cluster.request("GET", f"{PARENTS}/leaving").code == 404
            and cls.cluster.request("GET", "/api/v1/namespaces/doomed").code == 404)

    # The server

    def test_1_was_killed_and_its_history_goes_forward(self):
        self.assertEqual(self.history.broken, [])
        self.assertGreaterEqual(self.kills, 3, "it was over before it could be disturbed")
        seen, newest = {}, {}
        for change in self.changes:
            for item in change.objects:
                uid, revision = item["metadata"]["uid"], int(item["metadata"]["resourceVersion"])
                self.assertGreaterEqual(revision, newest.get(uid, 0), f"{item['metadata']['name']} went back")
                newest[uid] = revision
                self.assertEqual(seen.setdefault(revision, uid), uid, "two changes share a revision")
        print(f"        {len(self.changes)} changes over {self.kills} kills")

    # The workloads

    def test_2_a_deployment_keeps_to_its_surge_and_availability(self):
        for change, state in replay(self.changes):
            if SETS in state and PODS in state:
                wanted = sum(s["spec"]["replicas"] for s in state[SETS].values())
                self.assertLessEqual(wanted, REPLICAS + SURGE, f"at revision {change.revision}")
                ready = [pod["metadata"]["name"] for pod in labelled(state[PODS], "web") if is_ready(pod)]
                self.assertGreaterEqual(len(ready), REPLICAS - UNAVAILABLE, f"at revision {change.revision}: only {ready}")
        sets = sorted((s["spec"]["replicas"], s["status"]["replicas"]) for s in state[SETS].values())
        self.assertEqual(sets, [(0, 0), (REPLICAS, REPLICAS)])

    def test_3_a_stateful_set_replaces_one_pod_after_the_other(self):
        replaced = []
        for change, state in replay(self.changes):
            pods = {pod["metadata"]["name"]: pod for pod in labelled(state.get(PODS, {}), "ordered")}
            if PODS not in state:
                continue
            ready = [name for name, pod in pods.items() if is_ready(pod)]
            self.assertGreaterEqual(len(ready), 2, f"at revision {change.revision}")
            for name, pod in sorted(pods.items()):
                if pod["spec"]["containers"][0]["image"].endswith(":2") and name not in replaced:
                    self.assertTrue(set(replaced) <= set(ready), f"{name} is replaced while {replaced} aren't ready")
                    replaced.append(name)
        self.assertEqual(replaced, ["ordered-2", "ordered-1", "ordered-0"])

    def test_4_a_job_runs_each_index_once(self):
        """Every container's start is in the log of the volume; no pod is made for an index that is done.

        A kill takes containerd's start of a container with it, as under kubelet: such a pod has failed with StartError and another follows.
        Containerd may have come as far as the program, so that one may have written its line."""
        done, pods, succeeded, cut = set(), {}, set(), set()
        for change, state in replay(self.changes):
            for job in filter(None, [state.get(JOBS, {}).get("indexed")]):
                now = indexes(job["status"].get("completedIndexes", ""))
                self.assertTrue(done <= now, f"at revision {change.revision}: {done} were done, and now {now}")
                done = now
            for pod in labelled(state.get(PODS, {}), "indexed"):
                index = int(pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"])
                uid, phase = pod["metadata"]["uid"], pod["status"].get("phase")
                if uid not in pods:
                    self.assertNotIn(index, done | succeeded, f"at revision {change.revision}: index {index} is run again")
                pods[uid] = phase
                if phase == "Succeeded":
                    succeeded.add(index)
                if phase == "Failed":
                    ended = [c["state"]["terminated"] for c in pod["status"]["containerStatuses"]]
                    self.assertEqual([e["reason"] for e in ended], ["StartError"], f"at revision {change.revision}: {ended}")
                    cut.add((index, uid))
            active = [pod for pod in labelled(state.get(PODS, {}), "indexed") if is_alive(pod)]
            self.assertLessEqual(len(active), 2, f"at revision {change.revision}: more pods than the parallelism")
        self.assertEqual(done, set(range(INDEXES)))
        status = state[JOBS]["indexed"]["status"]
        failed = list(pods.values()).count("Failed")
        self.assertEqual(list(pods.values()).count("Succeeded"), INDEXES)
        self.assertEqual((status["succeeded"], status.get("failed", 0), status.get("uncountedTerminatedPods", {})), (INDEXES, failed, {}))
        left = [p["metadata"]["name"] for p in labelled(state[PODS], "indexed") if p["metadata"].get("finalizers")]
        self.assertEqual(left, [])
        runs = Counter(map(int, self.cluster.exec("reader", "cat", "/runs/log").split()))
        cuts = Counter(index for index, _ in cut)
        for index in range(INDEXES):
            self.assertIn(runs[index], range(1, 2 + cuts[index]), f"runs of index {index}, {cuts[index]} of whose starts were cut off")
        print(f"        {sum(runs.values())} runs of {INDEXES} indexes, {len(cut)} starts were cut off")

    # The namespace

    def test_5_a_namespace_is_emptied_and_nothing_is_left_of_it(self):
        gone = set()
        for change, state in replay(self.changes):
            if change.path != DOOMED:
                continue
            back = gone & {item["metadata"]["uid"] for item in state[DOOMED].values()}
            self.assertEqual(back, set(), f"at revision {change.revision}: deleted objects came back")
            if change.type == "DELETED":
                gone.add(change.objects[0]["metadata"]["uid"])
        self.assertEqual(state[DOOMED], {})
        self.cluster.kubectl("create", "namespace", "doomed")
        until(lambda: self.cluster.get("configmaps", "-n", "doomed")["items"], "the new namespace has its authority")
        names = [m["metadata"]["name"] for m in self.cluster.get("configmaps", "-n", "doomed")["items"]]
        self.assertEqual(names, ["kube-root-ca.crt"])

    # Daemon sets, cron jobs, custom resources

    def test_6_a_daemon_set_has_one_pod_on_the_node(self):
        images = []
        for change, state in replay(self.changes):
            pods = [pod for pod in labelled(state.get(PODS, {}), "everywhere") if pod["status"].get("phase") != "Failed"]
            self.assertLessEqual(len(pods), 1, f"at revision {change.revision}: a pod was made before the old one was gone")
            images += [pod["spec"]["containers"][0]["image"][-2:] for pod in pods]
        self.assertEqual(images, sorted(images), "an old pod came back")
        self.assertEqual((images[0], images[-1]), (":1", ":2"))

    def test_7_a_cron_job_makes_one_job_for_each_time(self):
        times = {}
        for change, state in replay(self.changes):
            jobs = [job for name, job in state.get(JOBS, {}).items() if name.startswith("regular-")]
            for job in jobs:
                due = job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"]
                times.setdefault(due, set()).add(job["metadata"]["uid"])
            active = [job["metadata"]["name"] for job in jobs if not any(
                c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in job["status"].get("conditions", []))]
            self.assertLessEqual(len(active), 1, f"at revision {change.revision}: {active} run at once, which is forbidden")
        self.assertGreaterEqual(len(times), 1)
        self.assertEqual({due: len(uids) for due, uids in times.items()}, {due: 1 for due in times})
        status = self.cluster.get("cronjob/regular")["status"]
        self.assertGreaterEqual(status["lastScheduleTime"], max(times))

    def test_8_an_owner_goes_after_its_dependents_and_only_they_go(self):
        went = 0
        for change, state in replay(self.changes):
            if change.path == PARENTS and change.type == "DELETED":
                left = [name for name, tree in state[MAPS].items() if self.parents["leaving"] in owners(tree)]
                self.assertEqual(left, [], f"at revision {change.revision}: the owner went before these")
                went += 1
            if MAPS in state and PARENTS in state:
                kept = sum(self.parents["staying"] in owners(tree) for tree in state[MAPS].values())
                self.assertEqual(kept, 30, f"at revision {change.revision}")
        self.assertLessEqual(went, 1)
        self.assertEqual(list(state[PARENTS]), ["staying"])
        self.assertEqual([name for name in state[MAPS] if name.startswith("child-leaving")], [])

    def test_9_nothing_is_left_of_a_definition(self):
        self.cluster.apply(definition("Brief"))
        self.cluster.kubectl("wait", "--for=condition=Established", "crd/briefs.example.com", "--timeout=30s")
        self.assertEqual(self.cluster.get("briefs")["items"], [])
