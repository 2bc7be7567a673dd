import KubeObject
import KubeStore
import Synchronization
import Testing

@testable import KubeControllers

@Suite(.serialized) struct StorageTests {
    static func claim(_ name: String, size: String = "1Gi", storageClass: String? = nil) -> JSON {
        var claim: JSON = [
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": .string(name)],
            "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": .string(size)]]],
        ]
        if let storageClass { claim[path: "spec", "storageClassName"] = .string(storageClass) }
        return claim
    }

    static func pod(_ name: String, volume: JSON) -> JSON {
        [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)],
            "spec": ["containers": [["name": "c", "image": "i"]], "volumes": [volume]],
        ]
    }

    static func uses(_ claim: String) -> JSON { ["name": "v", "persistentVolumeClaim": ["claimName": .string(claim)]] }

    private func phase(_ cluster: Fixture, _ name: String) -> String? {
        cluster.get(Resources.persistentVolumeClaims, name)?.tree[path: "status", "phase"]?.string
    }

    private func isRunning(_ cluster: Fixture, _ name: String) -> Bool {
        cluster.get(Resources.pods, name)?.tree[path: "status", "phase"] == "Running"
    }

    private func reasons(_ cluster: Fixture, of name: String) -> Set<String> {
        Set(
            cluster.list(Resources.events).filter { $0.tree[path: "involvedObject", "name"]?.string == name }
                .compactMap { $0.tree["reason"]?.string })
    }

    @Test func aVolumeIsMadeWithTheFirstPodAndGoesWithTheClaim() async throws {
        let disk = PretendDisk()
        try await Fixture.run(volumes: disk) { cluster in
            try await cluster.create(Self.claim("data"), Resources.persistentVolumeClaims)
            try await eventually { reasons(cluster, of: "data").contains("WaitForFirstConsumer") }
            #expect(phase(cluster, "data") == "Pending")
            try await cluster.create(Self.pod("web", volume: Self.uses("data")), Resources.pods)
            try await eventually { isRunning(cluster, "web") && phase(cluster, "data") == "Bound" }
            let claim = try #require(cluster.get(Resources.persistentVolumeClaims, "data"))
            let handle = "pvc-\(claim.metadata.uid)"
            #expect(disk.handles == [handle])
            #expect(claim.tree[path: "spec", "volumeName"]?.string == handle)
            #expect(claim.tree[path: "status", "capacity", "storage"] == "1Gi")
            try await eventually {
                reasons(cluster, of: "data").isSuperset(of: ["ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"])
            }
            #expect(cluster.get(Resources.persistentVolumes, handle, namespace: "")?.tree[path: "status", "phase"] == "Bound")

            // It grows in place.
            try await cluster.change(Resources.persistentVolumeClaims, "data") {
                $0[path: "spec", "resources", "requests", "storage"] = "2Gi"
            }
            try await eventually {
                cluster.get(Resources.persistentVolumeClaims, "data")?.tree[path: "status", "capacity", "storage"] == "2Gi"
            }
            #expect(
                cluster.get(Resources.persistentVolumes, handle, namespace: "")?.tree[path: "spec", "capacity", "storage"]
                    == "2Gi")

            // The claim outlives its deletion while the pod uses it.
            try await cluster.delete(Resources.persistentVolumeClaims, "data")
            try await eventually { cluster.get(Resources.persistentVolumeClaims, "data")?.metadata.deletionTimestamp != nil }
            #expect(disk.handles == [handle])
            try await cluster.delete(Resources.pods, "web")
            try await eventually {
                cluster.get(Resources.persistentVolumeClaims, "data") == nil
                    && cluster.get(Resources.persistentVolumes, handle, namespace: "") == nil
            }
            #expect(disk.handles == [])
        }
    }

    @Test func aRetainedVolumeKeepsItsDataAndADeletedOneWaitsForItsClaim() async throws {
        let disk = PretendDisk()
        try await Fixture.run(volumes: disk) { cluster in
            try await cluster.create(
                [
                    "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": ["name": "kept"],
                    "provisioner": "local-path.sampan.dev", "reclaimPolicy": "Retain",
                ], Resources.storageClasses, namespace: "")
            try await cluster.create(Self.claim("data", storageClass: "kept"), Resources.persistentVolumeClaims)
            try await eventually { phase(cluster, "data") == "Bound" }
            let name = try #require(
                cluster.get(Resources.persistentVolumeClaims, "data")?.tree[path: "spec", "volumeName"]?.string)
            try await cluster.delete(Resources.persistentVolumes, name, namespace: "")
            #expect(cluster.get(Resources.persistentVolumes, name, namespace: "")?.metadata.deletionTimestamp != nil)
            try await cluster.delete(Resources.persistentVolumeClaims, "data")
            try await eventually { cluster.get(Resources.persistentVolumes, name, namespace: "") == nil }
            #expect(disk.handles == [name])

            // A claim without a pod is gone at once, and its volume is released.
            try await cluster.create(Self.claim("more", storageClass: "kept"), Resources.persistentVolumeClaims)
            try await eventually { phase(cluster, "more") == "Bound" }
            let other = try #require(
                cluster.get(Resources.persistentVolumeClaims, "more")?.tree[path: "spec", "volumeName"]?.string)
            try await cluster.delete(Resources.persistentVolumeClaims, "more")
            try await eventually {
                cluster.get(Resources.persistentVolumes, other, namespace: "")?.tree[path: "status", "phase"] == "Released"
            }
            #expect(Set(disk.handles) == [name, other])
        }
    }

    @Test func volumesThatAreThereAreBoundAndLostOnesAreMissed() async throws {
        try await Fixture.run { cluster in
            try await cluster.create(Self.claim("data", storageClass: ""), Resources.persistentVolumeClaims)
            try await eventually { reasons(cluster, of: "data").contains("FailedBinding") }
            try await cluster.create(
                [
                    "apiVersion": "v1", "kind": "PersistentVolume", "metadata": ["name": "disk"],
                    "spec": [
                        "capacity": ["storage": "5Gi"], "accessModes": ["ReadWriteOnce"], "hostPath": ["path": "/data"],
                        "persistentVolumeReclaimPolicy": "Delete",
                    ],
                ], Resources.persistentVolumes, namespace: "")
            try await eventually { phase(cluster, "data") == "Bound" }
            try await cluster.create(Self.pod("web", volume: Self.uses("data")), Resources.pods)
            try await eventually { isRunning(cluster, "web") }
            try await cluster.change(Resources.persistentVolumes, "disk", namespace: "") {
                $0[path: "metadata", "finalizers"] = nil
            }
            try await cluster.delete(Resources.persistentVolumes, "disk", namespace: "")
            try await eventually { phase(cluster, "data") == "Lost" && reasons(cluster, of: "data").contains("ClaimLost") }
        }
    }

    @Test func aPodsOwnClaimGoesWithIt() async throws {
        let disk = PretendDisk()
        try await Fixture.run(volumes: disk) { cluster in
            let volume: JSON = ["name": "scratch", "ephemeral": ["volumeClaimTemplate": ["spec": Self.claim("")["spec"] ?? [:]]]]
            try await cluster.create(Self.pod("web", volume: volume), Resources.pods)
            try await eventually { isRunning(cluster, "web") && phase(cluster, "web-scratch") == "Bound" }
            try await cluster.delete(Resources.pods, "web")
            try await eventually { cluster.get(Resources.persistentVolumeClaims, "web-scratch") == nil && disk.handles.isEmpty }
        }
    }

    @Test func aSetsClaimsStayOrGoAsItSays() async throws {
        let disk = PretendDisk()
        try await Fixture.run(volumes: disk) { cluster in
            let set: JSON = [
                "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": ["name": "db"],
                "spec": [
                    "replicas": 2, "serviceName": "db", "selector": ["matchLabels": ["app": "db"]],
                    "persistentVolumeClaimRetentionPolicy": ["whenScaled": "Delete", "whenDeleted": "Retain"],
                    "template": [
                        "metadata": ["labels": ["app": "db"]],
                        "spec": [
                            "containers": [
                                ["name": "c", "image": "i", "volumeMounts": [["name": "data", "mountPath": "/data"]]]
                            ]
                        ],
                    ],
                    "volumeClaimTemplates": [["metadata": ["name": "data"], "spec": Self.claim("")["spec"] ?? [:]]],
                ],
            ]
            try await cluster.create(set, Resources.statefulSets)
            try await eventually { isRunning(cluster, "db-1") && disk.handles.count == 2 }
            try await cluster.change(Resources.statefulSets, "db") { $0[path: "spec", "replicas"] = 1 }
            try await eventually {
                cluster.get(Resources.persistentVolumeClaims, "data-db-1") == nil && disk.handles.count == 1
            }
            try await cluster.change(Resources.statefulSets, "db") {
                $0[path: "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"] = "Delete"
            }
            try await eventually {
                cluster.get(Resources.persistentVolumeClaims, "data-db-0")?.metadata.controller?.kind == "StatefulSet"
            }
            try await cluster.delete(Resources.statefulSets, "db")
            try await eventually { cluster.get(Resources.persistentVolumeClaims, "data-db-0") == nil && disk.handles.isEmpty }
        }
    }
}

/// Remembers which volumes there are.
final class PretendDisk: VolumeSource {
    private let known = Mutex<Set<String>>([])

    var handles: [String] { known.withLock { $0.sorted() } }

    func createVolume(_ handle: String, cluster: Int64) async throws { known.withLock { _ = $0.insert(handle) } }
    func deleteVolume(_ handle: String, cluster: Int64) async throws { known.withLock { _ = $0.remove(handle) } }
}
