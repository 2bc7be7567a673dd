"""Every verb on every resource and subresource of a cluster, with every credential that isn't its own: nothing, and no hint."""

import itertools
import unittest

from harness import shared
from harness.cluster import Connection

METHODS = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE",
           "deletecollection": "DELETE"}
# Verbs of connections aren't in discovery.
STREAMS = [("pods", s) for s in ("exec", "attach", "portforward", "proxy", "log")] + [("services", "proxy"), ("nodes", "proxy")]


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new("matrix", containers=False)
        cls.victim, cls.stranger = cls.instance.cluster("victim"), cls.instance.cluster("stranger")
        for cluster in (cls.victim, cls.stranger):
            cluster.kubectl("create", "secret", "generic", "there")
        cls.requests = list(cls.all_requests())

    @classmethod
    def all_requests(cls):
        """(method, path) of everything that discovery tells of, for an object that exists where one may, and for one that doesn't."""
        versions = [("/api/v1", cls.victim.request("GET", "/api/v1").json)]
        for group in cls.victim.request("GET", "/apis").json["groups"]:
            for version in group["versions"]:
                path = f"/apis/{version['groupVersion']}"
                versions.append((path, cls.victim.request("GET", path).json))
        for prefix, listed in versions:
            for resource in listed["resources"]:
                plural, _, part = resource["name"].partition("/")
                verbs = set(resource["verbs"])
                parts = [part] + [s for p, s in STREAMS if p == plural and not part and prefix == "/api/v1"]
                base = f"{prefix}/namespaces/default/{plural}" if resource["namespaced"] else f"{prefix}/{plural}"
                for verb, name, subresource in itertools.product(verbs, ("there", "not-there"), parts):
                    method = METHODS[verb]
                    if not subresource and verb in ("list", "create", "deletecollection", "watch"):
                        yield method, base + ("?watch=1&timeoutSeconds=1" if verb == "watch" else "")
                    else:
                        yield method, f"{base}/{name}" + (f"/{subresource}" if subresource else "")
        for path in ("/api", "/apis", "/openapi/v2", "/openapi/v3", "/metrics", "/openid/v1/jwks", "/.well-known/openid-configuration"):
            yield "GET", path

    def answers(self, url, **credentials):
        connection = Connection(url, self.victim.authority, **credentials)
        try:
            return {(method, path): connection.request(method, path, "{}" if method in ("POST", "PUT", "PATCH") else None)
                    for method, path in sorted(set(self.requests))}
        finally:
            connection.close()

    def test_strangers_get_nothing_and_learn_nothing(self):
        self.assertGreater(len(set(self.requests)), 700)
        token = self.stranger.kubectl("create", "token", "default").strip()
        credentials = {
            "the other cluster's administrator": {"token": self.stranger.token, "certificate": self.stranger.certificate},
            "the other cluster's service account": {"token": token},
            "no credential of anybody's": {"token": "sampan-of-nobody"},
        }
        nowhere = self.victim.url.replace("/clusters/victim", "/clusters/there-is-no-such")
        self.assertNotEqual(nowhere, self.victim.url)
        for who, given in credentials.items():
            there = self.answers(self.victim.url, **given)
            missing = self.answers(nowhere, **given)
            for request, answer in there.items():
                with self.subTest(f"{who}: {request}"):
                    self.assertEqual((answer.code, answer.json["message"]), (401, "Unauthorized"), answer)
                    # A cluster that isn't there answers in the same words.
                    self.assertEqual((missing[request].code, missing[request].body), (answer.code, answer.body))

    def test_nobody_gets_nothing(self):
        there = self.answers(self.victim.url)
        for request, answer in there.items():
            with self.subTest(request):
                self.assertIn(answer.code, (401, 403), answer)
                self.assertIn("system:anonymous", answer.json["message"])

    def test_an_account_without_rights_gets_nothing(self):
        token = self.victim.kubectl("create", "token", "default").strip()
        allowed = set()
        for request, answer in self.answers(self.victim.url, token=token).items():
            if answer.code != 403:
                allowed.add(request)
        # What upstream lets everybody who is somebody do: discovery, and asking what oneself is and may.
        self.assertEqual({path for method, path in allowed if method != "GET"}, {
            f"/apis/{p}" for p in ("authorization.k8s.io/v1/selfsubjectaccessreviews", "authorization.k8s.io/v1/selfsubjectrulesreviews",
                                   "authentication.k8s.io/v1/selfsubjectreviews")})
        self.assertLessEqual({path for method, path in allowed if method == "GET"}, {
            "/api", "/apis", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/.well-known/openid-configuration"})
