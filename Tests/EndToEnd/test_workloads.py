"""The kubectl commands of everyday, by a stock kubectl."""

import json
import unittest

from harness import shared
from harness.cluster import pod
from harness.waiting import until


class Workloads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("workloads")

    def test_a_new_cluster_has_its_node_before_its_first_pod(self):
        fresh = shared.instance().cluster("fresh")
        node, = fresh.get("nodes")["items"]
        self.assertIn("True", [c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"])
        self.assertRegex(node["status"]["nodeInfo"]["containerRuntimeVersion"], r"^containerd://\d")
        shared.instance().delete("fresh")

    def test_create_scale_restart_undo_expose(self):
        cluster = self.cluster
        cluster.kubectl("create", "deployment", "site", "--image=sampan.dev/sample/web:1", "--port=8080", "--replicas=1")
        cluster.kubectl("rollout", "status", "deployment/site", "--timeout=60s")
        cluster.kubectl("scale", "deployment/site", "--replicas=3")
        cluster.kubectl("rollout", "status", "deployment/site", "--timeout=60s")
        self.assertEqual(cluster.get("deployment/site")["status"]["readyReplicas"], 3)
        cluster.kubectl("scale", "deployment/site", "--replicas=1")
        until(lambda: len(cluster.get("pods", "-l", "app=site")["items"]) == 1, "two pods are gone")

        cluster.kubectl("set", "image", "deployment/site", "web=sampan.dev/sample/web:2")
        cluster.kubectl("rollout", "status", "deployment/site", "--timeout=60s")
        cluster.kubectl("rollout", "restart", "deployment/site")
        cluster.kubectl("rollout", "status", "deployment/site", "--timeout=60s")
        history = cluster.kubectl("rollout", "history", "deployment/site")
        self.assertRegex(history, r"(?m)^3\s")
        cluster.kubectl("rollout", "undo", "deployment/site", "--to-revision=1")
        cluster.kubectl("rollout", "status", "deployment/site", "--timeout=60s")
        image = cluster.get("deployment/site")["spec"]["template"]["spec"]["containers"][0]["image"]
        self.assertEqual(image, "sampan.dev/sample/web:1")

        cluster.kubectl("expose", "deployment/site", "--port=80", "--target-port=8080")
        slices = until(
            lambda: [s for s in cluster.get("endpointslices", "-l", "kubernetes.io/service-name=site")["items"] if s["endpoints"]],
            "the service has endpoints")
        self.assertEqual(slices[0]["ports"][0]["port"], 8080)
        cluster.shell("visitor")
        self.assertIn("version 1", cluster.fetch_until("visitor", "http://site"))

        cluster.kubectl("delete", "deployment/site", "service/site")
        until(lambda: not cluster.get("pods,replicasets", "-l", "app=site")["items"], "everything that it owned is collected")

    def test_describe_explain_api_resources_and_top_level_commands(self):
        cluster = self.cluster
        cluster.kubectl("create", "configmap", "words", "--from-literal=a=b")
        self.assertIn("words", cluster.kubectl("describe", "configmap", "words"))
        self.assertIn("deployments", cluster.kubectl("api-resources", "--api-group=apps", "-o", "name"))
        self.assertIn("apps/v1", cluster.kubectl("api-versions"))
        self.assertRegex(cluster.kubectl("version"), r"Server Version: v1\.36\.")
        self.assertIn("FIELD: replicas", cluster.kubectl("explain", "deployment.spec.replicas"))
        cluster.kubectl("label", "configmap/words", "x=y")
        cluster.kubectl("annotate", "configmap/words", "note=kept")
        cluster.kubectl("patch", "configmap/words", "--type=merge", "-p", '{"data":{"c":"d"}}')
        cluster.kubectl("patch", "configmap/words", "--type=json", "-p", '[{"op":"remove","path":"/data/a"}]')
        words = cluster.get("configmap/words")
        self.assertEqual(words["data"], {"c": "d"})
        self.assertEqual(words["metadata"]["labels"], {"x": "y"})
        self.assertEqual(cluster.kubectl("auth", "can-i", "create", "pods").strip(), "yes")
        self.assertEqual(cluster.kubectl("get", "configmaps", "-l", "x=y", "-o", "name").strip(), "configmap/words")
        cluster.kubectl("delete", "configmap/words")

    def test_environment_and_volumes_in_all_their_forms(self):
        cluster = self.cluster
        cluster.kubectl("create", "configmap", "settings", "--from-literal=colour=blue", "--from-literal=file.txt=from the map")
        cluster.kubectl("create", "secret", "generic", "keys", "--from-literal=password=hunter2")
        report = (
            'echo "$PLAIN,$COMBINED,$COLOUR,$PASSWORD,$POD_NAME,$CPU,$MAP_colour";'
            "cat /map/file.txt; echo; cat /secret/password; echo; cat /projected/colour; echo;"
            "echo shared > /shared/file; cat /shared/file; cat /labels/labels; echo; stat -c %a /secret/..data/password")
        cluster.apply(pod(
            "report", ["sh", "-c", report], restartPolicy="Never",
            containers=[{
                "name": "main", "image": "sampan.dev/sample/web:1", "command": ["sh", "-c", report],
                "resources": {"limits": {"cpu": "250m", "memory": "64Mi"}},
                "env": [
                    {"name": "PLAIN", "value": "plain"},
                    {"name": "COMBINED", "value": "$(PLAIN)-$(NOWHERE)-$$(PLAIN)"},
                    {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
                    {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}},
                    {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
                ],
                "envFrom": [{"prefix": "MAP_", "configMapRef": {"name": "settings"}}],
                "volumeMounts": [
                    {"name": "map", "mountPath": "/map"}, {"name": "secret", "mountPath": "/secret"},
                    {"name": "shared", "mountPath": "/shared"}, {"name": "projected", "mountPath": "/projected"},
                    {"name": "labels", "mountPath": "/labels"},
                ],
            }],
            volumes=[
                {"name": "map", "configMap": {"name": "settings"}},
                {"name": "secret", "secret": {"secretName": "keys", "defaultMode": 0o400}},
                {"name": "shared", "emptyDir": {}},
                {"name": "projected", "projected": {"sources": [{"configMap": {"name": "settings"}}]}},
                {"name": "labels", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
            ]))
        cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/report", "--timeout=60s")
        self.assertEqual(cluster.kubectl("logs", "report").splitlines(), [
            "plain,plain-$(NOWHERE)-$(PLAIN),blue,hunter2,report,250,blue", "from the map", "hunter2", "blue", "shared",
            'app="report"', "400",
        ])

    def test_shows_an_image_as_a_volume(self):
        """Read-only, as a whole and in parts; what can't be pulled is told as a container's own image is."""
        def pod(name, reference, policy):
            return {
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
                "spec": {
                    "restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
                    "volumes": [{"name": "files", "image": {"reference": reference, "pullPolicy": policy}}],
                    "containers": [{
                        "name": "main", "image": "sampan.dev/sample/web:1",
                        "command": ["sh", "-c", "ls /files; ls /tools | grep -c busybox; touch /files/x; /files/bin/busybox echo runs"],
                        "volumeMounts": [{"name": "files", "mountPath": "/files"},
                                         {"name": "files", "mountPath": "/tools", "subPath": "bin"}]}]}}
        self.cluster.apply(pod("image-volume", "sampan.dev/sample/web:1", "IfNotPresent"), pod("no-image", "sampan.dev/nothing:1", "Never"))
        self.cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/image-volume", "--timeout=60s")
        log = self.cluster.kubectl("logs", "image-volume")
        self.assertIn("bin\n", log)
        self.assertIn("\n1\n", log)
        self.assertIn("Read-only file system", log)
        self.assertIn("runs", log)

        def reason():
            return self.cluster.get("pod", "no-image")["status"].get("containerStatuses", [{}])[0].get("state", {}).get("waiting", {}).get("reason")
        until(lambda: reason() == "ErrImageNeverPull", "the missing image is told")
        self.cluster.kubectl("delete", "pod", "image-volume", "no-image")
        mounts = open("/proc/self/mountinfo").read()
        self.assertNotIn("kubernetes.io~image", mounts)

    def test_restarts_with_back_off_and_keeps_the_last_ending(self):
        cluster = self.cluster
        cluster.apply(pod("stubborn", ["sh", "-c", "echo attempt; exit 3"]))
        status = until(
            lambda: next((s for s in cluster.get("pod/stubborn")["status"].get("containerStatuses", [])
                          if s["restartCount"] >= 1 and s["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"), None),
            "the container is in CrashLoopBackOff")
        self.assertEqual(status["lastState"]["terminated"]["exitCode"], 3)
        self.assertEqual(status["lastState"]["terminated"]["reason"], "Error")
        self.assertIn("attempt", cluster.kubectl("logs", "stubborn", "--previous"))
        cluster.kubectl("delete", "pod/stubborn")

    def test_says_why_a_pod_does_not_start(self):
        cluster = self.cluster
        cluster.apply(pod("nameless", ["true"], image="sampan.dev/no/such:1"))
        cluster.apply(pod("mapless", ["true"], volumes=[{"name": "v", "configMap": {"name": "no-such-map"}}]))
        for name, reasons in (("nameless", {"ErrImagePull", "ImagePullBackOff"}), ("mapless", {"ContainerCreating"})):
            with self.subTest(name):
                until(lambda: {s["state"].get("waiting", {}).get("reason")
                               for s in cluster.get(f"pod/{name}")["status"].get("containerStatuses", [])} & reasons,
                      f"the container waits with one of {reasons}")
        until(lambda: "no-such-map" in cluster.kubectl("describe", "pod/mapless"), "an event names the missing config map")
        cluster.kubectl("delete", "pod/nameless", "pod/mapless", "--wait=false")

    def test_deletes_gracefully(self):
        cluster = self.cluster
        cluster.apply(pod("polite", ["sh", "-c", "trap 'echo asked; sleep 2; exit 0' TERM; while :; do sleep 1 & wait $!; done"],
                          terminationGracePeriodSeconds=20))
        cluster.ready("polite")
        cluster.kubectl("delete", "pod/polite", "--wait=false")
        going = cluster.get("pod/polite")
        self.assertIn("deletionTimestamp", going["metadata"])
        self.assertEqual(going["metadata"]["deletionGracePeriodSeconds"], 20)
        until(lambda: "NotFound" in cluster.kubectl("get", "pod/polite", check=False).stderr, "the pod is gone", timeout=15)

    def test_more_pods_at_once_than_a_page_has_routes(self):
        """Reading /proc/net/route takes more than one read past thirty pods."""
        self.cluster.deploy("crowd", replicas=40)
        addresses = {pod["status"]["podIP"] for pod in self.cluster.get("pods", "-l", "app=crowd")["items"]}
        self.assertEqual(len(addresses), 40)
        self.cluster.kubectl("delete", "deployment/crowd", "service/crowd")

    def test_namespaces_take_everything_with_them(self):
        cluster = self.cluster
        cluster.kubectl("create", "namespace", "short-lived")
        until(lambda: cluster.kubectl("get", "serviceaccount/default", "configmap/kube-root-ca.crt", "-n", "short-lived",
                                      check=False).returncode == 0, "the namespace's own objects are made")
        cluster.kubectl("create", "configmap", "x", "-n", "short-lived")
        cluster.kubectl("delete", "namespace", "short-lived", "--timeout=60s")
        self.assertEqual(cluster.get("configmaps", "-A", "--field-selector=metadata.namespace=short-lived")["items"], [])

    def test_pages_through_a_list(self):
        cluster = self.cluster
        cluster.kubectl("create", "namespace", "pages")
        cluster.apply(*({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"m{i:02}", "namespace": "pages"}}
                        for i in range(25)))
        path, names, token = "/api/v1/namespaces/pages/configmaps?limit=10&labelSelector=!x", [], ""
        for _ in range(4):
            page = cluster.request("GET", path + (f"&continue={token}" if token else "")).json
            names += [item["metadata"]["name"] for item in page["items"]]
            token = page["metadata"].get("continue", "")
            if not token:
                break
        self.assertEqual([n for n in names if n.startswith("m")], [f"m{i:02}" for i in range(25)])
        cluster.kubectl("delete", "namespace", "pages", "--wait=false")

    def test_applies_a_list(self):
        items = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"of-a-list-{i}"}} for i in range(2)]
        result = self.cluster.kubectl(
            "apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        self.assertEqual(result.split(), ["configmap/of-a-list-0", "created", "configmap/of-a-list-1", "created"])

    def test_creates_dry_run_without_trace(self):
        cluster = self.cluster
        made = json.loads(cluster.kubectl("create", "configmap", "ghost", "--dry-run=server", "-o", "json"))
        self.assertIn("uid", made["metadata"])
        self.assertIn("NotFound", cluster.kubectl("get", "configmap/ghost", check=False).stderr)
