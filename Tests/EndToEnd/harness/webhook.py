"""A webhook behind the service `hook` of a cluster: a server of ours that runs in the network of a pod there."""

import base64
import os
import subprocess
import sys
import tempfile

from . import settings
from .waiting import until


class Webhook:
    def __init__(self, test_class, cluster, server):
        """`server` is a file beside this one; everything goes away with the test class."""
        self.cluster = cluster
        self.folder = tempfile.mkdtemp(prefix="sampan-hook-", dir=settings.folder)
        test_class.addClassCleanup(subprocess.run, ["rm", "-rf", self.folder], check=True)
        self.authority = certify(self.folder, "hook.default.svc")
        cluster.shell("hook")
        cluster.apply({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook"},
            "spec": {"selector": {"app": "hook"}, "ports": [{"port": 443, "targetPort": 8443}]},
        })
        until(lambda: cluster.get("endpointslices", "-l", "kubernetes.io/service-name=hook")["items"][0]["endpoints"],
              "the service has an endpoint")
        pid = process_in(cluster.get("pod/hook"))
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), server)
        self.server = subprocess.Popen(["nsenter", "-t", str(pid), "-n", sys.executable, script, self.folder])
        test_class.addClassCleanup(self._end)

    def _end(self):
        self.server.terminate()
        self.server.wait()

    def client_config(self, path, authority=None, **service):
        return {
            "service": {"namespace": "default", "name": "hook", "path": path, **service},
            "caBundle": base64.b64encode((authority or self.authority).encode()).decode()}


def certify(folder, name):
    """Puts a certificate for a DNS name, and its key, into a folder (`tls.crt`, `tls.key`); the authority that signed it, as PEM."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=hook-ca", "-days", "2")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=hook")
    with open(os.path.join(folder, "names"), "w") as file:
        file.write(f"subjectAltName=DNS:{name}")
    openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tls.crt", "-days", "2",
            "-extfile", "names")
    with open(os.path.join(folder, "ca.crt")) as file:
        return file.read()


def process_in(tree):
    """A process on this machine that is in the pod's network."""
    address = tree["status"]["podIP"]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/net/fib_trie") as file:
                if address in file.read() and os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net"):
                    return int(pid)
        except OSError:
            pass
    raise AssertionError(f"no process has the address {address}")
