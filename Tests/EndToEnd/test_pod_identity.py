"""A pod reaches its own API server at kubernetes.default.svc, with its service account's token."""

import unittest

from harness import shared

FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"


class PodIdentity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("identity")
        cls.cluster.shell("box")

    def test_has_a_token_an_authority_and_a_namespace(self):
        self.assertEqual(self.cluster.exec("box", "cat", f"{FOLDER}/namespace"), "default")
        self.assertIn("BEGIN CERTIFICATE", self.cluster.exec("box", "cat", f"{FOLDER}/ca.crt"))
        self.assertEqual(self.cluster.exec("box", "cat", f"{FOLDER}/token").count("."), 2)

    def test_has_the_services_in_its_environment(self):
        environment = self.cluster.exec("box", "env")
        self.assertIn("KUBERNETES_SERVICE_HOST=10.96.0.1", environment)
        self.assertIn("KUBERNETES_SERVICE_PORT=443", environment)

    def test_resolves_the_api_server(self):
        for name in ("kubernetes.default.svc", "kubernetes.default.svc.cluster.local"):
            self.assertIn("10.96.0.1", self.cluster.exec("box", "nslookup", name))

    def test_the_api_server_answers_there(self):
        """busybox' wget doesn't check certificates, but it speaks TLS; the token makes it the pod's service account."""
        script = (f'wget -q -O - --header "Authorization: Bearer $(cat {FOLDER}/token)" '
                  "https://kubernetes.default.svc/apis/authorization.k8s.io/v1 2>&1")
        answer = self.cluster.exec("box", "sh", "-c", script, check=False)
        if "not an http or ftp url" in answer.stdout or "ssl_client" in answer.stdout or "TLS" in answer.stdout:
            reached = self.cluster.exec("box", "nc", "-z", "-w", "3", "kubernetes.default.svc", "443", check=False)
            self.assertEqual(reached.returncode, 0, "nothing listens at kubernetes.default.svc:443")
            self.skipTest("Debian's busybox can't speak HTTPS here; that the port answers was checked")
        self.assertIn("selfsubjectaccessreviews", answer.stdout)

    def test_the_token_is_that_of_the_service_account(self):
        token = self.cluster.exec("box", "cat", f"{FOLDER}/token")
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        status = self.cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review).json["status"]
        self.assertEqual(status.get("authenticated"), True, status)
        self.assertEqual(status["user"]["username"], "system:serviceaccount:default:default")
        self.assertIn("authentication.kubernetes.io/pod-name", status["user"]["extra"])
