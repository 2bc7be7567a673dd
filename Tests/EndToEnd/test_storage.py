"""Volumes that outlive pods: made for claims, mounted, kept over restarts, and removed with what they were for."""

import glob
import os
import unittest

from harness import shared
from harness.cluster import pod
from harness.waiting import until


def claim(name, size="10Mi", **spec):
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}}


def mounting(name, claim_name, command, mount=None, **spec):
    """A pod that has a claim at /data."""
    return pod(name, command, containers=[{
        "name": "main", "image": "sampan.dev/sample/web:1", "command": command,
        "volumeMounts": [{"name": "data", "mountPath": "/data", **(mount or {})}]}],
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}], **spec)


def database(replicas=2, **retention):
    return {
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
        "spec": {
            "replicas": replicas, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Retain", "whenDeleted": "Retain", **retention},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
                    "name": "main", "image": "sampan.dev/sample/web:1",
                    "command": ["sh", "-c", "[ -e /data/name ] || hostname > /data/name; echo start >> /data/starts; sleep 3600"],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim("")["spec"]}]}}


def directories(instance):
    """The volumes that the instance has on its disk."""
    return [path for path in glob.glob(os.path.join(instance.directory, "volumes", "*", "pvc-*")) if "/deleted/" not in path]


class Storage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.instance = shared.instance()
        cls.cluster = cls.instance.cluster("storage")

    def reasons(self, name):
        events = self.cluster.get("events", "--field-selector", f"involvedObject.name={name}")["items"]
        return {event["reason"] for event in events}

    def test_a_set_of_two_keeps_its_data_over_deletion_and_a_killed_server(self):
        cluster = self.cluster
        cluster.apply(database())
        cluster.kubectl("rollout", "status", "statefulset/db", "--timeout=60s")
        claims = {c["metadata"]["name"]: c for c in cluster.get("pvc", "-l", "app=db")["items"]}
        self.assertEqual(set(claims), {"data-db-0", "data-db-1"})
        for item in claims.values():
            self.assertEqual(item["status"]["phase"], "Bound")
            self.assertEqual(item["spec"]["storageClassName"], "local-path")
            self.assertEqual(item["metadata"]["finalizers"], ["kubernetes.io/pvc-protection"])
        until(lambda: {"WaitForFirstConsumer", "WaitForPodScheduled"} & self.reasons("data-db-0")
              and {"ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"} <= self.reasons("data-db-0"),
              "the claim's events tell its story")
        self.assertEqual(cluster.kubectl("exec", "db-1", "--", "cat", "/data/name").strip(), "db-1")

        cluster.kubectl("delete", "pod", "db-0")
        cluster.kubectl("delete", "statefulset", "db")
        until(lambda: not cluster.get("pods", "-l", "app=db")["items"], "the set's pods are gone")
        self.instance.kill()
        self.instance.up()
        cluster.apply(database())
        cluster.kubectl("rollout", "status", "statefulset/db", "--timeout=60s")
        for name in ("db-0", "db-1"):
            self.assertEqual(cluster.kubectl("exec", name, "--", "cat", "/data/name").strip(), name)
        self.assertEqual(cluster.kubectl("exec", "db-1", "--", "cat", "/data/starts").split(), ["start", "start"])

        volumes = {c["spec"]["volumeName"] for c in cluster.get("pvc", "-l", "app=db")["items"]}
        self.assertTrue(volumes <= {os.path.basename(path) for path in directories(self.instance)})
        cluster.kubectl("delete", "statefulset", "db")
        cluster.kubectl("delete", "pvc", "-l", "app=db")
        until(lambda: not volumes & {os.path.basename(path) for path in directories(self.instance)}, "the data is gone")

    def test_a_claim_in_use_goes_after_its_pod_and_with_it_the_data(self):
        cluster = self.cluster
        cluster.apply(claim("used"))
        cluster.apply(mounting("user", "used", ["sleep", "3600"]))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/user", "--timeout=60s")
        volume = cluster.get("pvc/used")["spec"]["volumeName"]
        path, = [path for path in directories(self.instance) if path.endswith(volume)]
        cluster.kubectl("delete", "pvc", "used", "--wait=false")
        self.assertEqual(cluster.kubectl("get", "pvc", "used", "--no-headers").split()[1], "Terminating")
        cluster.kubectl("exec", "user", "--", "sh", "-c", "echo here > /data/file")
        self.assertTrue(os.path.exists(os.path.join(path, "file")))
        # One that comes later isn't let near it.
        cluster.apply(mounting("late", "used", ["sleep", "3600"]))
        until(lambda: "is being deleted" in str(cluster.get("pod/late")["status"].get("conditions")), "the late pod waits")
        cluster.kubectl("delete", "pod", "user", "late", "--grace-period=0", "--force")
        until(lambda: not os.path.exists(path), "the data goes with the claim")
        until(lambda: "not found" in cluster.kubectl("get", "pv", volume, check=False).stderr, "the volume is gone")

    def test_growing_subpaths_groups_and_reading_only(self):
        cluster = self.cluster
        cluster.apply(claim("shared"))
        cluster.apply(mounting(
            "writer", "shared", ["sh", "-c", "id -G; touch /data/file && stat -c '%g %a' /data/. && sleep 3600"],
            securityContext={"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 2000}))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/writer", "--timeout=60s")
        until(lambda: cluster.kubectl("logs", "writer").splitlines()[-1:] == ["2000 2777"], "the volume is the group's")
        cluster.apply(mounting("part", "shared", ["sh", "-c", "echo x > /data/inner; sleep 3600"], {"subPath": "a/b"}))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/part", "--timeout=60s")
        self.assertEqual(cluster.kubectl("exec", "writer", "--", "cat", "/data/a/b/inner").strip(), "x")
        reader = mounting("reader", "shared", ["sh", "-c", "echo x > /data/y"], restartPolicy="Never")
        reader["spec"]["volumes"][0]["persistentVolumeClaim"]["readOnly"] = True
        cluster.apply(reader)
        cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Failed", "pod/reader", "--timeout=60s")
        self.assertIn("Read-only file system", cluster.kubectl("logs", "reader"))

        cluster.kubectl("patch", "pvc", "shared", "-p", '{"spec":{"resources":{"requests":{"storage":"20Mi"}}}}')
        until(lambda: cluster.get("pvc/shared")["status"]["capacity"]["storage"] == "20Mi", "the claim has grown")
        self.assertIn("VolumeResizeSuccessful", until(
            lambda: {"VolumeResizeSuccessful"} & self.reasons("shared"), "growing is told"))
        cluster.kubectl("delete", "pod", "writer", "part", "reader", "--grace-period=0", "--force")
        cluster.kubectl("delete", "pvc", "shared")

    def test_volumes_made_by_people_are_kept(self):
        # Volumes of the machine's directories are for clusters that the platform trusts with them.
        cluster = self.instance.cluster("by-hand", "--pod-security", "privileged")
        folder = os.path.join(self.instance.directory, "handmade")
        os.makedirs(folder, exist_ok=True)
        node = cluster.get("nodes")["items"][0]["metadata"]["name"]

        def volume(name, host):
            return {
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
                "spec": {
                    "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "by-hand",
                    "persistentVolumeReclaimPolicy": "Retain", "local": {"path": folder},
                    "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                        {"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}]}}}}
        cluster.apply(volume("far", "another-machine"))
        cluster.apply(claim("hand", storageClassName="by-hand", volumeName="far"))
        cluster.apply(mounting("hand", "hand", ["sh", "-c", "echo kept > /data/file; sleep 3600"]))
        until(lambda: "didn't match PersistentVolume's node affinity" in str(cluster.get("pod/hand")["status"].get("conditions")),
              "another machine's volume can't be used")
        cluster.kubectl("delete", "pod", "hand")
        cluster.kubectl("delete", "pvc", "hand")
        cluster.apply(volume("near", node))
        cluster.apply(claim("hand", storageClassName="by-hand"))
        cluster.apply(mounting("hand", "hand", ["sh", "-c", "echo kept > /data/file; sleep 3600"]))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/hand", "--timeout=60s")
        cluster.kubectl("delete", "pod", "hand", "--grace-period=0", "--force")
        cluster.kubectl("delete", "pvc", "hand")
        until(lambda: cluster.get("pv/near")["status"]["phase"] == "Released", "it is released")
        self.assertTrue(os.path.exists(os.path.join(folder, "file")))
        cluster.kubectl("delete", "pv", "near", "far")

    def test_a_pods_own_volume_goes_with_it(self):
        cluster = self.cluster
        cluster.apply(pod("scratch", ["sleep", "3600"], containers=[{
            "name": "main", "image": "sampan.dev/sample/web:1", "command": ["sh", "-c", "echo x > /data/file; sleep 3600"],
            "volumeMounts": [{"name": "own", "mountPath": "/data"}]}],
            volumes=[{"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": claim("")["spec"]}}}]))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/scratch", "--timeout=60s")
        volume = cluster.get("pvc/scratch-own")["spec"]["volumeName"]
        cluster.kubectl("delete", "pod", "scratch", "--grace-period=0", "--force")
        until(lambda: not [path for path in directories(self.instance) if path.endswith(volume)], "its data is gone")

    def test_volumes_go_with_their_cluster(self):
        doomed = self.instance.cluster("doomed")
        doomed.apply(claim("data"))
        doomed.apply(mounting("user", "data", ["sleep", "3600"]))
        doomed.kubectl("wait", "--for=condition=Ready", "pod/user", "--timeout=60s")
        volume = doomed.get("pvc/data")["spec"]["volumeName"]
        self.assertTrue([path for path in directories(self.instance) if path.endswith(volume)])
        self.instance.delete("doomed")
        until(lambda: not [path for path in directories(self.instance) if path.endswith(volume)], "the data is gone")
