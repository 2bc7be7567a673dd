"""One cluster, through stock clients: kubectl, the Python client, and bare HTTPS where a client would get in the way."""

import base64
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import urllib.parse

import kubernetes
import yaml

from . import settings
from .waiting import until


class Answer:
    def __init__(self, code, headers, body):
        self.code, self.headers, self.body = code, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"HTTP {self.code}: {self.body[:600]!r}"


class Connection:
    """Requests over one kept connection, with the given credentials; anything that `Cluster.connect` takes."""

    def __init__(self, url, authority, token=None, certificate=None, timeout=60):
        parts = urllib.parse.urlsplit(url)
        context = ssl.create_default_context(cadata=authority)
        if certificate:
            context.load_cert_chain(*certificate)
        self.prefix, self.token = parts.path.rstrip("/"), token
        self.http = http.client.HTTPSConnection(parts.hostname, parts.port, context=context, timeout=timeout)

    def request(self, method, path, body=None, content_type="application/json", headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        elif isinstance(body, str):
            body = body.encode()
        all_headers = {"Accept": "application/json", **(headers or {})}
        if body is not None and content_type:
            all_headers["Content-Type"] = content_type
        if self.token:
            all_headers["Authorization"] = f"Bearer {self.token}"
        self.http.request(method, self.prefix + path, body=body, headers=all_headers)
        response = self.http.getresponse()
        return Answer(response.status, response.headers, response.read())

    def close(self):
        self.http.close()


class Cluster:
    def __init__(self, name, kubeconfig):
        self.name, self.kubeconfig = name, kubeconfig
        with open(kubeconfig) as file:
            tree = yaml.safe_load(file)
        context = next(c["context"] for c in tree["contexts"] if c["name"] == tree["current-context"])
        cluster = next(c["cluster"] for c in tree["clusters"] if c["name"] == context["cluster"])
        user = next(u["user"] for u in tree["users"] if u["name"] == context["user"])
        self.url = cluster["server"]
        self.authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.token = user.get("token")
        self.certificate = None
        if "client-certificate-data" in user:
            self.certificate = tuple(
                self._file(user[f"{part}-data"]) for part in ("client-certificate", "client-key"))

    def _file(self, encoded):
        descriptor, path = tempfile.mkstemp(dir=os.path.dirname(self.kubeconfig), suffix=".pem")
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64decode(encoded))
        return path

    # kubectl

    def command(self, *arguments):
        return [settings.kubectl, "--kubeconfig", self.kubeconfig, *arguments]

    def kubectl(self, *arguments, check=True, input=None, timeout=180):
        """What kubectl prints; with check=False, the whole result."""
        result = subprocess.run(self.command(*arguments), input=input, capture_output=True, text=True, timeout=timeout)
        if not check:
            return result
        if result.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)} exited with {result.returncode}: {result.stderr}{result.stdout}")
        return result.stdout

    def apply(self, *objects):
        return self.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(objects))

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def exec(self, target, *command, check=True, input=None):
        flags = ["-i"] if input is not None else []
        return self.kubectl("exec", *flags, target, "--", *command, check=check, input=input)

    # The Python client

    def client(self):
        return kubernetes.config.new_client_from_config(config_file=self.kubeconfig)

    def core(self):
        return kubernetes.client.CoreV1Api(self.client())

    # Bare HTTPS

    def connect(self, **changes):
        credentials = {"token": self.token, "certificate": self.certificate, **changes}
        return Connection(self.url, self.authority, **credentials)

    def request(self, method, path, body=None, **options):
        connection = self.connect()
        try:
            return connection.request(method, path, body, **options)
        finally:
            connection.close()

    # Workloads

    def deploy(self, name, replicas=1, image="sampan.dev/sample/web:1", environment=None, ready=True, service=True, **service_spec):
        """A web server behind a service of the same name, ready when this returns."""
        self.apply(deployment(name, replicas, image, environment))
        if service:
            self.apply({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}], **service_spec},
            })
        if ready:
            self.kubectl("rollout", "status", f"deployment/{name}", f"--timeout={settings.patience:.0f}s")

    def shell(self, name="shell", **spec):
        """A pod that only waits for commands, ready when this returns."""
        self.apply(pod(name, ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"], **spec))
        self.ready(name)
        return name

    def ready(self, name):
        self.kubectl("wait", "--for=condition=Ready", f"pod/{name}", f"--timeout={settings.patience:.0f}s")

    def fetch(self, source, url, seconds=3):
        """What `wget` (whose own time limit, -T, crashes Debian's busybox) in the pod `source` gets from `url`; an AssertionError when nothing."""
        return self.exec(source, "timeout", str(seconds), "wget", "-q", "-O", "-", url)

    def fetch_until(self, source, url, what=None):
        return until(lambda: self.fetch(source, url), what or f"{url} answers in {source}")


def pod(name, command, image="sampan.dev/sample/web:1", labels=None, **spec):
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 2,
            "containers": [{"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", "command": command}], **spec,
        },
    }


def deployment(name, replicas, image, environment=None):
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 5,
                    "containers": [{
                        "name": "web", "image": image, "imagePullPolicy": "IfNotPresent",
                        "ports": [{"containerPort": 8080}],
                        "env": [{"name": key, "value": value} for key, value in (environment or {}).items()],
                        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
                    }],
                },
            },
        },
    }
