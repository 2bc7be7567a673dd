"""Clusters that sleep: their pods stop and everything else stays, and whoever needs their pods waits for them, and isn't refused."""

import base64
import concurrent.futures
import glob
import itertools
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import harness
from harness import forward, settings, shared
from harness.cluster import deployment, pod
from harness.waiting import until
from harness.webhook import certify


class Sleep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.sampan = staticmethod(cls.instance.sampan)
        cls.cluster = cls.instance.cluster("sleepy")

    def explain(self, name="sleepy"):
        return json.loads(self.sampan("cluster", "explain", name, "-o", "json").stdout)

    def put_to_sleep(self, name="sleepy", *options):
        self.sampan("cluster", "sleep", name, *options)
        found = self.explain(name)
        self.assertEqual((found["awake"], found["runningPods"]), (False, 0), found)

    def pods(self, selector):
        return self.cluster.get("pods", "-l", selector)["items"]

    def test_objects_stay_and_pods_come_back_as_after_a_restart_of_their_node(self):
        cluster = self.cluster
        cluster.deploy("web", replicas=2)
        cluster.exec("deployment/web", "true")
        before = {item["metadata"]["uid"]: item for item in self.pods("app=web")}
        replica_sets = [(item["metadata"]["uid"], item["metadata"]["generation"]) for item in cluster.get("rs")["items"]]
        started = time.monotonic()
        watch = subprocess.Popen(
            cluster.command("get", "pods", "-l", "app=web", "--watch-only", "-o", "json"), stdout=subprocess.PIPE, text=True)
        self.addCleanup(watch.stdout.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        self.put_to_sleep()

        asleep = until(lambda: self.pods("app=web") if not any("podIP" in p["status"] for p in self.pods("app=web")) else None,
                       "the pods have no address any more")
        self.assertEqual({item["metadata"]["uid"] for item in asleep}, set(before))
        for item in asleep:
            status = item["status"]
            ready, = (c for c in status["conditions"] if c["type"] == "Ready")
            self.assertEqual((ready["status"], ready["reason"]), ("False", "ClusterAsleep"))
            self.assertEqual((status["phase"], status.get("podIP")), ("Running", None))
            container, = status["containerStatuses"]
            self.assertEqual(container["state"], {"waiting": {
                "reason": "ClusterAsleep",
                "message": "The cluster sleeps. The container is started again when somebody needs the cluster."}})
        self.assertIn("ClusterAsleep", cluster.kubectl("get", "pods"))
        until(lambda: not any(slice.get("endpoints") for slice in cluster.get("endpointslices", "-l", "kubernetes.io/service-name=web")["items"]),
              "the service has no endpoints")
        vc = self.instance.root().get("virtualcluster", "sleepy")
        awake, = (c for c in vc["status"]["conditions"] if c["type"] == "Awake")
        self.assertEqual((vc["status"]["phase"], awake["status"], awake["reason"]), ("Asleep", "False", "Requested"))
        self.assertIn("put to sleep by admin", awake["message"])
        # Reading wakes nobody, and is answered at once.
        cluster.kubectl("get", "deployments,services,events")
        self.assertFalse(self.explain()["awake"])
        # Again is no change, whoever asks.
        self.assertIn("slept already", self.sampan("cluster", "sleep", "sleepy").stdout)

        # The first that needs a pod gets it.
        name = asleep[0]["metadata"]["name"]
        self.assertEqual(cluster.exec(f"pod/{name}", "echo", "hello").strip(), "hello")
        found = self.explain()
        self.assertTrue(found["awake"])
        self.assertEqual(found["reason"], "Needed")
        self.assertIn(f"exec by admin in pods default/{name}", found["message"])
        cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        after = {item["metadata"]["uid"]: item for item in self.pods("app=web")}
        self.assertEqual(set(after), set(before))
        for uid, item in after.items():
            container, = item["status"]["containerStatuses"]
            self.assertEqual(container["restartCount"], before[uid]["status"]["containerStatuses"][0]["restartCount"] + 1)
            self.assertIn("terminated", container["lastState"])
        self.assertEqual(
            [(item["metadata"]["uid"], item["metadata"]["generation"]) for item in cluster.get("rs")["items"]], replica_sets)
        # The watch went on all the time.
        self.assertIsNone(watch.poll())
        events = self.instance.root().kubectl("get", "events", "-n", "default", "--field-selector=involvedObject.name=sleepy")
        self.assertIn("Asleep", events)
        self.assertIn("Awake", events)
        metrics = self.instance.root().request("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r'sampan_cluster_wakes_total\{reason="stream"\} [1-9]')
        self.assertRegex(metrics, r'sampan_cluster_wake_duration_seconds_bucket\{le="\+Inf"\} [1-9]')
        self.assertLess(time.monotonic() - started, 120)

    def test_every_kind_of_need_wakes(self):
        cluster = self.cluster
        cluster.deploy("needed")
        name = self.pods("app=needed")[0]["metadata"]["name"]

        def proxied():
            answer = cluster.request("GET", "/api/v1/namespaces/default/services/needed:80/proxy/")
            self.assertEqual(answer.code, 200, answer)

        def pod_proxied():
            answer = cluster.request("GET", f"/api/v1/namespaces/default/pods/{name}:8080/proxy/")
            self.assertEqual(answer.code, 200, answer)

        def forwarded():
            with forward.forwarded(cluster.command(), f"pod/{name}", 8080) as (port, _):
                self.assertIn(b"version 1", forward.get(port))

        def written():
            cluster.kubectl("label", "service", "needed", f"at={time.time_ns()}")
            until(lambda: self.explain()["awake"], "it is awake")

        def followed():
            with subprocess.Popen(cluster.command("logs", "-f", name), stdout=subprocess.PIPE, text=True) as process:
                until(lambda: self.explain()["awake"], "it is awake")
                process.kill()

        for need in (proxied, pod_proxied, forwarded, written, followed):
            with self.subTest(need=need.__name__):
                self.put_to_sleep()
                need()
                self.assertTrue(self.explain()["awake"])
                cluster.kubectl("rollout", "status", "deployment/needed", "--timeout=60s")
        for idle in (["logs", name], ["get", "pods"], ["auth", "can-i", "create", "pods"],
                     ["label", "service", "needed", "x=y", "--dry-run=server"], ["describe", "pod", name]):
            with self.subTest(idle=idle):
                self.put_to_sleep()
                cluster.kubectl(*idle)
                self.assertFalse(self.explain()["awake"])
        self.sampan("cluster", "wake", "sleepy")
        found = self.explain()
        self.assertEqual((found["awake"], found["reason"]), (True, "Requested"))
        self.assertEqual(found["readyPods"], found["pods"])

    def machine(self):
        return next(
            a["address"] for a in self.cluster.get("nodes")["items"][0]["status"]["addresses"] if a["type"] == "InternalIP")

    def fetch(self, port, seconds=30):
        return subprocess.run(
            ["curl", "-sS", "-w", " %{time_total}", "--max-time", str(seconds), f"http://{self.machine()}:{port}/"],
            capture_output=True, text=True)

    def test_a_connection_to_a_node_port_is_held_until_somebody_answers(self):
        cluster = self.cluster
        cluster.deploy("public", type="NodePort")
        port = cluster.get("service", "public")["spec"]["ports"][0]["nodePort"]
        until(lambda: "version 1" in self.fetch(port, 2).stdout, "it answers awake")
        self.put_to_sleep()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: self.fetch(port), range(20)))
        for answer in answers:
            self.assertIn("version 1", answer.stdout, answer.stderr)
        print("        a sleeping web server answered after", max(float(a.stdout.split()[-1]) for a in answers), "s", flush=True)
        found = self.explain()
        self.assertTrue(found["awake"])
        self.assertRegex(found["message"], rf"a connection from \S+ to port {port}, service default/public")
        # From here on the kernel alone does it, and the pod sees its client.
        until(lambda: not self.explain()["inUse"], "nothing is passed on any more")
        self.assertIn("version 1", self.fetch(port).stdout)
        # Large bodies both ways through a held connection, and half-closed ones.
        self.put_to_sleep()
        with socket.create_connection((self.machine(), port), timeout=30) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            self.assertIn(b"version 1", forward.receive(connection))
        # Where policies may forbid it, the first connection only wakes.
        cluster.apply({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "closed"},
            "spec": {"podSelector": {"matchLabels": {"app": "nobody"}}, "policyTypes": ["Ingress"]}})
        self.put_to_sleep()
        self.assertNotIn("version 1", self.fetch(port).stdout)
        until(lambda: "version 1" in self.fetch(port, 2).stdout, "the next one is answered")
        cluster.kubectl("delete", "networkpolicy", "closed")
        # Asleep over a restart of the server.
        self.put_to_sleep()
        self.instance.kill()
        self.instance.up()
        until(lambda: "version 1" in self.fetch(port).stdout, "it is woken after a restart")
        cluster.kubectl("delete", "service", "public")
        until(lambda: self.fetch(port, 2).returncode == 7, "the port is nobody's")

    def test_idle_clusters_fall_asleep_and_work_keeps_them_awake(self):
        cluster = self.instance.cluster("dozy", "--sleep-after", "10s")
        cluster.apply(pod("once", ["sh", "-c", "sleep 20"], restartPolicy="Never"))
        cluster.deploy("web")
        found = self.explain("dozy")
        self.assertTrue(found["awake"])
        self.assertEqual(found["keptAwakeBy"], ["pod default/once"])
        self.assertEqual(found["sleepReason"], "Idle")
        # The work is done first, then the cluster sleeps, though it has been idle for longer.
        until(lambda: self.explain("dozy")["awake"] is False, "it falls asleep by itself", timeout=120)
        self.assertEqual(cluster.get("pod", "once")["status"]["phase"], "Succeeded")
        self.assertEqual(self.explain("dozy")["reason"], "Idle")
        # An open session is use for as long as it lasts.
        process = subprocess.Popen(cluster.command("exec", "deployment/web", "--", "sleep", "18"))
        until(lambda: self.explain("dozy")["inUse"], "somebody uses it")
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertTrue(self.explain("dozy")["awake"])
        text = self.sampan("cluster", "explain", "dozy").stdout
        self.assertIn("dozy is awake", text)
        self.assertIn("exec by admin", text)
        until(lambda: self.explain("dozy")["awake"] is False, "it falls asleep again", timeout=90)
        # So is a connection from outside.
        cluster.kubectl("patch", "service", "web", "-p", '{"spec": {"type": "NodePort"}}')
        port = cluster.get("service", "web")["spec"]["ports"][0]["nodePort"]
        cluster.kubectl("rollout", "status", "deployment/web")
        until(lambda: "version 1" in self.fetch(port, 2).stdout, "it answers")
        first = self.explain("dozy")["lastUsedTime"]
        time.sleep(2)
        self.assertIn("version 1", self.fetch(port, 2).stdout)
        found = self.explain("dozy")
        self.assertGreater(found["lastUsedTime"], first)
        self.assertEqual(found["lastUse"], "a connection from outside")
        with socket.create_connection((self.machine(), port)) as connection:
            time.sleep(14)
            self.assertTrue(self.explain("dozy")["awake"])
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertIn(b"version 1", forward.receive(connection))
        self.instance.delete("dozy")

    def test_work_that_is_put_to_sleep_by_command_ends_and_is_begun_again(self):
        cluster = self.cluster
        cluster.apply({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"},
            "spec": {"template": {"spec": pod("x", ["sleep", "1000"], restartPolicy="Never")["spec"]}}})
        first = until(lambda: [p for p in self.pods("job-name=work") if p["status"]["phase"] == "Running"], "it works")[0]
        self.put_to_sleep()
        ended = cluster.get("pod", first["metadata"]["name"])
        self.assertEqual((ended["status"]["phase"], ended["status"]["reason"]), ("Failed", "Terminated"))
        disruption, = (c for c in ended["status"]["conditions"] if c["type"] == "DisruptionTarget")
        self.assertEqual(disruption["reason"], "TerminationByKubelet")
        until(lambda: len(self.pods("job-name=work")) == 2, "another pod is made")
        self.assertEqual(self.explain()["runningPods"], 0)
        self.sampan("cluster", "wake", "sleepy", "--no-wait")
        until(lambda: [p for p in self.pods("job-name=work") if p["status"]["phase"] == "Running"], "the other one works")
        cluster.kubectl("delete", "job", "work")

    def test_who_needs_a_webhook_waits_for_its_pod(self):
        cluster = self.cluster
        cluster.deploy("hooked")
        cluster.apply({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "hooked"},
            "webhooks": [{
                "name": "hooked.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 20,
                "clientConfig": {"service": {"namespace": "default", "name": "hooked", "port": 80}},
                "objectSelector": {"matchLabels": {"asked": "about"}},
                "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}]}]})
        self.addCleanup(cluster.kubectl, "delete", "validatingwebhookconfiguration", "hooked")
        self.put_to_sleep()
        answer = cluster.request("POST", "/api/v1/namespaces/default/configmaps", {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "asked", "labels": {"asked": "about"}}})
        # The web server isn't one that a webhook could be; what counts is that it was there to be asked.
        self.assertEqual(answer.code, 500, answer)
        self.assertIn('failed calling webhook "hooked.example.com"', answer.json["message"])
        self.assertNotIn("no endpoints", answer.json["message"])
        self.assertTrue(self.explain()["awake"])

    def fruit(self, cluster):
        """Puts an extension API server into a cluster: a pod that runs this machine's Python."""
        folder = tempfile.mkdtemp(prefix="sampan-fruit-", dir=settings.folder)
        self.addCleanup(shutil.rmtree, folder)
        authority = certify(folder, "fruit.default.svc")
        beside = os.path.dirname(harness.__file__)
        data = {}
        for place, name in ((beside, "fruit_server.py"), (beside, "answering.py"), (folder, "tls.crt"), (folder, "tls.key")):
            with open(os.path.join(place, name)) as file:
                data[name] = file.read()
        machine = ["usr", "lib", "lib64"]
        server = deployment("fruit", 1, "sampan.dev/sample/web:1")
        spec = server["spec"]["template"]["spec"]
        spec["volumes"] = [{"name": "data", "secret": {"secretName": "fruit"}}] + [
            {"name": name, "hostPath": {"path": f"/{name}"}} for name in machine]
        spec["containers"][0] |= {
            "command": ["/usr/bin/python3", "/data/fruit_server.py", "/data"],
            "readinessProbe": {"httpGet": {"scheme": "HTTPS", "port": 8443, "path": "/openapi/v3"}},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}] + [
                {"name": name, "mountPath": f"/{name}", "readOnly": True} for name in machine]}
        cluster.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "fruit"}, "stringData": data}, server,
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "fruit"},
             "spec": {"selector": {"app": "fruit"}, "ports": [{"port": 443, "targetPort": 8443}]}},
            {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.fruit.example.com"},
             "spec": {"group": "fruit.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
                      "caBundle": base64.b64encode(authority.encode()).decode(), "service": {"namespace": "default", "name": "fruit"}}})
        cluster.kubectl("wait", "--for=condition=Available", "apiservice/v1.fruit.example.com", "--timeout=60s")
        # kubectl remembers what there is to ask for, but not here.
        number = itertools.count()
        return lambda *arguments: cluster.kubectl(*arguments, "--cache-dir", os.path.join(folder, f"cache{next(number)}"))

    def test_who_needs_an_extension_server_waits_for_its_pod(self):
        cluster = self.instance.cluster("fruity", "--pod-security", "privileged")
        self.addCleanup(self.instance.delete, "fruity")
        kubectl = self.fruit(cluster)
        apples = "/apis/fruit.example.com/v1/namespaces/default/apples"

        def asked(method, path, body=None, code=200):
            answer = cluster.request(method, path, body)
            self.assertEqual(answer.code, code, answer)
            return answer

        for need in (
                lambda: self.assertIn("one", kubectl("get", "apples")),
                lambda: asked("GET", f"{apples}/one"),
                lambda: asked("GET", f"{apples}?watch=1"),
                lambda: asked("POST", apples, {"kind": "Apple", "apiVersion": "fruit.example.com/v1", "metadata": {"name": "two"}}, 201),
                lambda: asked("POST", f"{apples}?dryRun=All", {"kind": "Apple", "apiVersion": "fruit.example.com/v1"}, 201),
                lambda: self.assertIn("How it tastes.", kubectl("explain", "apples.taste"))):
            self.put_to_sleep("fruity")
            need()
            self.assertTrue(self.explain("fruity")["awake"])
        # All that come while it wakes and just after, and none is refused.
        self.put_to_sleep("fruity")
        end = time.monotonic() + 3
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            def ask(_):
                while time.monotonic() < end:
                    asked("GET", apples)
            list(pool.map(ask, range(8)))
        self.assertIn("list by admin of apples.fruit.example.com default", self.explain("fruity")["message"])
        metrics = self.instance.root().request("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r'sampan_cluster_wakes_total\{reason="extension"\} [1-9]')

        # What it serves is known while it sleeps, and is told.
        self.put_to_sleep("fruity")
        self.assertIn("apples", kubectl("api-resources"))
        asked("GET", "/apis/fruit.example.com/v1")
        self.assertIn("service/fruit", kubectl("get", "deployments,services"))
        self.assertEqual(
            cluster.get("apiservice", "v1.fruit.example.com")["status"]["conditions"][0]["status"], "True")
        self.assertFalse(self.explain("fruity")["awake"])
        # A server that has just started doesn't know it: the first that wants to know waits.
        self.instance.kill()
        self.instance.up()
        self.assertFalse(self.explain("fruity")["awake"])
        self.assertIn("one", kubectl("get", "apples"))
        self.assertTrue(self.explain("fruity")["awake"])

    def test_who_waits_is_answered_though_it_is_put_to_sleep_again(self):
        cluster = self.cluster
        cluster.deploy("again", replicas=2, type="NodePort")
        self.addCleanup(cluster.kubectl, "delete", "deployment,service", "again")
        port = cluster.get("service", "again")["spec"]["ports"][0]["nodePort"]
        address = (self.machine(), port)
        end = time.monotonic() + 6
        refused, longest = [], []

        def visit(_):
            while time.monotonic() < end:
                begin = time.monotonic()
                try:
                    with socket.create_connection(address, timeout=30) as connection:
                        connection.settimeout(30)
                        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                        connection.recv(100)
                except ConnectionResetError:
                    # In the midst of a request that the pod had begun to answer when it was ended.
                    pass
                except OSError as error:
                    refused.append(error)
                longest.append(time.monotonic() - begin)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            visits = [pool.submit(visit, number) for number in range(6)]
            while time.monotonic() < end - 1:
                self.sampan("cluster", "sleep", "sleepy", "--no-wait")
                time.sleep(0.4)
            for each in visits:
                each.result()
        self.assertEqual(refused, [])
        # Not the minute that somebody is held for at most.
        self.assertLess(max(longest), 30)
        self.assertTrue(self.explain()["awake"])

    def test_one_that_is_being_deleted_says_so(self):
        root = self.instance.root()
        self.instance.cluster("kept")
        self.instance.clusters.pop("kept")

        def finalizers(value):
            root.kubectl("patch", "virtualcluster", "kept", "--type=merge", "-p", json.dumps({"metadata": {"finalizers": value}}))
        finalizers(["sampan.dev/cluster", "example.com/keep"])
        refused = self.sampan("cluster", "delete", "kept", "--now", "--timeout", "1", check=False)
        self.assertIn("example.com/keep", refused.stderr)
        refused = self.sampan("cluster", "create", "kept", "--if-not-exists", "--timeout", "1", check=False)
        self.assertIn("The former cluster kept is still being deleted.", refused.stderr)
        said = self.sampan("cluster", "explain", "kept").stdout
        self.assertIn("kept is being deleted since", said)
        self.assertIn("example.com/keep", said)
        until(lambda: root.get("virtualcluster", "kept")["status"]["phase"] == "Terminating", "its phase says it")
        for command in (["wake"], ["sleep"], ["extend", "--by", "2h"]):
            result = self.sampan("cluster", command[0], "kept", *command[1:], check=False)
            self.assertNotEqual(result.returncode, 0, command)
            self.assertIn("the cluster is being deleted", result.stderr, command)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            another = pool.submit(self.sampan, "cluster", "create", "kept", "--if-not-exists")
            finalizers([])
            self.assertIn("created", another.result().stdout, "who makes another one waits until it is gone")
        self.assertEqual(root.get("virtualcluster", "kept")["status"]["phase"], "Ready")
        self.instance.delete("kept")

    def test_a_kill_in_the_middle_is_made_good(self):
        cluster = self.cluster
        cluster.deploy("killed", replicas=2)
        self.sampan("cluster", "sleep", "sleepy", "--no-wait")
        self.instance.kill()
        self.instance.up()
        until(lambda: self.explain()["runningPods"] == 0, "everything stops after the restart")
        self.assertFalse(self.explain()["awake"])
        self.sampan("cluster", "wake", "sleepy", "--no-wait")
        self.instance.kill()
        self.instance.up()
        cluster.kubectl("rollout", "status", "deployment/killed", "--timeout=60s")
        self.assertTrue(self.explain()["awake"])
        # Asleep over a restart, too.
        self.put_to_sleep()
        self.instance.kill()
        self.instance.up()
        self.assertEqual(self.explain()["runningPods"], 0)
        self.assertEqual(cluster.exec("deployment/killed", "echo", "up").strip(), "up")

    def test_a_sleeping_cluster_is_deleted_without_a_trace(self):
        cluster = self.instance.cluster("gone")
        cluster.deploy("web", replicas=2)
        uids = [item["metadata"]["uid"] for item in cluster.get("pods")["items"]]
        self.put_to_sleep("gone")
        self.instance.delete("gone")
        until(lambda: not any(uid in path for uid in uids for path in glob.glob(f"{self.instance.directory}/**/*", recursive=True)),
              "nothing is left of its pods")

    def test_what_is_wrong_is_said(self):
        root = self.instance.root()
        for name in ("begins-with", "former-authority-trusted-until"):
            refused = root.kubectl("annotate", "virtualcluster", "sleepy", f"sampan.dev/{name}=volumes.../../x", check=False)
            self.assertIn("is the platform's own", refused.stderr)
        path = "/apis/sampan.dev/v1alpha1/namespaces/default/virtualclusters"
        for sleep, field in (
                ({"afterIdle": "soon"}, "spec.sleep.afterIdle"), ({"afterIdle": "1s"}, "spec.sleep.afterIdle"),
                ({"schedule": {"sleepAt": ["20 * *"]}}, "spec.sleep.schedule.sleepAt[0]"),
                ({"schedule": {"sleepAt": ["0 0 30 2 *"]}}, "spec.sleep.schedule.sleepAt[0]"),
                ({"schedule": {"wakeAt": ["0 8 * * *"]}}, "spec.sleep.schedule.sleepAt"),
                ({"schedule": {"sleepAt": ["0 20 * * *"], "timeZone": "Mars/North"}}, "spec.sleep.schedule.timeZone")):
            answer = root.request("POST", path, {
                "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": {"name": "wrong"}, "spec": {"sleep": sleep}})
            self.assertEqual(answer.code, 422, answer)
            self.assertEqual([cause["field"] for cause in answer.json["details"]["causes"]], [field], answer)
        result = self.sampan("cluster", "sleep", "nobody", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("There is no cluster nobody", result.stderr)
