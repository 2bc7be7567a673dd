"""People come with tokens of OpenID Connect issuers: of the platform's, and of a cluster's own, through real clients."""

import json
import os
import signal
import subprocess
import tempfile
import unittest

import yaml

from harness import settings, shared
from harness.cluster import Connection
from harness.issuer import Issuer, LocalIssuer
from harness.waiting import until
from harness.webhook import Webhook

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
CLUSTERS = "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters"


def ask(cluster, token, method="POST", path=WHO, body=REVIEW):
    connection = Connection(cluster.url, cluster.authority, token=token)
    try:
        return connection.request(method, path, body)
    finally:
        connection.close()


def mapping(**more):
    return {"username": {"claim": "sub", "prefix": "oidc:"}, "groups": {"claim": "groups", "prefix": "oidc:"}, **more}


class PeopleOfThePlatform(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.issuer = LocalIssuer(cls)
        cls.issuer.publish(("one", "RS256"))
        folder = tempfile.mkdtemp(prefix="sampan-people-", dir=settings.folder)
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", folder], check=True)
        cls.file = os.path.join(folder, "authentication.yaml")
        cls.write(cls.configuration())
        cls.instance = shared.new("people", containers=False, options=["--authentication-config", cls.file])
        cls.root = cls.instance.root()
        cls.tenant = cls.instance.cluster("tenant")

    @classmethod
    def configuration(cls, **more):
        return {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": [{
            "issuer": {"url": cls.issuer.url, "audiences": ["sampan"], "certificateAuthority": cls.issuer.authority},
            "claimMappings": mapping(extra=[{"key": "example.com/floor", "valueExpression": "claims.?floor.orValue('')"}]),
            "claimValidationRules": [{"expression": "claims.exp - claims.iat <= 86400", "message": "it would live too long"}],
            "userValidationRules": [{"expression": "user.groups.all(g, !g.startsWith('system:'))", "message": "not that group"}],
            **more,
        }]}

    @classmethod
    def write(cls, tree):
        with open(cls.file, "w") as file:
            yaml.safe_dump(tree, file)

    def token(self, subject="jane", key="one", **claims):
        return self.issuer.token(subject, key, **claims)

    def test_a_token_says_who_one_is(self):
        answer = ask(self.root, self.token(groups=["dev"], floor="4", jti="x"))
        self.assertEqual(answer.code, 201, answer)
        self.assertEqual(answer.json["status"]["userInfo"], {
            "username": "oidc:jane", "groups": ["oidc:dev", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": ["JTI=x"], "example.com/floor": ["4"]}})
        self.assertEqual(ask(self.root, self.token(), "GET", "/api/v1/namespaces", None).code, 403)
        # The platform's people are nobody in its clusters.
        self.assertEqual(ask(self.tenant, self.token()).code, 401)

    def test_groups_are_members_of_teams(self):
        self.instance.sampan("team", "create", "crew", "--member", "group:oidc:crew=developer")
        path = CLUSTERS.replace("default", "crew")
        body = {"apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": {"name": "mine"}}
        until(lambda: self.root.get("rolebindings", "-n", "crew")["items"], "the team's permissions are there")
        self.assertEqual(ask(self.root, self.token(groups=["crew"]), path=path, body=body).code, 201)
        self.assertEqual(ask(self.root, self.token(groups=["other"]), path=path, body=body).code, 403)
        kubeconfig = ask(self.root, self.token(groups=["crew"]), path=f"{path}/mine/kubeconfig", body={
            "apiVersion": "sampan.dev/v1alpha1", "kind": "KubeconfigRequest"})
        self.assertEqual(kubeconfig.code, 201, kubeconfig)

    def test_kubectl_brings_a_token(self):
        # kubectl prefers the certificate of the kubeconfig; so one without is made.
        tree = yaml.safe_load(open(self.root.kubeconfig))
        tree["users"][0]["user"] = {"token": self.token(groups=["dev"])}
        path = os.path.join(os.path.dirname(self.file), "jane.kubeconfig")
        with open(path, "w") as file:
            yaml.safe_dump(tree, file)
        result = subprocess.run([settings.kubectl, "--kubeconfig", path, "auth", "whoami", "-o", "json"], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["status"]["userInfo"]["username"], "oidc:jane")

    def test_what_is_no_good_token_is_refused(self):
        self.issuer.publish(("one", "RS256"), ("stranger", "RS256"))
        self.issuer.publish(("one", "RS256"))
        good = self.token()
        head, body, signature = good.split(".")
        forged = self.issuer.token("jane", "stranger", header={"kid": "one"})
        refused = {
            "another key's": forged,
            "another key's, by its name": self.issuer.token("jane", "stranger"),
            "changed": f"{head}.{self.token('root').split('.')[1]}.{signature}",
            "unsigned": f"{head}.{body}.",
            "past its time": self.token(life=-1),
            "for somebody else": self.token(audience="other"),
            "of another issuer": self.token(iss="https://other.example.com"),
            "not yet": self.token(nbf=4000000000),
            "too long": self.token(life=100000),
            "whose name is a number": self.token(sub=5),
            "by no algorithm": self.issuer.token("jane", "one", header={"alg": "none"}),
            "by a secret": self.issuer.token("jane", "one", header={"alg": "HS256"}),
        }
        for what, token in refused.items():
            with self.subTest(what):
                answer = ask(self.root, token)
                self.assertEqual((answer.code, answer.json["message"]), (401, "Unauthorized"))

    def test_reviews_tell_why(self):
        answer = self.root.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": self.token(life=-1)}})
        self.assertIn("oidc: verify token: oidc: token is expired", answer.json["status"]["error"])
        answer = self.root.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": self.token(life=100000)}})
        self.assertIn("failed: it would live too long", answer.json["status"]["error"])

    def test_keys_are_changed(self):
        self.addCleanup(self.issuer.publish, ("one", "RS256"))
        for name, algorithm in (("pss", "PS256"), ("curve", "ES256"), ("longer", "ES384")):
            with self.subTest(algorithm):
                self.issuer.publish((name, algorithm))
                token = self.token(key=name)
                # The issuer isn't asked again at once, whoever asks for it.
                until(lambda: ask(self.root, token).code == 201, "the new key is known")
        before = len(self.issuer.asked)
        for _ in range(30):
            self.assertEqual(ask(self.root, self.token(key="longer", header={"kid": "unknown"})).code, 401)
        self.assertLessEqual(len(self.issuer.asked) - before, 2 * 6)
        self.issuer.publish(("one", "RS256"))
        until(lambda: ask(self.root, self.token()).code == 201, "the old key is known again")

    def reload(self, tree):
        self.write(tree)
        os.kill(self.instance.pid, signal.SIGHUP)

    def test_a_changed_configuration_is_taken_up(self):
        for tree in (self.configuration(issuer={"url": self.issuer.url, "audiences": ["other"], "certificateAuthority": self.issuer.authority}),
                     {"kind": "Nonsense"}):
            self.reload(tree)
            until(lambda: ask(self.root, self.token(audience="other")).code == 201, "the other audience is believed")
            self.assertEqual(ask(self.root, self.token()).code, 401)
        until(lambda: "couldn't take up" in self.instance.log(), "the log tells that it was no good")
        # It keeps nothing else from being taken up.
        self.assertIn("has a new authority", self.instance.sampan("rotate-authority", timeout=20).stdout)
        self.assertEqual(ask(self.root, self.token(audience="other")).code, 201)
        self.reload(self.configuration())
        until(lambda: ask(self.root, self.token()).code == 201, "the first audience is believed again")
        self.assertEqual(ask(self.root, self.token(audience="other")).code, 401)

    def test_a_server_does_not_start_with_a_wrong_configuration(self):
        path = self.file + ".wrong"
        for change, words in (({"issuer": {"url": "http://x", "audiences": ["a"]}}, "jwt[0].issuer.url"), ({"claimMapings": {}}, "unknown field"),
                              ({"claimMappings": {"username": {"expression": "claims.("}}}, "compilation failed")):
            with self.subTest(words):
                with open(path, "w") as file:
                    yaml.safe_dump(self.configuration(**change), file)
                result = self.instance.sampan("up", "--authentication-config", path, check=False)
                self.assertNotEqual(result.returncode, 0)
                directory = tempfile.mkdtemp(prefix="sampan-wrong-", dir=settings.folder)
                self.addCleanup(subprocess.run, ["rm", "-rf", directory], check=True)
                result = subprocess.run(
                    [settings.binary, "up", "--no-containers", "--data-dir", directory, "--api-port", "16999", "--dns-port", "16998",
                     "--authentication-config", path], capture_output=True, text=True, timeout=60)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(words, result.stderr)


class PeopleOfACluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.root = cls.instance.root()
        cls.cluster = cls.instance.cluster("people")
        # An issuer in a pod of the cluster, behind its service `hook`.
        cls.hook = Webhook(cls, cls.cluster, "issuer_server.py")
        cls.issuer = Issuer("https://hook.default.svc", cls.hook.folder)
        cls.issuer.publish(("one", "ES256"))
        cls.addClassCleanup(cls.believe, None)

    @classmethod
    def believe(cls, *issuers, check=True, **more):
        tree = cls.root.request("GET", f"{CLUSTERS}/people").json
        tree["spec"]["authentication"] = {"jwt": [
            {"issuer": {"audiences": ["sampan"], **issuer}, "claimMappings": mapping()} for issuer in issuers if issuer], **more}
        answer = cls.root.request("PUT", f"{CLUSTERS}/people", tree)
        if check and answer.code != 200:
            raise AssertionError(answer)
        return answer

    def test_an_issuer_in_the_cluster(self):
        self.believe({"url": self.issuer.url, "egressSelectorType": "cluster", "certificateAuthority": self.hook.authority})
        token = self.issuer.token("sue", "one", groups=["ops"])
        until(lambda: ask(self.cluster, token).code == 201, "the issuer's keys are known")
        self.assertEqual(ask(self.cluster, token).json["status"]["userInfo"]["groups"], ["oidc:ops", "system:authenticated"])
        self.assertEqual(ask(self.root, token).code, 401)
        self.assertEqual(ask(self.instance.cluster("others"), token).code, 401)
        self.cluster.kubectl("create", "clusterrolebinding", "ops", "--clusterrole=view", "--group=oidc:ops")
        self.assertEqual(ask(self.cluster, token, "GET", "/api/v1/pods", None).code, 200)
        self.cluster.kubectl("delete", "clusterrolebinding", "ops")
        self.assertEqual(ask(self.cluster, token, "GET", "/api/v1/pods", None).code, 403)
        # What is believed no more is nothing from the next request on.
        self.believe()
        self.assertEqual(ask(self.cluster, token).code, 401)

    def test_an_issuer_leads_nowhere_else(self):
        """Whoever owns a cluster can't have this machine, or a cloud's metadata, read by the server."""
        local = LocalIssuer(type(self))
        local.publish(("one", "ES256"))
        self.believe({"url": local.url, "certificateAuthority": local.authority}, {"url": "https://169.254.169.254"})
        self.assertEqual(ask(self.cluster, local.token("eve", "one")).code, 401)
        review = self.cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": local.token("eve", "one")}})
        self.assertIn("isn't one that this cluster's webhooks may have", review.json["status"]["error"])
        self.assertEqual(local.asked, [])
        self.believe()

    def test_a_wrong_configuration_is_refused_when_it_is_written(self):
        answer = self.believe({"url": "http://x"}, check=False)
        self.assertEqual((answer.code, answer.json["reason"]), (422, "Invalid"))
        self.assertIn('spec.authentication.jwt[0].issuer.url: Invalid value: "http://x": URL scheme must be https', answer.json["message"])

    def test_nobody_may_be_refused(self):
        nobody = Connection(self.cluster.url, self.cluster.authority)
        self.addCleanup(nobody.close)
        self.assertEqual(nobody.request("GET", "/version").code, 200)
        self.addCleanup(self.believe)
        self.believe(anonymous={"enabled": True, "conditions": [{"path": "/livez"}]})
        self.assertEqual((nobody.request("GET", "/livez").code, nobody.request("GET", "/version").code), (200, 401))
        self.believe(anonymous={"enabled": False})
        self.assertEqual(nobody.request("GET", "/livez").code, 401)
        self.cluster.kubectl("get", "namespaces")
