import Foundation
import KubeObject
import Testing

@testable import KubeRuntime

@Suite struct StorageLimitsTests {
    private func excess(_ spec: String, _ change: (inout PodStorage) -> Void) throws -> String? {
        var tree: JSON = ["metadata": ["name": "p", "namespace": "default", "uid": "u"]]
        tree["spec"] = try YAML.parse(Array(spec.utf8)).first
        let limits = StorageLimits(Pod(tree: tree, metadata: try Metadata(of: tree)))
        var storage = PodStorage(ownVolumes: ["scratch"])
        storage.containers["a"] = .init(root: DiskUsage(bytes: 4096), logs: DiskUsage(bytes: 4096))
        storage.containers["b"] = .init(root: nil, logs: DiskUsage(bytes: 4096))
        storage.volumes = ["scratch": DiskUsage(bytes: 4096), "data": DiskUsage(bytes: 1 << 40)]
        change(&storage)
        return limits.excess(storage)
    }

    private let volume = "{containers: [{name: a}, {name: b}], volumes: [{name: scratch, emptyDir: {sizeLimit: 1Mi}}]}"

    @Test func aVolumeMayBeAsLargeAsItsLimit() throws {
        #expect(try excess(volume) { $0.volumes["scratch"] = DiskUsage(bytes: 1 << 20) } == nil)
        #expect(
            try excess(volume) { $0.volumes["scratch"] = DiskUsage(bytes: 1 << 20 + 1) }
                == #"Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". "#)
        #expect(
            try excess("{containers: [{name: a}], volumes: [{name: scratch, emptyDir: {sizeLimit: 1Mi, medium: Memory}}]}") {
                $0.volumes["scratch"] = DiskUsage(bytes: 1 << 30)
            } == nil)
        #expect(
            try excess("{containers: [{name: a}], volumes: [{name: scratch, emptyDir: {}}]}") {
                $0.volumes["scratch"] = DiskUsage(bytes: 1 << 30)
            } == nil)
    }

    @Test func containersCountWithTheirLogsAndThePodWithItsVolumes() throws {
        let one = "{containers: [{name: a, resources: {limits: {ephemeral-storage: 1Mi}}}, {name: b}]}"
        #expect(try excess(one) { _ in } == nil)
        // The sum of the limits is the pod's, and is looked at first.
        #expect(
            try excess(one) { $0.containers["b"]?.logs = DiskUsage(bytes: 1 << 20) }
                == "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ")
        let both =
            "{containers: [{name: a, resources: {limits: {ephemeral-storage: 1Mi}}}, {name: b, resources: {limits: {ephemeral-storage: 8Mi}}}]}"
        #expect(
            try excess(both) { $0.containers["a"]?.root = DiskUsage(bytes: 2 << 20) }
                == #"Container a exceeded its local ephemeral storage limit "1Mi". "#)
        #expect(
            try excess(both) { $0.volumes["scratch"] = DiskUsage(bytes: 16 << 20) }
                == "Pod ephemeral local storage usage exceeds the total limit of containers 9Mi. ")
        // Volumes that outlive the pod are counted elsewhere.
        #expect(try excess(both) { $0.volumes["data"] = DiskUsage(bytes: 1 << 50) } == nil)
    }

    @Test func countsBlocksOnceAndFollowsNothing() throws {
        let root = NSTemporaryDirectory() + "sampan-disk-\(UInt32.random(in: 0 ... .max))"
        try File.makeDirectory("\(root)/a/b")
        defer { File.removeTree(root) }
        let empty = DiskUsage.of(root)
        #expect(empty.inodes == 3)
        try File.write([UInt8](repeating: 1, count: 1 << 20), to: "\(root)/a/file")
        link("\(root)/a/file", "\(root)/a/b/again")
        symlink("/usr", "\(root)/a/usr")
        let full = DiskUsage.of(root)
        #expect(full.inodes == 5)
        #expect((1 << 20)..<(1 << 20 + 65_536) ~= full.bytes - empty.bytes)
        #expect(DiskUsage.of("\(root)/none") == DiskUsage())
        #expect(DiskUsage.of("\(root)/a/usr") == DiskUsage())
    }

    @Test func findsLayersInTheTableOfMounts() {
        let table = """
            30 1 0:2 / /data/state/t/k8s.io/abc/rootfs rw,relatime shared:5 - overlay overlay rw,lowerdir=/l,upperdir=/s/7/fs,workdir=/s/7/work
            31 1 0:2 / /data/state/t/k8s.io/def/rootfs rw - ext4 /dev/vda rw
            32 1 0:2 / /elsewhere/ghi/rootfs rw - overlay overlay rw,upperdir=/x
            """
        #expect(ContainerEngine.writableLayers(table, below: "/data/state/t/k8s.io/") == ["abc": "/s/7/fs"])
    }
}
