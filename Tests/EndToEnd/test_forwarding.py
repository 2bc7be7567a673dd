"""port-forward, and the proxies to pods, services and nodes."""

import concurrent.futures
import hashlib
import json
import os
import socket
import subprocess
import threading
import unittest
import urllib.request

import kubernetes
from kubernetes.stream import portforward

from harness import shared
from harness.cluster import pod
from harness.forward import forwarded, get, receive
from harness.instance import free_port
from harness.waiting import until

# Sends back what it gets, a process for each connection; another port takes everything and then says how much it was.
ECHO = "nc -ll -p 7000 -e cat & nc -ll -p 7001 -e wc -c & trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"


class Forwarding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("forwarding")
        cls.cluster.deploy("site")
        cls.cluster.apply(pod("echo", ["sh", "-c", ECHO]))
        cls.cluster.ready("echo")

    def test_forwards_to_a_deployment_and_a_service(self):
        for target, port in (("deployment/site", 8080), ("service/site", 80)):
            with forwarded(self.cluster.command(), target, port) as (local, _):
                self.assertIn(b"version 1 from site-", get(local))
                with urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=20) as answer:
                    self.assertIn(b"version 1 from site-", answer.read())

    def test_many_connections_at_once(self):
        # busybox's nc lets two connections wait to be taken; the kernel resets some of a third one's, and of those after it.
        turn = threading.Semaphore(2)
        with forwarded(self.cluster.command(), "pod/echo", 7000) as (local, _):
            def talk(number):
                content = os.urandom(200_000 + number)
                with turn:
                    connection = socket.create_connection(("127.0.0.1", local), timeout=60)
                    connection.sendall(content[:1])
                    back = connection.recv(1)
                with connection:
                    sender = threading.Thread(target=lambda: (connection.sendall(content[1:]), connection.shutdown(socket.SHUT_WR)))
                    sender.start()
                    back += receive(connection)
                    sender.join()
                return hashlib.sha256(back).digest() == hashlib.sha256(content).digest()

            with concurrent.futures.ThreadPoolExecutor(24) as pool:
                self.assertEqual(list(pool.map(talk, range(48))), [True] * 48)

    def test_an_end_of_input_leaves_the_output_open(self):
        with forwarded(self.cluster.command(), "pod/echo", 7001) as (local, _):
            with socket.create_connection(("127.0.0.1", local), timeout=60) as connection:
                connection.sendall(b"x" * 3_000_000)
                connection.shutdown(socket.SHUT_WR)
                self.assertEqual(receive(connection).strip(), b"3000000")

    def test_a_closed_port_is_told(self):
        with forwarded(self.cluster.command(), "pod/echo", 7999) as (local, process):
            with socket.create_connection(("127.0.0.1", local), timeout=60) as connection:
                self.assertEqual(receive(connection), b"")
            line = until(lambda: process.stderr.readline() or None, "kubectl says why")
            self.assertRegex(line, "error forwarding port 7999 to pod [0-9a-f]{64}, uid : .*7999.*connection refused")

    def test_a_pod_that_is_not_there(self):
        result = self.cluster.kubectl("port-forward", "pod/nobody", "8080", check=False)
        self.assertIn('pods "nobody" not found', result.stderr)

    def test_python_client_forwards(self):
        core = self.cluster.core()
        ports = portforward(core.connect_get_namespaced_pod_portforward, "echo", "default", ports="7000,7999")
        try:
            connection = ports.socket(7000)
            connection.settimeout(20)
            connection.sendall(b"through the Python client")
            self.assertEqual(connection.recv(100), b"through the Python client")
            self.assertIn("7999", until(lambda: ports.error(7999), "the other port's failure"))
        finally:
            ports.close() if hasattr(ports, "close") else connection.close()

    def test_proxies_to_pods_and_services(self):
        name = self.cluster.get("pods", "-l", "app=site")["items"][0]["metadata"]["name"]
        for path in (f"pods/{name}:8080", f"pods/http:{name}:8080", f"pods/{name}", "services/site", "services/site:80", "services/http:site:80"):
            text = self.cluster.kubectl("get", "--raw", f"/api/v1/namespaces/default/{path}/proxy/")
            self.assertIn("version 1 from site-", text, path)
        self.assertEqual(self.cluster.core().connect_get_namespaced_service_proxy("site", "default").strip()[:14], "version 1 from")
        missing = self.cluster.kubectl("get", "--raw", "/api/v1/namespaces/default/services/site:99/proxy/", check=False)
        self.assertIn('no service port 99 found for service "site"', missing.stderr)

    def test_links_lead_back_through_the_proxy(self):
        """Proxy version v1 should proxy through a service and a pod"""
        self.cluster.apply(pod("page", ["sh", "-c", """mkdir /w; echo '<a href="/rewriteme">test</a>' > /w/index.html; exec httpd -f -p 80 -h /w"""]))
        self.cluster.ready("page")
        path = "/api/v1/namespaces/default/pods/page/proxy/"
        expected = f'<a href="{path}rewriteme">test</a>'
        until(lambda: self.cluster.kubectl("get", "--raw", path, check=False).stdout.strip() == expected, "the page is served")
        # As upstream's suite: below the cluster's path, with the kubeconfig's name for the handshake.
        client = kubernetes.config.new_client_from_config(config_file=self.cluster.kubeconfig)
        page = kubernetes.client.CoreV1Api(client).connect_get_namespaced_pod_proxy_with_path("page", "default", "")
        self.assertEqual(page.strip(), expected)
        # Nothing else but the path says the cluster.
        answer = self.cluster.request("GET", path)
        self.assertEqual(answer.body.decode().strip(), f'<a href="/clusters/{self.cluster.name}{path}rewriteme">test</a>')

    def test_proxies_nowhere_else(self):
        """Neither through an address in a pod's status, nor through a slice that somebody wrote."""
        forged = {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "forged", "labels": {"kubernetes.io/service-name": "forged"}},
            "endpoints": [{"addresses": ["169.254.169.254"]}, {"addresses": [shared.instance().subnet.split("/")[0]]}],
            "ports": [{"port": 80}],
        }
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "forged"}, "spec": {"ports": [{"port": 80}]}}
        with self.assertRaisesRegex(AssertionError, "may not be in the link-local range"):
            self.cluster.apply(service, forged)
        forged["endpoints"][0]["addresses"] = ["192.0.2.1"]
        self.cluster.apply(service, forged)
        result = self.cluster.kubectl("get", "--raw", "/api/v1/namespaces/default/services/forged/proxy/", check=False)
        self.assertIn('no endpoints available for service "forged"', result.stderr)

    def test_kubectl_proxy_serves_pages(self):
        port = free_port()
        process = subprocess.Popen(self.cluster.command("proxy", f"--port={port}"), stdout=subprocess.PIPE, text=True)
        try:
            self.assertIn("Starting to serve", process.stdout.readline())
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/namespaces/default/services/site/proxy/", timeout=20) as answer:
                self.assertIn(b"version 1 from site-", answer.read())
        finally:
            process.kill()
            process.communicate()

    def test_a_node_answers_about_its_own_pods(self):
        node = self.cluster.get("nodes")["items"][0]["metadata"]["name"]
        self.assertEqual(self.cluster.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/healthz"), "ok")
        names = [item["metadata"]["name"] for item in json.loads(self.cluster.kubectl("get", "--raw", f"/api/v1/nodes/{node}:10250/proxy/pods"))["items"]]
        self.assertIn("echo", names)
        own = [item["metadata"]["name"] for item in self.cluster.get("pods", "-A")["items"]]
        self.assertEqual(sorted(names), sorted(own))
        site = next(name for name in names if name.startswith("site-"))
        # Use is measured every ten seconds at most: somebody else may have had it measured just before the pod began.
        summary = lambda: json.loads(self.cluster.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"))
        mine = until(lambda: next((one for one in summary()["pods"] if one["podRef"]["name"] == site), None), "the pod's use was measured")
        self.assertGreater(mine["containers"][0]["cpu"]["usageCoreNanoSeconds"], 0)
        self.assertGreater(mine["memory"]["workingSetBytes"], 0)
        log = self.cluster.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/containerLogs/default/{site}/web")
        self.assertIn("listening on 8080", log)


class Debugging(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Looking into others' processes takes a capability (SYS_PTRACE) that pods have only where the platform lets them.
        cls.cluster = shared.instance().cluster("debugging", "--pod-security", "privileged")
        cls.cluster.shell("patient")

    def test_kubectl_debug_sees_the_targets_processes(self):
        result = self.cluster.kubectl(
            "debug", "patient", "--image=sampan.dev/sample/web:1", "--image-pull-policy=IfNotPresent", "--target=main", "-c", "doctor", "--profile=general", "--",
            "sh", "-c", "ps; sleep 3600", check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

        def log():
            text = self.cluster.kubectl("logs", "patient", "-c", "doctor", check=False).stdout
            return text if "trap" in text else None
        self.assertIn("sleep 1 & wait", until(log, "the debugging container shows the target's processes"))
        status = self.cluster.get("pod/patient")["status"]
        self.assertIn("running", status["ephemeralContainerStatuses"][0]["state"])
        self.assertEqual(status["ephemeralContainerStatuses"][0]["resources"], {})
        self.assertEqual(status["containerStatuses"][0]["restartCount"], 0)
        self.assertEqual(self.cluster.kubectl("exec", "patient", "-c", "doctor", "--", "echo", "here").strip(), "here")

    def resize_too_far(self, before):
        """More than the node has: refused, and the container goes on with what it has."""
        change = {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1000"}, "limits": {"cpu": "2000"}}}]}}
        refused = self.cluster.kubectl("patch", "pod/growing", "--subresource=resize", "-p", json.dumps(change), check=False)
        self.assertRegex(refused.stderr, 'pods "growing" is forbidden: Node didn\'t have enough allocatable resources: '
                                         "cpu, requested: 1000000, allocatable: [0-9]+")
        tree = self.cluster.get("pod/growing")
        status = tree["status"]["containerStatuses"][0]
        self.assertEqual((status["resources"], status["containerID"]), (before["resources"], before["containerID"]))
        self.assertEqual([c for c in tree["status"]["conditions"] if c["type"] == "PodResizePending"], [])

    def test_resizes_in_place(self):
        body = pod("growing", ["sleep", "3600"])
        body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "50m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "32Mi"}}
        self.cluster.apply(body)
        self.cluster.ready("growing")
        before = self.cluster.get("pod/growing")["status"]["containerStatuses"][0]
        change = '{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"60m"},"limits":{"cpu":"200m"}}}]}}'
        self.cluster.kubectl("patch", "pod/growing", "--subresource=resize", "-p", change)

        def resized():
            status = self.cluster.get("pod/growing")["status"]["containerStatuses"][0]
            return status if status["resources"]["limits"]["cpu"] == "200m" else None
        after = until(resized, "the status shows the new limit")
        self.assertEqual(after["containerID"], before["containerID"])
        self.assertEqual(after["allocatedResources"], {"cpu": "60m", "memory": "16Mi"})
        self.resize_too_far(after)
        change = '{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"200m","memory":"32Mi"}}}]}}'
        refused = self.cluster.kubectl("patch", "pod/growing", "--subresource=resize", "-p", change, check=False)
        self.assertIn("Pod QOS Class may not change as a result of resizing", refused.stderr)
