import KubeObject
import Logging
import Testing

@testable import KubeRuntime

@Suite struct ClaimVolumesTests {
    private struct Objects: ObjectSource {
        var claims: [String: JSON] = [:], volumes: [String: JSON] = [:]
        func configMap(namespace: String, name: String) -> JSON? { nil }
        func secret(namespace: String, name: String) -> JSON? { nil }
        func serviceAccount(namespace: String, name: String) -> JSON? { nil }
        func services(namespace: String) -> [JSON] { [] }
        func claim(namespace: String, name: String) -> JSON? { claims[name] }
        func persistentVolume(name: String) -> JSON? { volumes[name] }
    }

    private static let handle = "pvc-0123abcd-0000-4000-8000-0123456789ab"

    private func claim(_ phase: String = "Bound", owner: String? = nil) -> JSON {
        var claim: JSON = ["metadata": ["uid": "c"], "spec": ["volumeName": "v"], "status": ["phase": .string(phase)]]
        if let owner { claim[path: "metadata", "ownerReferences"] = [["uid": .string(owner)]] }
        return claim
    }

    private func volume(_ source: JSON, uid: String = "c", mode: String = "Filesystem") -> JSON {
        var spec = source
        spec["claimRef"] = ["uid": .string(uid)]
        spec["volumeMode"] = .string(mode)
        return ["spec": spec]
    }

    private func look(_ claim: JSON?, _ volume: JSON?, _ source: JSON = ["claimName": "data"]) throws -> ClaimVolumes.Found? {
        let mount: JSON = ["name": "m", "persistentVolumeClaim": source]
        return try look(mount, Objects(claims: claim.map { ["data": $0] } ?? [:], volumes: volume.map { ["v": $0] } ?? [:]))
    }

    private func look(_ mount: JSON, _ objects: Objects) throws -> ClaimVolumes.Found? {
        let tree: JSON = ["metadata": ["name": "p", "namespace": "ns", "uid": "pod-uid"], "spec": [:]]
        return try ClaimVolumes(
            pod: Pod(tree: tree, metadata: Metadata(of: tree)), cluster: 7, objects: objects,
            local: LocalVolumes(dataDirectory: "/data", logger: Logger(label: "test"))
        ).find(mount)
    }

    private func message(_ claim: JSON?, _ volume: JSON?) -> String {
        do { return "\(String(describing: try look(claim, volume)))" } catch {
            return (error as? ContainerFailure)?.message ?? "\(error)"
        }
    }

    private func ours(_ handle: String = Self.handle) -> JSON {
        ["csi": ["driver": "local-path.sampan.dev", "volumeHandle": .string(handle)]]
    }

    @Test func eachKindIsFound() throws {
        #expect(
            try look(claim(), volume(ours()))
                == .init(kind: .local(handle: Self.handle), path: "/data/volumes/7/\(Self.handle)"))
        #expect(
            try look(claim(), volume(ours()), ["claimName": "data", "readOnly": true])?.isReadOnly == true)
        #expect(try look(claim(), volume(["local": ["path": "/disk"]])) == .init(kind: .directory, path: "/disk"))
        let host: JSON = ["path": "/host", "type": "Directory"]
        #expect(try look(claim(), volume(["hostPath": host])) == .init(kind: .host(host), path: "/host"))
        #expect(try look(["name": "m", "emptyDir": [:]], Objects()) == nil)
    }

    @Test func whatCannotBeMountedIsSaid() {
        #expect(
            message(nil, nil)
                == "error processing PVC ns/data: failed to fetch PVC from API server: persistentvolumeclaims \"data\" not found")
        #expect(message(claim("Pending"), nil) == "error processing PVC ns/data: PVC is not bound")
        #expect(
            message(claim(), nil)
                == "error processing PVC ns/data: failed to fetch PV v from API server: persistentvolumes \"v\" not found")
        #expect(message(claim(), volume(ours(), mode: "Block")) == "PV v: block volumes are not supported on this node")
        #expect(
            message(claim(), volume(["csi": ["driver": "example.com", "volumeHandle": "x"]]))
                == "driver name example.com not found in the list of registered CSI drivers")
        #expect(message(claim(), volume(["nfs": [:]])) == "PV v: this kind of volume is not supported on this node")
    }

    @Test func anothersVolumeIsNotMounted() {
        #expect(message(claim(), volume(ours(), uid: "another")) == "error processing PVC ns/data: PV v is bound to another PVC")
        #expect(message(claim(), volume(ours("../8/\(Self.handle)"))) == "PV v: ../8/\(Self.handle) is no volume of this node")
    }

    @Test func anEphemeralVolumesClaimMustBeThePodsOwn() throws {
        let mount: JSON = ["name": "scratch", "ephemeral": ["volumeClaimTemplate": [:]]]
        let volumes = ["v": volume(ours())]
        #expect(throws: ContainerFailure.self) { try look(mount, Objects(claims: ["p-scratch": claim()], volumes: volumes)) }
        #expect(try look(mount, Objects(claims: ["p-scratch": claim(owner: "pod-uid")], volumes: volumes)) != nil)
    }
}
