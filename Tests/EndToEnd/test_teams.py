"""Teams: members who see and touch their own, quotas that hold, clusters that end by themselves."""

import base64
import concurrent.futures
import json
import os
import subprocess
import time
import unittest

import yaml

from harness import settings, teams
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
        # The server that goes in between finds out by itself, and ends nothing that it hasn't warned of.
        self.assertEqual(self.root.request("POST", path("brief"), cluster("away", timeToLive="6s")).code, 201)
        self.instance.kill()
        time.sleep(6)
        self.instance.up()
        for name in ("short", "away"):
            until(lambda: self.root.request("GET", path("brief", name)).code == 404, f"{name} is gone", timeout=30)
        self.assertEqual(self.root.request("GET", path("brief", "longer")).code, 200)
        events = self.root.request("GET", "/api/v1/namespaces/brief/events").json["items"]
        for name in ("short", "away"):
            self.assertLessEqual({"Expiring", "Expired"}, {e["reason"] for e in events if e["involvedObject"]["name"] == name})
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

    def login(self, team, user):
        """The environment of a member who uses the command line."""
        file = os.path.join(self.instance.directory, f"{team}-{user}-cli.kubeconfig")
        self.sampan("team", "kubeconfig", team, user, "--output", file)
        return {"SAMPAN_KUBECONFIG": file}

    def refused(self, *arguments, environment=None):
        """What a command says that fails."""
        result = self.sampan(*arguments, environment=environment, check=False)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        return result.stderr

    def test_a_teams_clusters_are_isolated_as_it_allows(self):
        self.team("apart", "--member", "alice=owner", "--member", "bob=developer", "--isolation", "shared,gvisor", "--default-isolation", "gvisor")
        alice, bob = self.login("apart", "alice"), self.login("apart", "bob")
        made = {name: json.loads(self.sampan("cluster", "create", name, *more, "-o", "json", environment=bob).stdout)["spec"].get("isolation")
                for name, more in (("said", ["--isolation", "shared"]), ("silent", []))}
        self.assertEqual(made, {"said": "shared", "silent": "gvisor"})
        # What a team may have isn't its owners' to say.
        self.assertIn("setquota", self.refused("team", "set", "apart", "--isolation", "all", environment=alice))
        self.assertIn("spec.isolation.default", self.refused("team", "set", "apart", "--isolation", "shared"))
        self.sampan("team", "set", "apart", "--isolation", "gvisor")
        self.assertRegex(self.sampan("team", "list", "-o", "wide").stdout, r"(?m)^apart .* gvisor of gvisor ")
        self.assertIn("allowed", self.root.kubectl("explain", "team.spec.isolation"))

        words = 'spec.isolation "shared" isn\'t allowed to the clusters of the team apart: choose "gvisor"'
        self.assertIn(words, self.refused("cluster", "create", "other", "--isolation", "shared", environment=bob))
        self.assertEqual(self.root.request("GET", path("apart", "other")).code, 404)
        # Those that there are stay, and may be changed in everything else; a copy is a new one, and one that comes back isn't.
        self.sampan("cluster", "extend", "said", "--by", "9h", environment=bob)
        self.assertIn(words, self.refused("cluster", "clone", "said", "copy", environment=bob))
        self.sampan("cluster", "delete", "said", environment=bob)
        back = json.loads(self.sampan("cluster", "undelete", "said", "-o", "json", environment=bob).stdout)
        self.assertEqual(back["spec"]["isolation"], "shared")
        archive = os.path.join(self.instance.directory, "said.sampan")
        self.sampan("cluster", "export", "said", "--output", archive, environment=alice)
        self.assertIn(words, self.refused("cluster", "import", archive, "--name", "moved", environment=alice))
        # The platform's administrators may.
        self.sampan("cluster", "create", "trusted", "--isolation", "shared", "--team", "apart")
        answer = Cluster("bob", bob["SAMPAN_KUBECONFIG"]).request(
            "PATCH", path("apart", "silent"), {"spec": {"isolation": "shared"}}, content_type="application/merge-patch+json")
        self.assertEqual(answer.code, 403)

    def test_members_list_what_they_are_in(self):
        self.team("one", "--member", "zoe=developer", "--member", "owen=owner")
        self.team("two", "--member", "zoe=viewer")
        self.team("three", "--member", "owen=owner")
        zoe = self.login("one", "zoe")
        for team in ("one", "two", "three"):
            self.sampan("cluster", "create", "demo", "--team", team, "-l", f"of={team}", "-l", "stage=test")
        self.assertEqual(self.sampan("team", "list", "-o", "name", environment=zoe).stdout.split(), ["one", "two"])
        self.assertEqual(self.sampan("cluster", "list", "-A", "-o", "name", environment=zoe).stdout.split(), ["one--demo", "two--demo"])
        self.assertEqual(self.sampan("cluster", "list", "-A", "-l", "of=two", "-o", "name", environment=zoe).stdout, "two--demo\n")
        self.assertEqual(len(json.loads(self.sampan("cluster", "list", "-l", "stage=test", "-o", "json").stdout)["items"]), 3)
        self.assertRegex(self.sampan("cluster", "list", "-o", "wide", environment=zoe).stdout, r"of=one,stage=test\n")
        # Kubernetes' own list is as it is.
        self.assertEqual(Cluster("zoe", zoe["SAMPAN_KUBECONFIG"]).request("GET", f"{GROUP}/teams").code, 403)

    def test_who_leaves_a_team_is_named_right(self):
        self.team("staff", "--member", "alice=owner", "--member", "bob=developer")
        self.assertIn("The team's members are alice, bob", self.refused("team", "set", "staff", "--without", "bbo"))
        told = self.sampan("team", "set", "staff", "--without", "bob").stderr
        self.assertIn("rotate-authority", told)
        self.assertNotIn("Warning", told)
        self.assertIn("Warning: the team staff has no owner any more", self.sampan("team", "set", "staff", "--without", "alice").stderr)
        answer = self.root.request("PATCH", f"{GROUP}/teams/staff", {"spec": {"members": [{"user": " ", "role": "owner"}]}},
                                   content_type="application/merge-patch+json")
        self.assertEqual(answer.code, 422, answer)
        self.assertIn("spec.members[0].user", answer.json["message"])

    def test_members_credentials_end(self):
        self.team("strict", "--member", "alice=owner", "--max-credential-ttl", "24h")
        self.team("loose", "--member", "bob=owner")
        alice, bob = self.login("strict", "alice"), self.login("loose", "bob")
        for who in (alice, bob):
            self.sampan("cluster", "create", "demo", environment=who)
        file = os.path.join(self.instance.directory, "long.kubeconfig")
        def ask(who, *arguments):
            return "cluster", "kubeconfig", "demo", *arguments, "--output", file
        self.assertIn("24h0m0s) for members of the team strict", self.refused(*ask(alice, "--long-lived"), environment=alice))
        self.sampan(*ask(alice, "--expires", "24h"), environment=alice)
        self.sampan(*ask(alice), environment=alice)
        self.assertIn("kube-system", Cluster("demo", file).kubectl("get", "namespaces"))
        self.assertIn("must be between", self.refused(*ask(bob, "--expires", "87600h"), environment=bob))
        self.sampan(*ask(bob, "--long-lived"), environment=bob)
        self.sampan(*ask(bob, "--expires", "87600h"), "--team", "strict")
        self.assertIn("setquota", self.refused("team", "set", "strict", "--max-credential-ttl", "none", environment=alice))

    def test_what_commands_print_and_refuse(self):
        self.team("plain", "--clusters", "2")
        self.assertIn("--clusters -1: must be a number of 0 or more", self.refused("team", "set", "plain", "--clusters", "-1"))
        self.assertIn("--limit pods=-1: must be", self.refused("cluster", "create", "x", "--limit", "pods=-1"))
        for command in (["cluster", "create", "x"], ["cluster", "list"], ["usage"]):
            self.assertIn("There is no team nix", self.refused(*command, "--team", "nix"))
        # Of several all are tried.
        said = self.refused("cluster", "create", "a", "Not_Good", "b", "c", "--team", "plain")
        self.assertIn("2 of 4 clusters weren't created: Not_Good, c", said)
        here = ["--team", "plain", "-o", "name"]
        self.assertEqual(self.sampan("cluster", "list", *here).stdout.split(), ["plain--a", "plain--b"])
        self.assertEqual(self.sampan("team", "set", "plain", "--clusters", "none", "-o", "name").stdout, "plain\n")
        self.assertEqual(self.sampan("cluster", "clone", "a", "d", *here).stdout, "d\n")
        self.assertEqual(self.sampan("cluster", "extend", "a", "--by", "3h", *here).stdout, "a\n")
        self.assertEqual(self.sampan("cluster", "rotate-authority", "a", *here).stdout, "a\n")
        object = json.loads(self.sampan("cluster", "extend", "b", "--by", "3h", "--team", "plain", "-o", "json").stdout)
        # The object counts the changes of its spec, and the status says which one it goes by.
        self.assertEqual(object["metadata"]["generation"], 2)
        until(lambda: self.root.get("virtualclusters", "b", "-n", "plain")["status"]["observedGeneration"] == 2, "the change was seen")
        until(lambda: (lambda team: team["status"]["observedGeneration"] == team["metadata"]["generation"] == 2)(self.root.get("team", "plain")),
              "the team's change was seen")
        with self.subTest("snapshot"):
            self.sampan("cluster", "snapshot", "a", "--team", "plain", "--no-volumes", "--directory", self.instance.directory)
            file = next(name for name in os.listdir(self.instance.directory) if name.startswith("a-2") and name.endswith(".sampan"))
            self.assertEqual(
                self.sampan("cluster", "import", os.path.join(self.instance.directory, file), "--name", "e", *here).stdout, "e\n")
        # A team doesn't take clusters along that could be brought back, unless that is meant.
        self.assertEqual(self.sampan("cluster", "delete", "a", "b", "d", "e", *here).stdout.split(), ["a", "b", "d", "e"])
        self.assertEqual(self.sampan("cluster", "undelete", "a", *here).stdout, "a\n")
        self.sampan("cluster", "delete", "a", "--now", "--team", "plain")
        said = self.refused("team", "delete", "plain")
        self.assertIn("has 3 deleted clusters that can be brought back", said)
        self.assertIn("b (until 20", said)
        self.assertEqual(self.sampan("team", "delete", "plain", "--now", "-o", "name").stdout, "plain\n")

    def test_the_shell_completes(self):
        self.team("shell")
        self.sampan("cluster", "create", "shore", "--team", "shell")
        def run(*arguments, **environment):
            return subprocess.run([settings.binary, *arguments], capture_output=True, text=True, env={**os.environ, **environment})
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("rotate-authority", run("completion", shell).stdout)
        typed = ["sampan", "cluster", "delete", "--data-dir", self.instance.directory, "--team", "shell", ""]
        asked = ["---completion", "cluster", "delete", "--", "positional@0", "7", "0", *typed]
        self.assertEqual(run(*asked, SAP_SHELL="bash").stdout.split(), ["shore"])
        nowhere = run(*asked, SAP_SHELL="bash", SAMPAN_KUBECONFIG="/nowhere")
        self.assertEqual((nowhere.returncode, nowhere.stdout.strip(), nowhere.stderr), (0, "", ""))

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
