import KubeObject
import KubeStore
import Testing

@testable import Fleet

@Suite struct ClaimedVolumesTests {
    private static let handle = "pvc-01234567-89ab-cdef-0123-456789abcdef"

    private static func claim(_ name: String, uid: String, volume: String, phase: String = "Bound") throws -> (
        key: Key, object: Object
    ) {
        let tree: JSON = [
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": ["name": .string(name), "namespace": "default", "uid": .string(uid)],
            "spec": ["volumeName": .string(volume), "resources": ["requests": ["storage": "10Mi"]]],
            "status": ["phase": .string(phase)],
        ]
        return (
            Key(group: "", plural: "persistentvolumeclaims", namespace: "default", name: name),
            try Draft(tree).sealed(resourceVersion: 1)
        )
    }

    private static func volume(
        _ name: String, owner: String, handle: String = handle, driver: String = "local-path.sampan.dev", capacity: String = "1Ti"
    ) throws -> (key: Key, object: Object) {
        let tree: JSON = [
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": ["name": .string(name), "uid": "v"],
            "spec": [
                "capacity": ["storage": .string(capacity)], "claimRef": ["uid": .string(owner)],
                "csi": ["driver": .string(driver), "volumeHandle": .string(handle)],
            ],
        ]
        return (Key(group: "", plural: "persistentvolumes", name: name), try Draft(tree).sealed(resourceVersion: 1))
    }

    @Test func aBoundClaimsVolumeGoesAlongAndIsAsLargeAsTheClaim() throws {
        let found = ClaimedVolumes([try Self.claim("data", uid: "c", volume: "v1"), try Self.volume("v1", owner: "c")])
        #expect(found.claims == 1)
        // Not what the volume says of itself: nobody's quota was charged for that.
        #expect(found.volumes == [ClaimedVolume(handle: Self.handle, bound: 10 << 20, title: "the volume of claim default/data")])
    }

    @Test func whatNoClaimIsChargedForStays() throws {
        for objects in [
            [try Self.claim("data", uid: "c", volume: "v1", phase: "Pending"), try Self.volume("v1", owner: "c")],
            [try Self.claim("data", uid: "c", volume: "v1"), try Self.volume("v1", owner: "another")],
            [try Self.claim("data", uid: "c", volume: "v2"), try Self.volume("v1", owner: "c")],
            [try Self.claim("data", uid: "c", volume: "v1"), try Self.volume("v1", owner: "c", driver: "other.example")],
            [try Self.volume("v1", owner: "c")],
        ] {
            #expect(ClaimedVolumes(objects).volumes.isEmpty)
        }
    }

    @Test func oneHandleIsOneVolume() throws {
        let found = ClaimedVolumes([
            try Self.claim("a", uid: "a", volume: "v1"), try Self.claim("b", uid: "b", volume: "v2"),
            try Self.volume("v1", owner: "a"), try Self.volume("v2", owner: "b"),
        ])
        #expect(found.claims == 2)
        #expect(found.volumes.count == 1)
    }
}
