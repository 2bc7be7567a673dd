"""What is in a cluster's volumes moves with it, and is copied with it: users notice nothing but the pause."""

import base64
import glob
import hashlib
import json
import os
import stat
import struct
import threading
import time
import unittest

from harness import shared
from harness.cluster import Connection
from harness.waiting import until

from test_archives import CLUSTERS, frames
from test_storage import claim, mounting

FILL = """
set -e
if [ ! -e /data/dir ]; then
  mkdir -p /data/dir/below; echo shibboleth > /data/dir/file; chown 1000:2000 /data/dir/file; chmod 640 /data/dir/file
  ln /data/dir/file /data/other-name; ln -s /etc/passwd /data/link; mkfifo /data/pipe; chmod 1777 /data/dir/below
  cp /bin/busybox /data/su; chmod 4755 /data/su; touch -d '2001-02-03 04:05:06' /data/dir
fi
echo start >> /data/starts
trap 'echo end >> /data/ends; exit 0' TERM
while true; do sleep 1 & wait $!; done
"""
LISTING = "cd /data && stat -c '%n %A %u %g %s %h' dir dir/file dir/below other-name link pipe su && stat -c %Y dir && readlink link && cat dir/file"
SPLIT = b"SampanVolumes/1\n"


def ready(cluster, name="web"):
    return lambda: any(c["type"] == "Ready" and c["status"] == "True" for c in cluster.get(f"pod/{name}")["status"].get("conditions", []))


def volume(*parts):
    """A stream of volumes, as docs/clusters.md describes it: (kind, payload) each, and the right checksum."""
    body = SPLIT + b"".join(kind + struct.pack(">I", len(payload)) + payload for kind, payload in parts)
    return body + b"E" + struct.pack(">I", 32) + hashlib.sha256(body).digest()


def attributes(mode=0o644, owner=0, group=0):
    return struct.pack(">IIIqIH", mode, owner, group, 1, 0, 0)


def file(name, size=0, number=0, **more):
    return (b"F", attributes(**more) + struct.pack(">qI", size, number) + name)


class ArchivedVolumes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()

    def filled(self, name, *options):
        cluster = self.instance.cluster(name, *options)
        cluster.apply(claim("data"))
        cluster.apply(mounting("web", "data", ["sh", "-c", FILL]))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
        until(lambda: cluster.kubectl("exec", "web", "--", "cat", "/data/starts"), "the volume is filled")
        return cluster

    def export(self, name, *options):
        path = os.path.join(self.instance.directory, f"{name}.{os.urandom(3).hex()}.sampan")
        self.addCleanup(lambda: os.path.exists(path) and os.remove(path))
        return path, self.instance.sampan("cluster", "export", name, "--output", path, *options)

    def incoming(self):
        return os.listdir(folder) if os.path.isdir(folder := os.path.join(self.instance.directory, "volumes", "incoming")) else []

    def exists(self, name, namespace="default"):
        return self.instance.root().request("GET", f"/apis/sampan.dev/v1alpha1/namespaces/{namespace}/virtualclusters/{name}").code == 200

    def test_a_cluster_moves_and_is_copied_with_its_data(self):
        cluster = self.filled("heavy")
        before = cluster.kubectl("exec", "web", "--", "sh", "-c", LISTING)
        self.assertIn("dir/file -rw-r----- 1000 2000", before)
        self.assertIn("su -rwsr-xr-x", before)
        uid = cluster.get("pod/web")["metadata"]["uid"]
        token = cluster.kubectl("create", "token", "default").strip()
        plain, said = self.export("heavy")
        self.assertIn("--volumes", said.stderr)
        path, said = self.export("heavy", "--volumes")
        self.assertIn("pods are stopped", said.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        # Its pods went on, and were stopped in the proper way before the volume was read.
        until(ready(cluster), "the pod goes on")
        self.assertEqual(cluster.get("pod/web")["metadata"]["uid"], uid)
        self.assertEqual([s["restartCount"] for s in cluster.get("pod/web")["status"]["containerStatuses"]], [1])
        self.assertEqual(cluster.kubectl("exec", "web", "--", "sh", "-c", LISTING), before)

        # A clone beside it, of what is there by then.
        cluster.kubectl("exec", "web", "--", "sh", "-c", "echo later > /data/later")
        said = self.instance.sampan("cluster", "clone", "heavy", "heavy-2", "--volumes")
        self.assertNotIn("begin empty", said.stderr)
        copy = self.instance.cluster("heavy-2")
        for each in (cluster, copy):
            until(ready(each), "its pod runs")
            self.assertEqual(each.kubectl("exec", "web", "--", "sh", "-c", LISTING), before)
            self.assertEqual(each.kubectl("exec", "web", "--", "cat", "/data/later"), "later\n")
        # They are two: what is written in one isn't in the other.
        copy.kubectl("exec", "web", "--", "sh", "-c", "echo mine > /data/later")
        self.assertEqual(cluster.kubectl("exec", "web", "--", "cat", "/data/later"), "later\n")
        self.instance.delete("heavy-2")

        self.instance.delete("heavy")
        self.instance.sampan("cluster", "import", path)
        moved = self.instance.cluster("heavy")
        until(ready(moved), "its pod runs")
        self.assertEqual(moved.kubectl("exec", "web", "--", "sh", "-c", LISTING), before)
        # As it was when the pod had ended, which was told to: started twice, ended once, before its end was in the volume.
        self.assertEqual(moved.kubectl("exec", "web", "--", "cat", "/data/starts", "/data/ends"), "start\nstart\nend\n")
        connection = Connection(moved.url, moved.authority, token=token)
        self.assertNotEqual(connection.request("GET", "/api/v1").code, 401)
        connection.close()
        self.assertNotIn("annotations", self.instance.root().request("GET", f"{CLUSTERS}/heavy").json["metadata"])
        self.assertEqual(self.incoming(), [])
        self.instance.delete("heavy")
        # Without it in the file it isn't there, and that is said.
        said = self.instance.sampan("cluster", "import", plain)
        self.assertIn("1 persistent volume claim;", said.stderr)
        empty = self.instance.cluster("heavy")
        until(ready(empty), "its pod runs")
        self.assertEqual(empty.kubectl("exec", "web", "--", "cat", "/data/starts"), "start\n")
        self.instance.delete("heavy")

    def test_one_that_sleeps_goes_on_sleeping(self):
        cluster = self.filled("drowsy")
        self.instance.sampan("cluster", "sleep", "drowsy")
        path, _ = self.export("drowsy", "--volumes")
        explained = json.loads(self.instance.sampan("cluster", "explain", "drowsy", "-o", "json").stdout)
        self.assertFalse(explained["awake"])
        self.assertGreater(os.path.getsize(path), 100_000)
        self.instance.delete("drowsy")

    def test_hostile_volumes_are_refused(self):
        cluster = self.filled("trojan")
        handle = cluster.get("pv")["items"][0]["spec"]["csi"]["volumeHandle"].encode()
        path, _ = self.export("trojan", "--volumes")
        with open(path, "rb") as archive:
            whole = archive.read()
        objects = whole[:whole.index(SPLIT)]
        begin, end = (b"V", handle + attributes(0o777)), (b"U", b"")
        for what, volumes, why in (
                ("another's volume", volume((b"V", b"pvc-99999999-89ab-cdef-0123-456789abcdef" + attributes()), end), "no bound claim"),
                ("out of it", volume(begin, file(b"../../../../etc/cron.d/x"), end), "name"),
                ("dots", volume(begin, (b"D", attributes() + b".."), end), "name"),
                ("through a link", volume(begin, (b"S", attributes() + struct.pack(">H", 4) + b"/etc" + b"x"), (b"D", attributes() + b"x"), end), "one name"),
                ("a kind that isn't, as of a device", volume(begin, (b"c", attributes() + b"null"), end), "unknown"),
                ("too much", volume(begin, file(b"x", 12 << 20), *((b"B", struct.pack(">q", i << 20) + bytes(1 << 20)) for i in range(12)), end), "requests"),
                ("cut off", volume(begin), "cut off"),
                ("damaged", whole[whole.index(SPLIT):-40] + bytes(40), "")):
            with self.subTest(what):
                with open(path, "wb") as archive:
                    archive.write(objects + volumes)
                result = self.instance.sampan("cluster", "import", path, "--name", "trojan-2", check=False)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(why, result.stderr)
                self.assertFalse(self.exists("trojan-2"))
                self.assertEqual(self.incoming(), [])
        self.instance.delete("trojan")

    def test_the_teams_quota_is_charged_before_anything_is_written(self):
        cluster = self.filled("pricey")
        path, _ = self.export("pricey", "--volumes")
        self.instance.sampan("team", "create", "poor", "--storage", "5Mi")
        result = self.instance.sampan("cluster", "import", path, "--team", "poor", check=False)
        self.assertIn("exceeded quota", result.stderr)
        self.assertIn("storage", result.stderr)
        self.assertFalse(self.exists("pricey", "poor"))
        self.assertEqual(self.incoming(), [])
        # While one comes there is no room for another; afterwards there is for none either, and it counts once.
        self.instance.sampan("team", "create", "fair", "--storage", "15Mi")
        transfer = Transfer(self.instance, path, "pricey", "fair")
        transfer.send_objects()
        transfer.send_volumes(pieces=1)
        self.assertEqual(len(self.incoming()), 1)
        result = self.instance.sampan("cluster", "import", path, "--team", "fair", "--name", "second", check=False)
        self.assertIn("exceeded quota", result.stderr)
        transfer.send_volumes()
        self.assertEqual(transfer.finish().code, 201)
        used = lambda: self.instance.root().request("GET", "/apis/sampan.dev/v1alpha1/teams/fair").json["status"].get("used", {}).get("storage")
        until(lambda: used() == "10Mi", "the storage is the team's")
        self.instance.sampan("cluster", "delete", "pricey", "--team", "fair", "--now")
        self.instance.delete("pricey")

    def test_a_kill_in_the_middle_leaves_nothing(self):
        cluster = self.filled("struck-volumes")
        cluster.kubectl("exec", "web", "--", "sh", "-c", "dd if=/dev/urandom of=/data/random bs=1M count=8 2>/dev/null")
        before = cluster.kubectl("exec", "web", "--", "sha256sum", "/data/random")
        path, _ = self.export("struck-volumes", "--volumes")
        transfer = Transfer(self.instance, path, "struck-1", "default")
        transfer.send_objects()
        transfer.send_volumes(pieces=1)
        self.assertEqual(len(self.incoming()), 1)
        self.instance.kill()
        self.assertEqual(len(self.incoming()), 1)
        self.instance.up()
        until(lambda: self.incoming() == [], "what came is removed")
        self.assertFalse(self.exists("struck-1"))
        self.assertEqual(glob.glob(os.path.join(self.instance.directory, "volumes", "deleted", "*")), [])
        # At any moment: a whole cluster or none.
        for attempt, delay in enumerate((0.1, 0.2, 0.3, 0.5, 0.8)):
            name = f"struck-at-{attempt}"
            done = []
            importer = threading.Thread(target=lambda: done.append(self.instance.sampan("cluster", "import", path, "--name", name, check=False)))
            importer.start()
            time.sleep(delay)
            self.instance.kill()
            importer.join()
            self.instance.up()
            root = self.instance.root()
            with self.subTest(delay=delay):
                def settled():
                    answer = root.request("GET", f"{CLUSTERS}/{name}")
                    return answer.code == 404 or "annotations" not in answer.json["metadata"]
                until(settled, "the cluster is there or gone")
                until(lambda: self.incoming() == [], "nothing of it is left over")
                if done[0].returncode == 0:
                    self.assertTrue(self.exists(name), "what was said to be done is lost")
                if self.exists(name):
                    until(ready(self.instance.cluster(name)), "its pod runs")
                    self.assertEqual(self.instance.cluster(name).kubectl("exec", "web", "--", "sha256sum", "/data/random"), before)
                    self.instance.delete(name)
        # An export is in memory only: the pods that it stopped go on.
        root = self.instance.root()
        begun = root.request("POST", f"{CLUSTERS}/struck-volumes/export", {"apiVersion": "sampan.dev/v1alpha1", "kind": "ClusterExport", "withVolumes": True})
        self.assertEqual(begun.code, 201, begun)
        until(lambda: not ready(cluster)(), "the pod is stopped")
        self.instance.kill()
        self.instance.up()
        until(ready(cluster), "the pod goes on")
        # So do those of one that nobody goes on with.
        begun = root.request("POST", f"{CLUSTERS}/struck-volumes/export", {"apiVersion": "sampan.dev/v1alpha1", "kind": "ClusterExport", "withVolumes": True})
        self.assertEqual(begun.code, 201, begun)
        until(lambda: not ready(cluster)(), "the pod is stopped")
        until(ready(cluster), "the pod goes on", timeout=90)
        self.instance.delete("struck-volumes")


class Transfer:
    """An import by hand, which can stop anywhere."""

    def __init__(self, instance, path, name, namespace):
        self.root = instance.root()
        self.place = f"/apis/sampan.dev/v1alpha1/namespaces/{namespace}/virtualclusters/{name}/import"
        with open(path, "rb") as file:
            text = file.read()
        self.objects, self.volumes = text[:text.index(SPLIT)], text[text.index(SPLIT):]
        self.upload, self.offset = "", 0

    def ask(self, **fields):
        return self.root.request("POST", self.place, {"apiVersion": "sampan.dev/v1alpha1", "kind": "ClusterImport", "upload": self.upload, **fields})

    def send_objects(self):
        answer = self.ask(offset=0, data=base64.b64encode(self.objects).decode())
        assert answer.code == 201, answer
        self.upload = answer.json["upload"]

    def send_volumes(self, pieces=None):
        while self.offset < len(self.volumes) and pieces != 0:
            piece = self.volumes[self.offset:self.offset + 500_000]
            answer = self.ask(withVolumes=True, offset=self.offset, data=base64.b64encode(piece).decode())
            assert answer.code == 201, answer
            self.offset += len(piece)
            assert answer.json["offset"] == self.offset, answer
            pieces = pieces and pieces - 1

    def finish(self):
        return self.ask(withVolumes=True, offset=self.offset, finish=True)


if __name__ == "__main__":
    unittest.main()
