"""Teams: members who see and touch their own, quotas that hold, clusters that end by themselves."""

import base64
import concurrent.futures
import json
import os
import unittest

import yaml

from harness import teams
from harness.cluster import Cluster
from harness.waiting import until

GROUP = "/apis/sampan.dev/v1alpha1"


def path(team, name="", part=""):
    return f"{GROUP}/namespaces/{team}/virtualclusters" + (f"/{name}" if name else "") + (f"/{part}" if part else "")


def cluster(name, **spec):
    return {"apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": {"name": name}, "spec": spec}


class Teams(teams.TeamsTest):
    def team(self, name, *arguments):
        self.sampan("team", "create", name, *arguments)
        self.addCleanup(self.remove, name)

    def remove(self, name):
        for item in self.root.request("GET", path(name)).json.get("items", []):
            self.root.request("DELETE", path(name, item["metadata"]["name"]))
        until(lambda: not self.root.request("GET", path(name)).json["items"], "the clusters are gone")
        self.root.request("DELETE", f"{GROUP}/teams/{name}")
        until(lambda: self.root.request("GET", f"/api/v1/namespaces/{name}").code == 404, "the namespace is gone")

    def test_no_more_clusters_are_awake_than_may_be(self):
        self.team("early", "--awake-clusters", "2", "--member", "alice=developer")
        def states():
            return {item["metadata"]["name"]: item["status"]["phase"] for item in self.root.request("GET", path("early")).json["items"]}
        for name in ("a", "b"):
            self.sampan("cluster", "create", name, "--team", "early")
        refused = self.root.request("POST", path("early"), cluster("c"))
        self.assertEqual(refused.code, 403, refused)
        self.assertIn("exceeded quota: the team early may have 2 awake clusters and has 2: a, b; put one to sleep", refused.json["message"])
        for name in ("c", "d", "e", "f"):
            for other in ("a", "b", "c", "d", "e"):
                self.sampan("cluster", "sleep", other, "--team", "early", check=False)
            self.sampan("cluster", "create", name, "--team", "early")
        self.sampan("cluster", "sleep", "f", "--team", "early")
        self.assertEqual(set(states().values()), {"Asleep"})
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            codes = list(pool.map(
                lambda name: self.root.request("POST", path("early", name, "wake"),
                                               {"apiVersion": "sampan.dev/v1alpha1", "kind": "SleepRequest"}).code, "abcdef" * 4))
        awake = [name for name, phase in states().items() if phase == "Ready"]
        self.assertEqual(len(awake), 2, states())
        self.assertEqual(set(codes), {201, 403})
        # Who writes to one that can't wake is served, and an event says why nothing starts.
        asleep = next(name for name in "abcdef" if name not in awake)
        file = os.path.join(self.instance.directory, "early.kubeconfig")
        self.sampan("cluster", "kubeconfig", asleep, "--team", "early", "--output", file)
        Cluster(asleep, file).kubectl("create", "configmap", "x")
        until(lambda: "NotWoken" in self.root.kubectl("get", "events", "-n", "early"), "an event says that it isn't woken")
        self.assertEqual(states()[asleep], "Asleep")
        until(lambda: self.root.get("team", "early")["status"]["awakeClusters"] == 2, "the team's status has the number")
        self.sampan("cluster", "sleep", awake[0], "--team", "early")
        self.sampan("cluster", "wake", asleep, "--team", "early")

    def test_members_see_and_touch_only_their_own(self):
        self.team("blue", "--member", "alice=owner", "--member", "bob=developer", "--member", "carol=viewer")
        self.team("red", "--member", "dave=owner")
        alice, bob, carol, dave = (self.member(*who) for who in
                                   (("blue", "alice"), ("blue", "bob"), ("blue", "carol"), ("red", "dave")))
        self.assertEqual(bob.request("POST", path("blue"), cluster("demo")).code, 201)
        self.assertEqual(dave.request("POST", path("red"), cluster("demo")).code, 201)
        until(lambda: self.root.get("virtualclusters", "demo", "-n", "blue")["status"]["phase"] == "Ready", "it is ready")

        for who, team, code in ((alice, "blue", 200), (bob, "blue", 200), (carol, "blue", 200), (dave, "blue", 403),
                                (alice, "red", 403), (dave, "red", 200)):
            for verb in (path(team), path(team, "demo")):
                self.assertEqual(who.request("GET", verb).code, code, (who.name, verb))
        for who in (alice, bob, carol, dave):
            self.assertEqual(who.request("GET", f"{GROUP}/virtualclusters").code, 403)
            self.assertEqual(who.request("GET", "/api/v1/namespaces/kube-system/secrets").code, 403)
            self.assertEqual(who.request("POST", f"{GROUP}/teams/blue/kubeconfig", {"user": "alice"}).code, 403)
        self.assertEqual(carol.request("POST", path("blue"), cluster("own")).code, 403)
        self.assertEqual(carol.request("DELETE", path("blue", "demo")).code, 403)
        self.assertEqual(dave.request("POST", path("blue", "demo", "kubeconfig"), {}).code, 403)
        self.assertEqual(dave.request("POST", path("default"), cluster("own")).code, 403)

        def inside(who):
            answer = who.request("POST", path("blue", "demo", "kubeconfig"), {"groups": ["system:masters"]})
            self.assertEqual(answer.code, 201, answer)
            file = os.path.join(self.instance.directory, f"{who.name}-inside.kubeconfig")
            with open(file, "w") as out:
                out.write(answer.json["kubeconfig"])
            return Cluster("demo", file)
        developer, viewer = inside(bob), inside(carol)
        self.assertTrue(developer.url.endswith("/clusters/blue--demo"), developer.url)
        developer.kubectl("create", "configmap", "own")
        self.assertEqual(viewer.request("GET", "/api/v1/namespaces/default/configmaps/own").code, 200)
        self.assertEqual(viewer.request("DELETE", "/api/v1/namespaces/default/configmaps/own").code, 403)
        self.assertEqual(viewer.request("GET", "/api/v1/namespaces/default/secrets").code, 403)

        # Who is taken out is out at once, and the owner says who.
        self.assertEqual(bob.request("PATCH", f"{GROUP}/teams/blue", {"spec": {"members": []}}, content_type="application/merge-patch+json").code, 403)
        without_bob = {"spec": {"members": [{"user": "alice", "role": "owner"}]}}
        self.assertEqual(alice.request("PATCH", f"{GROUP}/teams/blue", without_bob, content_type="application/merge-patch+json").code, 200)
        until(lambda: bob.request("GET", path("blue")).code == 403, "bob is out")
        answer = alice.request("PATCH", f"{GROUP}/teams/blue", {"spec": {"quota": {"clusters": 1000}}}, content_type="application/merge-patch+json")
        self.assertEqual(answer.code, 403)
        self.assertIn("setquota", answer.json["message"])

    def test_quota_holds_against_a_hundred_at_once(self):
        self.team("many", "--member", "alice=owner", "--clusters", "5")

        def create(index):
            return self.root.request("POST", path("many"), cluster(f"c{index}"))
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(create, range(100)))
        self.assertEqual(sum(answer.code == 201 for answer in answers), 5)
        self.assertEqual({answer.code for answer in answers}, {201, 403})
        refusal = next(answer for answer in answers if answer.code == 403).json["message"]
        self.assertIn("the team many may have 5 clusters and has 5: ", refusal)
        items = self.root.request("GET", path("many")).json["items"]
        self.assertEqual(len(items), 5)
        until(lambda: self.root.get("teams", "many")["status"]["clusters"] == 5, "the team counts five")

        # A team with clusters stays; with one less there is room again.
        answer = self.root.request("DELETE", f"{GROUP}/teams/many")
        self.assertEqual(answer.code, 409)
        self.assertIn("the team has 5 clusters", answer.json["message"])
        name = items[0]["metadata"]["name"]
        self.root.request("DELETE", path("many", name))
        until(lambda: self.root.request("GET", path("many", name)).code == 404, "one is gone")
        self.assertEqual(create(500).code, 201)
        self.assertEqual(create(501).code, 403)

    def test_clusters_end_when_their_time_is_over(self):
        self.team("brief", "--ttl", "1h", "--max-ttl", "2h")
        self.assertEqual(self.root.request("POST", path("brief"), cluster("standing")).json["spec"]["timeToLive"], "1h")
        for wrong in ("3h", "0s", "-5m", "soon"):
            answer = self.root.request("POST", path("brief"), cluster("wrong", timeToLive=wrong))
            self.assertEqual(answer.code, 422, wrong)
            self.assertIn("spec.timeToLive", answer.json["message"])
        self.assertEqual(self.root.request("POST", path("brief"), cluster("short", timeToLive="5s")).code, 201)
        self.assertEqual(self.root.request("POST", path("brief"), cluster("longer", timeToLive="5s")).code, 201)
        until(lambda: "expirationTime" in self.root.get("virtualclusters", "longer", "-n", "brief").get("status", {}), "its end is told")
        self.sampan("cluster", "extend", "longer", "--team", "brief", "--by", "1h")
        # The server that goes in between finds out by itself.
        self.instance.kill()
        self.instance.up()
        until(lambda: self.root.request("GET", path("brief", "short")).code == 404, "the short one is gone", timeout=30)
        self.assertEqual(self.root.request("GET", path("brief", "longer")).code, 200)
        reasons = {event["reason"] for event in self.root.request("GET", "/api/v1/namespaces/brief/events").json["items"]}
        self.assertLessEqual({"Expiring", "Expired"}, reasons)
        listed = json.loads(self.sampan("cluster", "list", "--team", "brief", "-o", "json").stdout)
        self.assertEqual({item["metadata"]["name"] for item in listed["items"]}, {"standing", "longer"})

    def test_members_use_the_command_line(self):
        self.team("green", "--member", "erin=developer")
        file = os.path.join(self.instance.directory, "erin.kubeconfig")
        self.sampan("team", "kubeconfig", "green", "erin", "--output", file)
        erin = {"SAMPAN_KUBECONFIG": file}
        self.sampan("cluster", "create", "mine", "--ttl", "8h", environment=erin)
        self.assertEqual(self.sampan("cluster", "list", "-o", "name", environment=erin).stdout, "green--mine\n")
        config = os.path.join(self.instance.directory, "mine.kubeconfig")
        self.sampan("cluster", "kubeconfig", "mine", "--output", config, environment=erin)
        self.assertIn("kube-system", Cluster("mine", config).kubectl("get", "namespaces"))
        # What is asked of the platform for a credential is asked as the member, who may lose the right to it.
        self.sampan("team", "set", "green", "--member", "erin=viewer")
        until(lambda: "sampan:viewers" in Cluster("mine", config).kubectl("auth", "whoami"), "erin looks only")
        self.sampan("team", "set", "green", "--member", "erin=developer")
        until(lambda: "system:masters" in Cluster("mine", config).kubectl("auth", "whoami"), "erin works again")
        # A program may say who asks the platform, as an identity provider's does.
        with open(file) as kubeconfig:
            tree = yaml.safe_load(kubeconfig)
        user = tree["users"][0]["user"]
        credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {
            "clientCertificateData": base64.b64decode(user["client-certificate-data"]).decode(),
            "clientKeyData": base64.b64decode(user["client-key-data"]).decode()}}
        tree["users"][0]["user"] = {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "echo", "args": [json.dumps(credential)], "interactiveMode": "Never"}}
        with open(file + ".exec", "w") as kubeconfig:
            yaml.safe_dump(tree, kubeconfig)
        listed = self.sampan("cluster", "list", "-o", "name", environment={"SAMPAN_KUBECONFIG": file + ".exec"}).stdout
        self.assertEqual(listed, "green--mine\n")
        refused = self.sampan("team", "create", "own", environment=erin, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("cannot create resource", refused.stderr)
        self.sampan("cluster", "delete", "mine", environment=erin)
        self.assertIn("green", self.sampan("team", "list").stdout)

    def test_bad_teams_are_refused_with_reasons(self):
        def team(name, **spec):
            return self.root.request("POST", f"{GROUP}/teams", {
                "apiVersion": "sampan.dev/v1alpha1", "kind": "Team", "metadata": {"name": name}, "spec": spec})
        for name, spec, field in (
                ("kube-system", {}, "metadata.name"), ("default", {}, "metadata.name"), ("a--b", {}, "metadata.name"),
                ("x", {"quota": {"clusters": -1}}, "spec.quota.clusters"),
                ("x", {"members": [{"user": "a", "role": "king"}]}, "spec.members[0].role"),
                ("x", {"members": [{"role": "owner"}]}, "spec.members[0]"),
                ("x", {"clusterLifetime": {"default": "2h", "maximum": "1h"}}, "spec.clusterLifetime.default")):
            answer = team(name, **spec)
            self.assertEqual(answer.code, 422, (name, spec, answer))
            self.assertIn(field, answer.json["message"])
        self.root.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "taken"}})
        self.assertEqual(team("taken").code, 422)
        self.assertEqual(self.root.request("POST", path("taken"), cluster("stray")).code, 403)
        # Nobody becomes a member by asking for a kubeconfig.
        self.team("few", "--member", "alice=owner")
        answer = self.root.request("POST", f"{GROUP}/teams/few/kubeconfig", {"user": "mallory"})
        self.assertEqual(answer.code, 422)
        answer = self.root.request("POST", f"{GROUP}/teams/few/kubeconfig", {"user": "alice", "groups": ["system:masters"]})
        self.assertEqual(answer.code, 422)
