"""What the conformance suite of v1.36 asks of services and v1.20's, which can be run here, doesn't: with pods (docs/conformance.md)."""

import base64
import json
import os
import subprocess
import sys
import unittest

from harness import shared
from harness.waiting import until
from harness.webhook import process_in

SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


class ConformanceNetwork(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("conformance-network")
        cls.addClassCleanup(shared.instance().delete, "conformance-network")
        cls.addresses = {}
        for name in ("one", "two"):
            cls.cluster.shell(name)
            tree = cls.cluster.get(f"pod/{name}")
            cls.addresses[name] = tree["status"]["podIP"]
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "harness", "echo.py")
            server = subprocess.Popen(["nsenter", "-t", str(process_in(tree)), "-n", sys.executable, script, "80", "3001", "3002"])
            cls.addClassCleanup(server.wait)
            cls.addClassCleanup(server.kill)
        cls.cluster.shell("client")

    def ask(self, method, path, body=None, code=200, **options):
        answer = self.cluster.request(method, path, body, **options)
        self.assertEqual(answer.code, code, answer)
        return answer.json if answer.body else None

    def service(self, name, ports, selector=None):
        made = self.ask("POST", "/api/v1/namespaces/default/services", {
            "metadata": {"name": name}, "spec": {"ports": ports, **({"selector": selector} if selector else {})}}, 201)
        return made["spec"]["clusterIP"]

    def slice(self, name, service, addresses, ports):
        self.ask("POST", SLICES, {
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service, "endpointslice.kubernetes.io/managed-by": "e2e-test"}},
            "addressType": "IPv4", "endpoints": [{"addresses": [address]} for address in addresses], "ports": ports}, 201)

    def answers(self, url, text, times=1):
        return until(lambda: all(text in self.cluster.fetch("client", url) for _ in range(times)), f"{url} answers with {text}")

    def test_proxies_take_every_method(self):
        """Proxy version v1 A set of valid responses are returned for both pod and service Proxy; ... ProxyWithPath"""
        self.service("test-service", [{"port": 80, "targetPort": 80, "protocol": "TCP"}], {"app": "one"})
        for base in ("/api/v1/namespaces/default/pods/one/proxy", "/api/v1/namespaces/default/services/test-service/proxy"):
            until(lambda: self.cluster.request("GET", base + "/").code == 200, f"{base} answers")
            for method in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"):
                with self.subTest(base=base, method=method):
                    answer = self.cluster.request(method, f"{base}/some/path/with/{method}")
                    self.assertEqual(answer.code, 200, answer)
                    if method != "HEAD":
                        self.assertEqual(answer.json, {"Method": method, "Body": "port 80"})
                    answer = self.cluster.request(method, f"{base}?method={method}")
                    if method in ("GET", "HEAD"):
                        self.assertEqual(answer.code, 301, answer)
                    else:
                        self.assertEqual((answer.code, answer.json["Method"]), (200, method))

    def test_two_protocols_on_one_port(self):
        """Services should serve endpoints on same port and different protocols"""
        address = self.service("multiprotocol-test", [
            {"name": "tcp", "port": 80, "protocol": "TCP", "targetPort": 80}, {"name": "udp", "port": 80, "protocol": "UDP", "targetPort": 80}],
            {"app": "one"})
        found = until(lambda: [i for i in self.ask("GET", f"{SLICES}?labelSelector=kubernetes.io/service-name%3Dmultiprotocol-test")["items"]
                               if i["endpoints"]], "there is an endpoint")
        self.assertEqual(sorted((p["protocol"], p["port"]) for p in found[0]["ports"]), [("TCP", 80), ("UDP", 80)])
        self.answers(f"http://{address}/", "port 80")
        # Busybox' nc knows no UDP.
        question = ("import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(1); "
                    f"s.sendto(b'x', ('{address}', 80)); print(s.recv(100).decode())")
        pid = process_in(self.cluster.get("pod/client"))
        datagram = lambda: "udp port 80" in subprocess.run(
            ["nsenter", "-t", str(pid), "-n", sys.executable, "-c", question], capture_output=True, text=True).stdout
        until(datagram, "UDP is answered")
        # One protocol less, and the other goes on.
        self.ask("PATCH", "/api/v1/namespaces/default/services/multiprotocol-test", [{"op": "remove", "path": "/spec/ports/1"}],
                 content_type="application/json-patch+json")
        until(lambda: not datagram(), "UDP isn't answered any more")
        self.answers(f"http://{address}/", "port 80")

    def test_endpoints_in_several_slices(self):
        """EndpointSlice should support a Service with multiple endpoint IPs specified in multiple EndpointSlices"""
        address = self.service("example-custom-endpoints", [{"name": "port80", "port": 80, "protocol": "TCP"}, {"name": "port81", "port": 81, "protocol": "TCP"}])
        for name, pod in (("slice1", "one"), ("slice2", "two")):
            self.slice(name, "example-custom-endpoints", [self.addresses[pod]], [
                {"name": "port80", "port": 3001, "protocol": "TCP"}, {"name": "port81", "port": 3002, "protocol": "TCP"}])
        self.answers(f"http://{address}:80/", "port 3001", 4)
        self.answers(f"http://{address}:81/", "port 3002", 4)
        self.ask("DELETE", f"{SLICES}/slice1")
        self.answers(f"http://{address}:80/", "port 3001", 4)

    def test_ports_in_several_slices(self):
        """EndpointSlice should support a Service with multiple ports specified in multiple EndpointSlices"""
        address = self.service("example-custom-ports", [{"name": "port80", "port": 80, "protocol": "TCP"}, {"name": "port81", "port": 81, "protocol": "TCP"}])
        self.slice("slice3", "example-custom-ports", [self.addresses["one"]], [{"name": "port80", "port": 3001, "protocol": "TCP"}])
        self.slice("slice4", "example-custom-ports", [self.addresses["one"]], [{"name": "port81", "port": 3002, "protocol": "TCP"}])
        self.answers(f"http://{address}:80/", "port 3001")
        self.answers(f"http://{address}:81/", "port 3002")

    def test_endpoints_of_pods(self):
        """EndpointsController should create Endpoints for Pods matching a Service"""
        self.service("example-int-port", [{"name": "example", "port": 80, "targetPort": 3000, "protocol": "TCP"}], {"app": "one"})
        until(lambda: self.cluster.request("GET", "/api/v1/namespaces/default/endpoints/example-int-port").code == 200
              and self.ask("GET", "/api/v1/namespaces/default/endpoints/example-int-port").get("subsets"), "there are endpoints")
        subset, = self.ask("GET", "/api/v1/namespaces/default/endpoints/example-int-port")["subsets"]
        self.assertEqual([a["ip"] for a in subset["addresses"]], [self.addresses["one"]])
        self.assertEqual(subset["addresses"][0]["targetRef"]["name"], "one")
        self.assertEqual(subset["ports"], [{"name": "example", "port": 3000, "protocol": "TCP"}])
        # Deleted slices come again.
        selector = "labelSelector=kubernetes.io/service-name%3Dexample-int-port"
        old = self.ask("GET", f"{SLICES}?{selector}")["items"]
        self.ask("DELETE", f"{SLICES}?{selector}")
        until(lambda: [i for i in self.ask("GET", f"{SLICES}?{selector}")["items"]
                       if i["endpoints"] and i["metadata"]["uid"] != old[0]["metadata"]["uid"]], "the slice is made again")

    def test_logs_are_filtered(self):
        """Kubectl logs logs should be able to retrieve and filter logs"""
        self.cluster.apply({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "logs-generator"}, "spec": {"restartPolicy": "Never", "containers": [{
                "name": "logs-generator", "image": "sampan.dev/sample/web:1", "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", "for i in $(seq 100); do echo line $i; done; sleep 1000"]}], "terminationGracePeriodSeconds": 0}})
        logs = lambda *options: self.cluster.kubectl("logs", "logs-generator", "logs-generator", *options)
        until(lambda: "line 100" in logs(), "everything is there")
        self.assertEqual(logs("--tail=1"), "line 100\n")
        self.assertEqual(logs("--limit-bytes=1"), "l")
        stamped = logs("--tail=1", "--timestamps").split(" ", 1)
        self.assertEqual(stamped[1], "line 100\n")
        self.assertRegex(stamped[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)$")
        self.assertEqual(len(logs("--since=24h").splitlines()), 100)

    def test_tokens_can_be_checked_from_within(self):
        """ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer"""
        self.cluster.kubectl("create", "clusterrolebinding", "discovery", "--clusterrole=system:service-account-issuer-discovery",
                             "--serviceaccount=default:default")
        token = self.cluster.kubectl("create", "token", "default", "--audience=oidc-discovery-test").strip()
        own = self.cluster.kubectl("create", "token", "default").strip()
        connection = self.cluster.connect(token=own, certificate=None)
        self.addCleanup(connection.close)
        document = connection.request("GET", "/.well-known/openid-configuration")
        self.assertEqual((document.code, document.headers["Content-Type"]), (200, "application/json"))
        self.assertEqual(document.json["issuer"], "https://kubernetes.default.svc.cluster.local")
        keys = connection.request("GET", "/openid/v1/jwks")
        self.assertEqual((keys.code, keys.headers["Content-Type"]), (200, "application/jwk-set+json"))
        header = base64.urlsafe_b64decode(token.split(".")[0] + "==")
        self.assertIn(json.loads(header)["kid"], [key["kid"] for key in keys.json["keys"]])


if __name__ == "__main__":
    unittest.main()
