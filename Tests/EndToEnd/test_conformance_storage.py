"""What the conformance suite of v1.36 asks of the kinds of storage and v1.20's, which can be run here, doesn't (docs/conformance.md): that the API
keeps them. One test for each of its tests, named as it is in the first line of its text."""

import unittest

from harness import lifecycle, shared
from harness.api_test import APITest
from harness.waiting import until

STORAGE = "/apis/storage.k8s.io/v1"
ATTACHMENT = {"spec": {"attacher": "e2e-test.storage.k8s.io", "nodeName": "e2e-node", "source": {"persistentVolumeName": "e2e-pv"}}}


def nothing(tree):
    pass


class ConformanceStorage(APITest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.new("conf-storage", containers=False).cluster("storage")

    def go_through(self, path, kind, spec, change=None, back=nothing):
        lifecycle.go_through(self, self.cluster, f"{STORAGE}/{path}", kind, spec, change or {}, back)

    # Kinds that nothing acts on here

    def test_drivers(self):
        """CSIInlineVolumes should run through the lifecycle of a CSIDriver"""
        def back(tree):
            tree["spec"]["requiresRepublish"] = False
        self.go_through("csidrivers", "CSIDriver", {
            "spec": {"attachRequired": False, "podInfoOnMount": True, "volumeLifecycleModes": ["Persistent", "Ephemeral"]}},
            {"spec": {"requiresRepublish": True}}, back)

    def test_nodes(self):
        """CSINodes CSI Conformance should run through the lifecycle of a csinode"""
        def back(tree):
            tree["spec"]["drivers"].append({"name": "e2e-driver-2", "nodeID": "e2e-node-2", "topologyKeys": None})
        self.go_through("csinodes", "CSINode", {"spec": {"drivers": [{"name": "e2e-driver", "nodeID": "e2e-node", "topologyKeys": ["company.com/zone"]}]}},
                        back=back)

    def test_capacities(self):
        """CSIStorageCapacity should support CSIStorageCapacities API operations"""
        def back(tree):
            tree["capacity"], tree["maximumVolumeSize"] = "1Gi", "500Mi"
        self.go_through("namespaces/default/csistoragecapacities", "CSIStorageCapacity", {
            "storageClassName": "e2e-class", "capacity": "100Gi", "nodeTopology": {"matchLabels": {"zone": "a"}}}, {"capacity": "2Gi"}, back)
        self.assertEqual(self.ask("GET", f"{STORAGE}/csistoragecapacities")["items"], [])

    def test_classes(self):
        """StorageClasses CSI Conformance should run through the lifecycle of a StorageClass"""
        def back(tree):
            tree["allowVolumeExpansion"] = True
        self.go_through("storageclasses", "StorageClass", {
            "provisioner": "e2e-fake-provisioner", "reclaimPolicy": "Retain", "volumeBindingMode": "Immediate", "parameters": {"type": "ssd"}}, back=back)

    def test_attributes_classes(self):
        """VolumeAttributesClass should run through the lifecycle of a VolumeAttributesClass"""
        self.go_through("volumeattributesclasses", "VolumeAttributesClass", {"driverName": "e2e-fake-driver", "parameters": {"iops": "100"}})

    def test_attachments(self):
        """VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment"""
        self.go_through("volumeattachments", "VolumeAttachment", ATTACHMENT)

    def test_status_of_attachments(self):
        """VolumeAttachment Conformance should apply changes to a volumeattachment status"""
        self.ask("POST", f"{STORAGE}/volumeattachments", {"metadata": {"name": "status"}, **ATTACHMENT}, 201)
        own = f"{STORAGE}/volumeattachments/status"
        self.assertEqual(self.ask("GET", own)["status"], {"attached": False})
        patched = self.patch(f"{own}/status", {
            "metadata": {"annotations": {"patched": "yes"}}, "status": {"attached": True, "attachmentMetadata": {"path": "/dev/x"}}})
        self.assertEqual((patched["status"]["attached"], patched["metadata"]["annotations"]), (True, {"patched": "yes"}))
        updated = self.changed(f"{own}/status", lambda tree: tree["status"].update(attached=False))
        self.assertFalse(updated["status"]["attached"])
        self.assertFalse(self.ask("GET", f"{own}/status")["status"]["attached"])
        # Neither way leads to the other's half.
        self.assertEqual(self.changed(own, lambda tree: tree["status"].update(attached=True))["status"]["attached"], False)
        self.ask("DELETE", own)
        self.ask("GET", own, code=404)

    # Volumes and claims

    def test_pods_with_inline_volumes(self):
        """CSIInlineVolumes should support CSIVolumeSource in Pod API"""
        pods = "/api/v1/namespaces/default/pods"
        volumes = [{"name": "csi-inline-vol1", "csi": {"driver": "e2e.example.com"}},
                   {"name": "csi-inline-vol2", "csi": {"driver": "e2e.example.com", "fsType": "ext4", "readOnly": True}}]
        mounts = [{"name": volume["name"], "mountPath": f"/mnt/{volume['name']}"} for volume in volumes]
        self.ask("POST", pods, {"metadata": {"name": "inline"}, "spec": {"restartPolicy": "Never", "volumes": volumes, "containers": [
            {"name": "inline", "image": "busybox", "command": ["/bin/sh", "-c", "sleep 1000"], "volumeMounts": mounts}]}}, 201)
        tree = self.ask("GET", f"{pods}/inline")
        self.assertEqual(tree["spec"]["volumes"][:2], volumes)
        self.assertIn("inline", [item["metadata"]["name"] for item in self.ask("GET", pods)["items"]])
        patched = self.patch(f"{pods}/inline", {"metadata": {"labels": {"test": "patched"}}}, self.STRATEGIC)
        self.assertEqual((patched["metadata"]["labels"], patched["spec"]["volumes"][:2]), ({"test": "patched"}, volumes))
        self.ask("DELETE", f"{pods}/inline")
        self.gone(f"{pods}/inline")

    def volume(self, label, code=201):
        made = self.ask("POST", "/api/v1/persistentvolumes", {
            "metadata": {"generateName": "pv-", "labels": {"e2e": label}}, "spec": {
                "accessModes": ["ReadWriteMany"], "capacity": {"storage": "1Gi"}, "persistentVolumeReclaimPolicy": "Retain", "storageClassName": label,
                "csi": {"driver": "e2e-driver", "volumeHandle": "e2e-vol"}}}, code)
        return f"/api/v1/persistentvolumes/{made['metadata']['name']}"

    def claim(self, label):
        made = self.ask("POST", "/api/v1/namespaces/default/persistentvolumeclaims", {
            "metadata": {"generateName": "pvc-", "labels": {"e2e": label}}, "spec": {
                "accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": label}}, 201)
        return f"/api/v1/namespaces/default/persistentvolumeclaims/{made['metadata']['name']}"

    def test_volumes_and_claims(self):
        """PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC"""
        selector = "labelSelector=e2e%3Dlifecycle"
        everywhere = ("/api/v1/persistentvolumes", "/api/v1/persistentvolumeclaims")
        pair = self.volume("lifecycle"), self.claim("lifecycle")
        for own, collection in zip(pair, everywhere):
            self.assertEqual(len(self.ask("GET", f"{collection}?{selector}")["items"]), 1)
            patched = self.patch(own, {"metadata": {"labels": {"patched": "yes"}}}, self.STRATEGIC)
            self.assertEqual(patched["metadata"]["labels"]["patched"], "yes")
            self.assertEqual(self.ask("GET", own)["metadata"]["uid"], patched["metadata"]["uid"])
        for own in reversed(pair):
            self.ask("DELETE", own)
            self.gone(own)

        pair = self.volume("lifecycle"), self.claim("lifecycle")
        for own, collection in zip(pair, everywhere):
            self.changed(own, lambda tree: tree["metadata"]["labels"].update(updated="yes"))
            self.assertEqual(len(self.ask("GET", f"{collection}?{selector},updated%3Dyes")["items"]), 1)
        self.ask("DELETE", f"/api/v1/namespaces/default/persistentvolumeclaims?{selector}")
        self.gone(pair[1])
        self.ask("DELETE", f"/api/v1/persistentvolumes?{selector}")
        self.gone(pair[0])

    def test_status_of_volumes_and_claims(self):
        """PersistentVolumes CSI Conformance should apply changes to a pv/pvc status"""
        volume, claim = self.volume("status"), self.claim("status")
        until(lambda: self.ask("GET", claim)["status"]["phase"] == "Bound" == self.ask("GET", volume)["status"]["phase"], "they are bound")
        for own in (volume, claim):
            self.assertEqual(self.ask("GET", f"{own}/status")["metadata"]["uid"], self.ask("GET", own)["metadata"]["uid"])
        condition = {"type": "StatusPatched", "status": "True", "reason": "E2E patchedStatus", "message": "Set from e2e test"}
        patched = self.patch(f"{claim}/status", {"metadata": {"annotations": {"patched": "yes"}}, "status": {"conditions": [condition]}})
        self.assertLessEqual(condition.items(), self.condition(patched, "StatusPatched").items())
        self.assertEqual(patched["metadata"]["annotations"]["patched"], "yes")
        patched = self.patch(f"{volume}/status", {"status": {"message": "StatusPatched", "reason": "E2E patchStatus"}})
        self.assertEqual((patched["status"]["message"], patched["status"]["reason"]), ("StatusPatched", "E2E patchStatus"))

        updated = self.changed(f"{claim}/status", lambda tree: tree["status"]["conditions"].append(
            {"type": "StatusUpdated", "status": "True", "reason": "E2E updateStatus", "message": "Set from e2e test", "lastTransitionTime": None}))
        self.assertEqual(self.condition(updated, "StatusUpdated")["reason"], "E2E updateStatus")
        updated = self.changed(f"{volume}/status", lambda tree: tree["status"].update(message="StatusUpdated", reason="E2E updateStatus"))
        self.assertEqual((updated["status"]["message"], updated["status"]["reason"]), ("StatusUpdated", "E2E updateStatus"))
        for own in (claim, volume):
            self.ask("DELETE", own)
            self.gone(own)


if __name__ == "__main__":
    unittest.main()
