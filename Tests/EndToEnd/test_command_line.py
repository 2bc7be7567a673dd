"""The command line: what it prints, refuses and leaves alone."""

import base64
import datetime
import json
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import unittest

import kubernetes
import yaml

from harness import settings, shared


def certified_seconds(kubeconfig):
    """How long the client certificate in a kubeconfig is still valid."""
    certificate = base64.b64decode(kubeconfig["users"][0]["user"]["client-certificate-data"])
    text = subprocess.run(["openssl", "x509", "-noout", "-enddate"], input=certificate, capture_output=True, check=True).stdout.decode()
    ends = datetime.datetime.strptime(text.strip(), "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=datetime.timezone.utc)
    return (ends - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


class CommandLine(unittest.TestCase):
    def test_help_everywhere(self):
        for command in ([], ["up"], ["down"], ["status"], ["serve"], ["cluster"], ["cluster", "create"], ["cluster", "list"],
                        ["cluster", "delete"], ["cluster", "kubeconfig"], ["token"], ["rotate-keys"], ["image"], ["image", "load"], ["image", "list"], ["version"]):
            with self.subTest(" ".join(command)):
                result = subprocess.run([settings.binary, *command, "--help"], capture_output=True, text=True)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("USAGE: sampan", result.stdout)
        self.assertIn("EXAMPLES", subprocess.run([settings.binary, "--help"], capture_output=True, text=True).stdout)

    def test_status_for_people_and_scripts(self):
        instance = shared.instance()
        status = instance.status()
        self.assertEqual(status["state"], "ready")
        self.assertEqual(status["instance"], instance.name)
        self.assertEqual(status["pid"], instance.pid)
        self.assertIn("ready", instance.sampan("status").stdout)

    def test_up_twice_is_up_once(self):
        instance = shared.instance()
        pid = instance.pid
        self.assertFalse(instance.up()["started"])
        self.assertEqual(instance.pid, pid)

    def test_up_refuses_other_options_while_it_runs(self):
        result = shared.instance().sampan("up", "--log-level", "critical", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("sampan down", result.stderr)

    def test_up_refuses_when_not_root(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            # Where the build is, below root's home, nobody else may look.
            binary = shutil.copy(settings.binary, os.path.join(folder, "sampan"))
            result = subprocess.run(
                [binary, "up", "--data-dir", os.path.join(folder, "x")], capture_output=True, text=True,
                user=65534, group=65534, extra_groups=[])
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("root", result.stderr)
            self.assertIn("sudo", result.stderr)
            self.assertEqual(os.listdir(folder), ["sampan"])

    def test_up_refuses_what_another_instance_has(self):
        instance = shared.instance()
        with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
            for arguments, word in (
                (["--instance", instance.name], "--instance"),
                (["--api-port", str(instance.api_port)], "--api-port"),
                (["--api-port", "16443", "--dns-port", str(instance.dns_port)], "--dns-port"),
                (["--api-port", "16443", "--dns-port", "16053", "--pod-subnet", instance.subnet], "--pod-subnet"),
            ):
                with self.subTest(word):
                    second = ["--data-dir", os.path.join(folder, "second")]
                    result = subprocess.run([settings.binary, "up", *second, *arguments], capture_output=True, text=True)
                    if result.returncode == 0:
                        # Its folder is about to go, and nothing could take it down then.
                        subprocess.run([settings.binary, "down", *second], capture_output=True)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertIn(word, result.stderr)

    def test_up_refuses_a_port_that_another_program_has(self):
        with tempfile.TemporaryDirectory(dir=settings.folder) as folder, socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            result = subprocess.run(
                [settings.binary, "up", "--data-dir", os.path.join(folder, "x"), "--instance", "busy", "--no-containers",
                 "--api-port", str(other.getsockname()[1])], capture_output=True, text=True, timeout=60)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("taken by another program", result.stderr)
            self.assertIn("--api-port", result.stderr)

    def test_says_what_to_do_when_nothing_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            for command in (["status"], ["cluster", "list"], ["image", "list"]):
                with self.subTest(" ".join(command)):
                    result = subprocess.run([settings.binary, *command, "--data-dir", folder], capture_output=True, text=True)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertIn("sampan up", result.stderr)
            result = subprocess.run([settings.binary, "down", "--data-dir", folder], capture_output=True, text=True)
            self.assertEqual(result.returncode, 0)

    def test_two_instances_side_by_side(self):
        one, two = shared.instance(), shared.new("second")
        two.sampan("image", "load", *shared.images())
        for instance in (one, two):
            cluster = instance.cluster("twin")
            cluster.deploy("web", environment={"VERSION": instance.name})
            cluster.shell("visitor")
            self.assertIn(f"version {instance.name} ", cluster.fetch_until("visitor", "http://web"))
        two.stop()
        shared.forget(two)
        self.assertIn(f"version {one.name} ", one.cluster("twin").fetch_until("visitor", "http://web"))
        one.delete("twin")

    def test_clusters(self):
        instance = shared.instance()
        self.assertRegex(instance.sampan("cluster", "create", "first").stdout, r"cluster first created in \d+")
        again = instance.sampan("cluster", "create", "first", check=False)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("already", again.stderr)
        instance.sampan("cluster", "create", "first", "--if-not-exists")
        made = json.loads(instance.sampan("cluster", "create", "other", "-o", "json").stdout)
        self.assertEqual(made["metadata"]["name"], "other")
        self.assertIn("first", instance.sampan("cluster", "list", "-o", "name").stdout.split())
        self.assertRegex(instance.sampan("cluster", "list").stdout, r"(?m)^first\s+<none>\s+Ready\s+never\s+\d+")
        instance.sampan("cluster", "delete", "first", "other")
        missing = instance.sampan("cluster", "delete", "first", check=False)
        self.assertNotEqual(missing.returncode, 0)
        self.assertIn("There is no cluster first", missing.stderr)
        instance.sampan("cluster", "delete", "first", "--ignore-not-found")
        self.assertNotEqual(instance.sampan("cluster", "kubeconfig", "first", check=False).returncode, 0)
        bad = instance.sampan("cluster", "create", "Not_Good", check=False)
        self.assertNotEqual(bad.returncode, 0)

    def test_kubeconfig_is_printed_written_and_merged(self):
        instance = shared.instance()
        instance.cluster("config")
        printed = yaml.safe_load(instance.sampan("cluster", "kubeconfig", "config").stdout)
        self.assertEqual(printed["current-context"], "sampan-config")
        # Upstream's conformance suite would take the address of a cluster that is called so, and leave out the name to ask for.
        self.assertEqual([c["name"] for c in printed["clusters"]], ["config.clusters.sampan.internal"])
        # No credential that somebody could carry away, if none is asked for.
        self.assertEqual(set(printed["users"][0]["user"]), {"exec"})
        expires = yaml.safe_load(instance.sampan("cluster", "kubeconfig", "config", "--expires", "20m").stdout)
        self.assertAlmostEqual(certified_seconds(expires), 1200, delta=120)
        kept = yaml.safe_load(instance.sampan("cluster", "kubeconfig", "config", "--long-lived").stdout)
        self.assertAlmostEqual(certified_seconds(kept), 365 * 86400, delta=120)
        with tempfile.TemporaryDirectory() as folder:
            written = os.path.join(folder, "written")
            instance.sampan("cluster", "kubeconfig", "config", "--output", written)
            self.assertEqual(stat.S_IMODE(os.stat(written).st_mode), 0o600)
            merged = os.path.join(folder, "deep", "config")
            os.makedirs(os.path.dirname(merged))
            foreign = {
                "apiVersion": "v1", "kind": "Config", "preferences": {"colors": True}, "current-context": "work",
                "clusters": [{"name": "work", "cluster": {"server": "https://work", "extensions": [{"name": "x", "extension": {"a": 1}}]}}],
                "contexts": [{"name": "work", "context": {"cluster": "work", "user": "me"}}],
                "users": [{"name": "me", "user": {"token": "secret"}}],
            }
            with open(merged, "w") as file:
                yaml.safe_dump(foreign, file)
            instance.sampan("cluster", "kubeconfig", "config", "--merge", environment={"KUBECONFIG": merged})
            with open(merged) as file:
                after = yaml.safe_load(file)
            self.assertEqual(after["preferences"], foreign["preferences"])
            for part in ("clusters", "contexts", "users"):
                self.assertEqual(after[part][0], foreign[part][0])
            self.assertEqual(after["current-context"], "sampan-config")
            pods = subprocess.run([settings.kubectl, "--kubeconfig", merged, "--context", "sampan-config", "get", "namespaces"],
                                  capture_output=True, text=True)
            self.assertIn("kube-system", pods.stdout, pods.stderr)
            instance.sampan("cluster", "delete", "config", environment={"KUBECONFIG": merged})
            instance.clusters.pop("config")
            with open(merged) as file:
                left = yaml.safe_load(file)
            self.assertEqual({part: [entry["name"] for entry in left[part]] for part in ("clusters", "contexts", "users")},
                             {"clusters": ["work"], "contexts": ["work"], "users": ["me"]})

    def test_kubectl_gets_short_lived_credentials(self):
        instance = shared.instance()
        instance.cluster("brief")
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "config")
            instance.sampan("cluster", "kubeconfig", "brief", "--output", config)
            for client in (settings.kubectl, settings.old_kubectl):
                with self.subTest(client):
                    result = subprocess.run([client, "--kubeconfig", config, "get", "namespaces"], capture_output=True, text=True)
                    self.assertIn("kube-system", result.stdout, result.stderr)
            self.assertIn("kube-system", [n.metadata.name for n in kubernetes.client.CoreV1Api(
                kubernetes.config.new_client_from_config(config_file=config)).list_namespace().items])
            # A client of today's may ask in the version of today.
            with open(config) as file:
                tree = yaml.safe_load(file)
            tree["users"][0]["user"]["exec"]["apiVersion"] = "client.authentication.k8s.io/v1"
            with open(config, "w") as file:
                yaml.safe_dump(tree, file)
            result = subprocess.run([settings.kubectl, "--kubeconfig", config, "auth", "whoami", "-o", "json"], capture_output=True, text=True)
            self.assertEqual(json.loads(result.stdout)["status"]["userInfo"]["username"], "admin", result.stderr)
        info = {"KUBERNETES_EXEC_INFO": json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": {}})}
        credential = json.loads(instance.sampan("token", "brief", "--expires", "10m", environment=info).stdout)
        self.assertEqual((credential["apiVersion"], credential["kind"]), ("client.authentication.k8s.io/v1", "ExecCredential"))
        ends = datetime.datetime.fromisoformat(credential["status"]["expirationTimestamp"].replace("Z", "+00:00"))
        self.assertAlmostEqual((ends - datetime.datetime.now(datetime.timezone.utc)).total_seconds(), 600, delta=60)
        info["KUBERNETES_EXEC_INFO"] = info["KUBERNETES_EXEC_INFO"].replace("/v1", "/v2")
        self.assertIn("kubectl asks for client.authentication.k8s.io/v2", instance.sampan("token", "brief", environment=info, check=False).stderr)
        missing = instance.sampan("token", "nothing", check=False)
        self.assertNotEqual(missing.returncode, 0)
        self.assertIn("There is no cluster nothing", missing.stderr)
        instance.delete("brief")

    def test_secrets_are_for_their_owner_only(self):
        instance = shared.instance()
        for name in ("admin.kubeconfig",):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(instance.directory, name)).st_mode), 0o600)
        for folder, _, files in os.walk(instance.directory):
            if "/containerd/" in folder + "/":
                continue
            for name in files:
                if "sqlite" in name or name.endswith(".key"):
                    path = os.path.join(folder, name)
                    self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o077, 0, f"{path} can be read by others")

    def test_images(self):
        instance = shared.instance()
        listed = json.loads(instance.sampan("image", "list", "-o", "json").stdout)
        self.assertIn("sampan.dev/sample/web:1", [name for image in listed for name in image["names"]])
        result = instance.sampan("image", "load", "/no/such.tar", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("/no/such.tar", result.stderr)
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            file.write(b"not a tar")
            file.flush()
            self.assertNotEqual(instance.sampan("image", "load", file.name, check=False).returncode, 0)
