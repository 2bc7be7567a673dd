"""Two clusters with the same names and addresses inside, which can't see, reach or authenticate to each other."""

import unittest

from harness import shared
from harness.cluster import Cluster, Connection
from harness.waiting import until

ADDRESS = "10.96.77.77"


class Isolation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        instance = shared.instance()
        cls.east, cls.west = instance.cluster("east"), instance.cluster("west")
        for cluster in (cls.east, cls.west):
            cluster.deploy("web", environment={"VERSION": cluster.name}, clusterIP=ADDRESS)
            cluster.shell("visitor")
        cls.east.deploy("only-east", environment={"VERSION": "east"})

    def pod_address(self, cluster, app):
        return cluster.get("pods", "-l", f"app={app}")["items"][0]["status"]["podIP"]

    def test_the_same_name_and_address_mean_the_own_service(self):
        for cluster in (self.east, self.west):
            self.assertEqual(cluster.get("service/web")["spec"]["clusterIP"], ADDRESS)
            for url in ("http://web", "http://web.default.svc.cluster.local", f"http://{ADDRESS}"):
                with self.subTest(f"{url} in {cluster.name}"):
                    self.assertIn(f"version {cluster.name} ", cluster.fetch_until("visitor", url))

    def test_neither_sees_the_others_objects(self):
        names = lambda cluster: {p["metadata"]["name"] for p in cluster.get("pods", "-A")["items"]}
        uids = lambda cluster: {p["metadata"]["uid"] for p in cluster.get("pods,services,namespaces", "-A")["items"]}
        self.assertIn("visitor", names(self.east) & names(self.west))
        self.assertEqual(uids(self.east) & uids(self.west), set())

    def test_names_of_one_mean_nothing_in_the_other(self):
        self.east.fetch_until("visitor", "http://only-east")
        answer = self.west.exec("visitor", "nslookup", "only-east.default.svc.cluster.local", check=False)
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("NXDOMAIN", answer.stdout + answer.stderr)

    def test_pods_reach_no_pod_of_the_other(self):
        address = self.pod_address(self.east, "web")
        self.assertIn("version east", self.east.fetch("visitor", f"http://{address}:8080"))
        for target in (f"http://{address}:8080", f"http://{self.east.get('service/only-east')['spec']['clusterIP']}"):
            with self.subTest(target):
                answer = self.west.exec("visitor", "timeout", "2", "wget", "-q", "-O", "-", target, check=False)
                self.assertNotEqual(answer.returncode, 0, answer.stdout)
        answer = self.west.exec("visitor", "ping", "-c", "1", "-W", "2", address, check=False)
        self.assertNotEqual(answer.returncode, 0, answer.stdout)

    def test_administrators_of_one_are_nobody_in_the_other(self):
        stranger = Connection(self.east.url, self.east.authority, token=self.west.token, certificate=self.west.certificate)
        answer = stranger.request("GET", "/api/v1/namespaces/default/pods")
        self.assertEqual(answer.code, 401, answer)
        self.assertEqual(answer.json["reason"], "Unauthorized")

    def test_service_accounts_of_one_are_nobody_in_the_other(self):
        token = self.west.kubectl("create", "token", "default").strip()
        own = Connection(self.west.url, self.west.authority, token=token)
        self.assertEqual(own.request("GET", "/api/v1/namespaces/default/pods").code, 403)
        stranger = Connection(self.east.url, self.east.authority, token=token)
        self.assertEqual(stranger.request("GET", "/api/v1/namespaces/default/pods").code, 401)

    def test_neither_is_anybody_on_the_platform(self):
        root = shared.instance().root()
        stranger = Connection(root.url, root.authority, token=self.west.token, certificate=self.west.certificate)
        answer = stranger.request("GET", "/apis/sampan.dev/v1alpha1/virtualclusters")
        self.assertEqual(answer.code, 401, answer)

    def test_a_pod_cannot_go_around_its_own_api_server(self):
        """A pod of west asks east's API by its path, with east's service address and with west's token: it stays in west, or is refused."""
        script = (
            "T=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token);"
            "printf 'GET /clusters/east/api/v1/namespaces/default/pods HTTP/1.1\\r\\nHost: kubernetes\\r\\n"
            "Authorization: Bearer %s\\r\\nConnection: close\\r\\n\\r\\n' \"$T\" | ssl_client 10.96.0.1:443 2>/dev/null")
        answer = self.west.exec("visitor", "sh", "-c", script, check=False)
        if "HTTP/1.1" not in answer.stdout:
            self.skipTest("Debian's busybox has no ssl_client here, so a pod can't speak HTTPS")
        self.assertNotIn("HTTP/1.1 200", answer.stdout)

    def test_deleting_one_leaves_the_other_alone(self):
        instance = shared.instance()
        passing: Cluster = instance.cluster("passing")
        passing.deploy("web", environment={"VERSION": "passing"}, clusterIP=ADDRESS)
        passing.shell("visitor")
        self.assertIn("version passing", passing.fetch_until("visitor", "http://web"))
        instance.delete("passing")
        names = [c["metadata"]["name"] for c in instance.root().get("virtualclusters")["items"]]
        self.assertNotIn("passing", names)
        self.assertIn("version east", self.east.fetch_until("visitor", "http://web"))
        again = instance.cluster("passing")
        self.assertEqual(until(lambda: again.get("pods", "-A"), "a new cluster of the name")["items"], [])
        instance.delete("passing")
