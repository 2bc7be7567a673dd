"""Quotas of pods, processor time, memory and storage: of a cluster, and of a team over its clusters."""

import concurrent.futures
import json
import unittest

from harness import teams
from harness.waiting import until

GROUP = "/apis/sampan.dev/v1alpha1"
MERGE = "application/merge-patch+json"


def pod(name, **resources):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"name": "main", "image": "nowhere/none", "resources": resources}]}}


class Quotas(teams.TeamsTest):
    def create(self, cluster, name, **resources):
        return cluster.request("POST", "/api/v1/namespaces/default/pods", pod(name, **resources))

    def status(self, team, name=""):
        path = f"{GROUP}/namespaces/{team}/virtualclusters/{name}" if name else f"{GROUP}/teams/{team}"
        return self.root.request("GET", path).json["status"]

    def test_five_hundred_requests_in_three_clusters_get_no_more_than_there_is(self):
        self.sampan("team", "create", "crowd", "--memory", "1Gi", "--member", "alice=owner")
        clusters = [self.cluster("crowd", name) for name in "abc"]
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(
                lambda index: self.create(clusters[index % 3], f"p{index}", limits={"memory": "64Mi"}), range(500)))
        self.assertEqual({answer.code for answer in answers}, {201, 403})
        self.assertEqual(sum(answer.code == 201 for answer in answers), 16)
        refusal = self.create(clusters[0], "more", limits={"memory": "64Mi"})
        self.assertEqual((refusal.code, refusal.json["reason"]), (403, "Forbidden"))
        self.assertIn("exceeded quota: team crowd, requested: memory=64Mi, used: memory=1Gi, limited: memory=1Gi; used by ",
                      refusal.json["message"])
        until(lambda: self.status("crowd").get("used", {}).get("memory") == "1Gi", "the team's status says it")
        condition = next(item for item in self.status("crowd")["conditions"] if item["type"] == "WithinQuota")
        self.assertEqual((condition["status"], condition["reason"]), ("False", "AtLimit"))
        until(lambda: "QuotaExceeded" in self.root.kubectl("get", "events", "-n", "crowd"), "an event tells of it")

        # The count is the same after a kill.
        self.instance.kill()
        self.instance.up()
        self.assertEqual(self.create(clusters[1], "after", limits={"memory": "64Mi"}).code, 403)
        free = clusters[2].request("GET", "/api/v1/namespaces/default/pods").json["items"][0]["metadata"]["name"]
        clusters[2].kubectl("delete", "pod", free, "--grace-period=0", "--force")
        until(lambda: self.create(clusters[0], "next", limits={"memory": "64Mi"}).code == 201, "there is room for one")
        self.assertEqual(self.create(clusters[0], "last", limits={"memory": "64Mi"}).code, 403)

    def test_a_clusters_limits_are_above_its_own_objects(self):
        self.sampan("team", "create", "strict", "--member", "alice=owner")
        cluster = self.cluster("strict", "demo", "--limit", "memory=1Gi", "--limit", "pods=3", "--limit", "storage=1Gi", "--limit", "cpu=1")
        made = self.create(cluster, "silent")
        self.assertEqual(made.code, 201, made)
        made = made.json
        self.assertEqual(made["spec"]["containers"][0]["resources"],
                         {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}})
        large = self.create(cluster, "large", limits={"memory": "900Mi"})
        self.assertEqual(large.code, 403)
        self.assertIn("exceeded quota: cluster strict--demo, requested: memory=900Mi, used: memory=256Mi, limited: memory=1Gi", large.json["message"])
        # Controllers are told as well, and say so.
        cluster.kubectl("create", "deployment", "web", "--image=nowhere/none", "--replicas=5")
        until(lambda: len(cluster.request("GET", "/api/v1/namespaces/default/pods").json["items"]) == 3, "three pods are there")
        until(lambda: any("exceeded quota: cluster strict--demo" in item.get("message", "")
                          for item in cluster.get("deployment", "web").get("status", {}).get("conditions", [])), "the deployment tells why")
        ended = cluster.request("PATCH", "/api/v1/namespaces/default/pods/silent/status", {"status": {"phase": "Succeeded"}}, content_type=MERGE)
        self.assertEqual(ended.code, 403, ended)
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}}
        answer = cluster.request("POST", "/api/v1/namespaces/default/persistentvolumeclaims", claim)
        self.assertEqual(answer.code, 403)
        self.assertIn("requested: storage=2Gi, used: storage=0, limited: storage=1Gi", answer.json["message"])
        until(lambda: self.status("strict", "demo").get("used", {}).get("pods") == 3, "the cluster's status says it")
        wide = self.root.kubectl("get", "virtualclusters", "-n", "strict", "-o", "wide")
        self.assertIn("MEMORY", wide)
        self.assertIn("768Mi", wide)
        shown = {item["name"]: item for item in json.loads(self.sampan("quota", "show", "--team", "strict", "-o", "json").stdout)}
        self.assertEqual(shown["cluster/strict--demo"]["state"], "AtLimit")
        self.assertIn("3 of 3", self.sampan("quota", "--team", "strict").stdout)
        self.sampan("quota", "set", "pods=none", "memory=4Gi", "--team", "strict", "--cluster", "demo")
        until(lambda: len(cluster.request("GET", "/api/v1/namespaces/default/pods").json["items"]) == 6, "all pods are there")

    def test_exposures_are_the_teams_ways_in_from_outside(self):
        self.sampan("team", "create", "open", "--exposures", "5", "--member", "alice=owner")
        clusters = [self.cluster("open", name) for name in "ab"]

        def expose(cluster, name, type="NodePort", ports=1):
            return cluster.request("POST", "/api/v1/namespaces/default/services", {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"type": type, "selector": {"app": name}, "ports": [{"name": f"p{i}", "port": 80 + i} for i in range(ports)]}})
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(lambda i: expose(clusters[i % 2], f"s{i}", ("NodePort", "LoadBalancer")[i % 3 % 2]), range(500)))
        self.assertEqual({answer.code for answer in answers}, {201, 403})
        self.assertEqual(sum(answer.code == 201 for answer in answers), 5)
        refusal = expose(clusters[0], "more", ports=2)
        self.assertIn("exceeded quota: team open, requested: exposures=2, used: exposures=5, limited: exposures=5; used by ", refusal.json["message"])
        self.assertIn("delete services of type NodePort or LoadBalancer", refusal.json["message"])
        # What leads in from nowhere is free; what becomes a way in is charged then.
        self.assertEqual(expose(clusters[0], "inner", "ClusterIP").code, 201)
        change = lambda name, type: clusters[0].request(
            "PATCH", f"/api/v1/namespaces/default/services/{name}", {"spec": {"type": type}}, content_type=MERGE)
        self.assertEqual(change("inner", "NodePort").code, 403)
        held = pod("held")
        held["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 8080}]
        self.assertEqual(clusters[0].request("POST", "/api/v1/namespaces/default/pods", held).code, 403)
        until(lambda: self.status("open").get("used", {}).get("exposures") == 5, "the team's status says it")
        self.assertIn("5 of 5", self.sampan("quota", "--team", "open").stdout)
        self.assertIn("EXPOSURES", self.root.kubectl("get", "teams", "-o", "wide"))
        self.assertIn("NodePort", self.root.kubectl("explain", "team.spec.quota.exposures"))
        # A cluster that sleeps keeps them: connections wake it.
        self.sampan("cluster", "sleep", "a", "--team", "open")
        self.assertEqual(expose(clusters[1], "more").code, 403)
        # What is given up is free again, also after a kill.
        self.instance.kill()
        self.instance.up()
        mine = [s["metadata"]["name"] for s in clusters[0].request("GET", "/api/v1/namespaces/default/services").json["items"] if s["spec"]["type"] != "ClusterIP"]
        self.assertEqual(change(mine[0], "ClusterIP").code, 200)
        self.assertEqual(change("inner", "NodePort").code, 200)
        self.assertEqual(expose(clusters[1], "more").code, 403)
        clusters[0].kubectl("delete", "service", "inner")
        self.assertEqual(expose(clusters[1], "more").code, 201)
        self.assertEqual(expose(clusters[1], "again").code, 403)

    def test_a_cluster_wakes_when_there_is_room_for_its_pods(self):
        self.sampan("team", "create", "nap", "--pods", "2")
        early, late = self.cluster("nap", "early"), self.cluster("nap", "late")
        for name in "ab":
            answer = self.create(early, name)
            self.assertEqual(answer.code, 201, answer)
        self.assertEqual(self.create(late, "c").code, 403)
        self.sampan("cluster", "sleep", "early", "--team", "nap")
        self.assertEqual(self.create(late, "c").code, 201)
        refused = self.sampan("cluster", "wake", "early", "--team", "nap", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("requested: pods=2, used: pods=1, limited: pods=2; used by late 1", refused.stderr)
        self.sampan("cluster", "sleep", "late", "--team", "nap")
        self.sampan("cluster", "wake", "early", "--team", "nap")
        self.assertEqual(self.create(early, "d").code, 403)

    def test_the_doctor_tells_what_is_wrong(self):
        self.sampan("team", "create", "ill", "--pods", "1")
        cluster = self.cluster("ill", "demo")
        self.assertEqual(self.create(cluster, "a").code, 201)
        self.assertEqual(self.create(cluster, "b").code, 403)

        def found(about):
            return [item for item in json.loads(self.sampan("doctor", "-o", "json").stdout) if item["about"] == about]
        until(lambda: any("Nothing more fits: 1 of 1 pods" in item["message"] for item in found("team/ill")), "the quota is told")
        until(lambda: any("QuotaExceeded" in item["message"] for item in found("cluster/ill--demo")), "the refusal is told")
        self.assertEqual(found("server")[0]["state"], "ok")
        self.assertIn("warning  team/ill: Nothing more fits: 1 of 1 pods.", self.sampan("doctor").stdout)
        self.instance.kill()
        until(lambda: self.sampan("doctor", check=False).returncode == 1, "a server that doesn't run is a failure")
        self.assertIn("failure  server: It doesn't run.", self.sampan("doctor", check=False).stdout)
        self.instance.up()

    def test_wrong_quotas_are_refused_with_reasons(self):
        for quota, words in (({"memory": "much"}, "quantities must match"), ({"cpu": "-1"}, "spec.quota.cpu"), ({"pods": -1}, "spec.quota.pods"), ({"exposures": -1}, "spec.quota.exposures"), ({"exposures": "many"}, "exposures")):
            answer = self.root.request("POST", f"{GROUP}/teams", {
                "apiVersion": "sampan.dev/v1alpha1", "kind": "Team", "metadata": {"name": "wrong"}, "spec": {"quota": quota}})
            self.assertIn(answer.code, (400, 422), answer)
            self.assertIn(words, answer.json["message"])
        for arguments in (("memory=much", "--team", "x"), ("ram=1Gi", "--team", "x"), ("pods=-1", "--team", "x"), ("pods=1",)):
            refused = self.sampan("quota", "set", *arguments, check=False)
            self.assertNotEqual(refused.returncode, 0, arguments)
        # A team with a quota of nothing has room for nothing, and says so.
        self.sampan("team", "create", "none", "--memory", "0")
        refused = self.create(self.cluster("none", "demo"), "p")
        self.assertEqual(refused.code, 403)
        self.assertIn("limited: memory=0; it would not fit if nothing else were there", refused.json["message"])


if __name__ == "__main__":
    unittest.main()
