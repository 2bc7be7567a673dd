"""Images for another processor: they run where the machine's kernel has an emulator for them, and the pod says what is missing where not."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest

from harness import settings, shared
from harness.cluster import pod
from harness.registry import Registry
from harness.waiting import until

FORMATS = "/proc/sys/fs/binfmt_misc"
FOREIGN, MACHINE, EMULATOR = {
    "x86_64": ("arm64", "aarch64", "qemu-aarch64"), "aarch64": ("amd64", "x86_64", "qemu-x86_64")}[os.uname().machine]
INDEX = "application/vnd.oci.image.index.v1+json"


def build(folder, name, path):
    """An image of Debian's busybox for the other processor."""
    root = os.path.join(folder, "root")
    os.makedirs(os.path.join(root, "bin"), exist_ok=True)
    os.chmod(root, 0o755)
    shutil.copy(os.path.join(settings.cache, "bin", f"busybox-{FOREIGN}"), os.path.join(root, "bin", "busybox"))
    for applet in ("sh", "uname", "sleep"):
        if not os.path.islink(os.path.join(root, "bin", applet)):
            os.symlink("/bin/busybox", os.path.join(root, "bin", applet))
    subprocess.run([os.path.join(settings.repository, "scripts", "build-image"), "--name", name, "--root", root, "--output", path,
                    "--env", "PATH=/bin", "--architecture", FOREIGN], check=True)


def in_index(archive, name, path):
    """The archive with its image inside an index of its own, as buildx writes images that have attestations."""
    with tarfile.open(archive) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    del files["manifest.json"]
    inner = json.loads(files["index.json"])
    inner["mediaType"] = INDEX
    del inner["manifests"][0]["annotations"]
    inner = json.dumps(inner).encode()
    digest = hashlib.sha256(inner).hexdigest()
    files["blobs/sha256/" + digest] = inner
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [{
        "mediaType": INDEX, "size": len(inner), "digest": "sha256:" + digest, "annotations": {"io.containerd.image.name": name}}]}).encode()
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def running(name, image, **fields):
    return pod(name, None, containers=[{
        "name": "main", "image": image, "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", "uname -m; trap 'exit 0' TERM; while :; do sleep 1; done"]}], **fields)


class ForeignImages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(f"{FORMATS}/status") or not os.path.exists(f"{FORMATS}/{EMULATOR}"):
            # Whoever runs the tests in a mount namespace of their own has to bring it there.
            subprocess.run([os.path.join(settings.repository, "scripts", "install"), "emulation"], check=True, capture_output=True)
        if not os.path.exists(f"{FORMATS}/{EMULATOR}"):
            raise unittest.SkipTest(f"this kernel doesn't take {EMULATOR} as a handler ({FORMATS})")
        cls.folder = tempfile.mkdtemp(prefix="foreign-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.plain, cls.nested = (os.path.join(cls.folder, f"{name}.tar") for name in ("plain", "nested"))
        build(cls.folder, "sampan.dev/test/foreign:1", cls.plain)
        in_index(cls.plain, "sampan.dev/test/foreign:2", cls.nested)
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("foreign")
        cls.addClassCleanup(cls.instance.delete, "foreign")

    def test_an_image_for_another_processor_runs_under_its_emulator(self):
        loaded = self.instance.sampan("image", "load", self.plain, self.nested).stdout
        self.assertEqual(loaded, "loaded sampan.dev/test/foreign:1\nloaded sampan.dev/test/foreign:2\n")
        registry = Registry(self.plain)
        self.addCleanup(registry.close)
        indexed = Registry(self.plain)
        self.addCleanup(indexed.close)
        indexed.wrap(FOREIGN)
        images = {"plain": "sampan.dev/test/foreign:1", "in-index": "sampan.dev/test/foreign:2",
                  "pulled": f"{registry.address}/plain:1", "pulled-index": f"{indexed.address}/indexed:1"}
        self.cluster.apply(*(running(name, image) for name, image in images.items()))
        for name in images:
            with self.subTest(name):
                self.cluster.ready(name)
                until(lambda: self.cluster.kubectl("logs", name).strip() == MACHINE, f"{name} says what it runs on")
                self.assertEqual(self.cluster.exec(name, "uname", "-m").strip(), MACHINE)
        # The next pod finds what was pulled, by its name.
        asked = len(indexed.asked)
        self.cluster.apply(running("again", images["pulled-index"]))
        self.cluster.ready("again")
        self.assertEqual(len(indexed.asked), asked)
        # The node is what it is: who asks for the other kind of node gets none.
        self.cluster.apply(running("elsewhere", images["plain"], nodeSelector={"kubernetes.io/arch": FOREIGN}))
        until(lambda: "didn't match Pod's node affinity/selector" in self.cluster.kubectl("get", "events", "--field-selector", "involvedObject.name=elsewhere"),
              "no node is of that kind")
        self.cluster.kubectl("delete", "pods", "--all", "--force", "--grace-period=0")

    def test_what_is_missing_is_said(self):
        with open(self.plain, "rb") as file:
            loaded = subprocess.run([settings.binary, "image", "load", "-", "--data-dir", self.instance.directory], stdin=file, capture_output=True)
        self.assertEqual((loaded.returncode, loaded.stdout), (0, b"loaded sampan.dev/test/foreign:1\n"), loaded.stderr)
        handler = f"{FORMATS}/{EMULATOR}"

        def switch(on):
            with open(handler, "w") as file:
                file.write("1" if on else "0")
        switch(False)
        try:
            self.cluster.apply(running("refused", "sampan.dev/test/foreign:1"))

            def waiting():
                statuses = self.cluster.get("pod/refused")["status"].get("containerStatuses") or [{}]
                found = statuses[0].get("state", {}).get("waiting", {})
                return found if found.get("reason") == "CreateContainerError" else None
            message = until(waiting, "the pod says what keeps it")["message"]
            self.assertIn('no match for platform in manifest: image "sampan.dev/test/foreign:1" is for linux/' + FOREIGN, message)
            self.assertIn(f"the kernel's handler {EMULATOR} is disabled: install qemu-user-static and binfmt-support", message)
            events = self.cluster.get("events", "--field-selector", "involvedObject.name=refused,reason=Failed")["items"]
            self.assertEqual({(event["type"], event["message"]) for event in events}, {("Warning", f"Error: {message}")})
        finally:
            switch(True)
        # It was looked at again: nobody has to make the pod anew.
        self.cluster.ready("refused")
        until(lambda: self.cluster.kubectl("logs", "refused").strip() == MACHINE, "it runs on what it was made for")
        # gVisor's kernel has no emulators.
        self.cluster.apply(running("sandboxed", "sampan.dev/test/foreign:1", runtimeClassName="gvisor"))
        until(lambda: "gVisor runs only the node's own programs" in self.cluster.kubectl(
            "get", "events", "--field-selector", "involvedObject.name=sandboxed"), "the sandboxed pod says what keeps it")
        self.cluster.kubectl("delete", "pods", "--all", "--force", "--grace-period=0")


if __name__ == "__main__":
    unittest.main()
