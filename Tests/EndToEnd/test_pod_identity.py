"""A pod reaches its own API server at kubernetes.default.svc, with its service account's token."""

import json
import subprocess
import sys
import unittest

from harness import shared, system

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
        # busybox' nslookup takes full names only; the search list is everybody else's business.
        self.assertIn("10.96.0.1", self.cluster.exec("box", "nslookup", "kubernetes.default.svc.cluster.local"))
        for name in ("kubernetes", "kubernetes.default", "kubernetes.default.svc"):
            with self.subTest(name):
                # Services don't answer pings; its first line says what the name resolved to.
                self.assertIn("(10.96.0.1)", self.cluster.exec("box", "ping", "-c", "1", "-W", "1", name, check=False).stdout)

    def test_the_api_server_answers_there(self):
        """Debian's busybox can't speak TLS, so this machine's Python does it from inside the pod's network."""
        address = self.cluster.get("pod/box")["status"]["podIP"]
        token, authority = (self.cluster.exec("box", "cat", f"{FOLDER}/{name}") for name in ("token", "ca.crt"))
        script = (
            "import http.client, json, socket, ssl, sys\n"
            "token, authority = json.load(sys.stdin)\n"
            "context = ssl.create_default_context(cadata=authority)\n"
            "raw = socket.create_connection(('10.96.0.1', 443), timeout=10)\n"
            "connection = http.client.HTTPSConnection('kubernetes.default.svc')\n"
            "connection.sock = context.wrap_socket(raw, server_hostname='kubernetes.default.svc')\n"
            "connection.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews',\n"
            "    json.dumps({'apiVersion': 'authentication.k8s.io/v1', 'kind': 'SelfSubjectReview'}),\n"
            "    {'Authorization': 'Bearer ' + token, 'Content-Type': 'application/json', 'Accept': 'application/json'})\n"
            "sys.stdout.write(connection.getresponse().read().decode())\n")
        answer = subprocess.run(
            ["nsenter", f"--net=/proc/{self.process_with(address)}/ns/net", sys.executable, "-c", script],
            input=json.dumps([token, authority]), capture_output=True, text=True, timeout=60)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(json.loads(answer.stdout)["status"]["userInfo"]["username"], "system:serviceaccount:default:default")

    def process_with(self, address):
        """A process in the network namespace that has the address."""
        for line in system.processes_of(shared.instance()):
            pid = line.split()[0]
            shown = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-4", "-o", "address"], capture_output=True, text=True)
            if f" {address}/" in shown.stdout and "lo" in shown.stdout and f"{address}/" in shown.stdout.split("eth0", 1)[-1]:
                return pid
        self.fail(f"no process has the address {address}")

    def test_the_token_is_that_of_the_service_account(self):
        token = self.cluster.exec("box", "cat", f"{FOLDER}/token")
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        status = self.cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review).json["status"]
        self.assertEqual(status.get("authenticated"), True, status)
        self.assertEqual(status["user"]["username"], "system:serviceaccount:default:default")
        self.assertIn("authentication.kubernetes.io/pod-name", status["user"]["extra"])
