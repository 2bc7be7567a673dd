import KubeObject
import Testing

@testable import KubeRuntime

@Suite struct UserNamespaceBundleTests {
    let sandbox: JSON = [
        "annotations": ["io.kubernetes.cri.container-type": "sandbox", "sampan.dev/user-range": "2"],
        "root": ["path": "rootfs", "readonly": true],
        "linux": [
            "namespaces": [["type": "pid"], ["type": "ipc"], ["type": "network", "path": "/state/netns/cni-1"]],
            "sysctl": ["net.ipv4.ping_group_range": "0 2147483647", "net.ipv4.ip_unprivileged_port_start": "0"],
        ],
        "mounts": [
            ["destination": "/proc", "type": "proc", "source": "proc"],
            ["destination": "/dev/shm", "type": "bind", "source": "/state/shm", "options": ["rbind", "ro"]],
        ],
    ]

    private func bundle(_ specification: JSON) throws -> UserNamespaceBundle {
        try UserNamespaceBundle(specification, place: "/place") { $0 == "/state/shm" ? ["nosuid", "nodev"] : [] }
    }

    @Test func aSandboxGetsItsPodsUsers() throws {
        var bundle = try bundle(sandbox)
        #expect(bundle.userNamespace == nil)
        #expect(bundle.network == "/state/netns/cni-1")
        let ids: JSON = [["containerID": 0, "hostID": 1_179_648, "size": 65536]]
        #expect(bundle.specification[path: "linux", "uidMappings"] == ids)
        #expect(bundle.specification[path: "linux", "gidMappings"] == ids)
        #expect(bundle.specification["root"] == ["path": "/place/root", "readonly": true])
        #expect(
            bundle.specification[path: "linux", "sysctl"] == [
                "net.ipv4.ping_group_range": "0 65535", "net.ipv4.ip_unprivileged_port_start": "0",
            ])
        bundle.join(userNamespace: "/proc/7/ns/user")
        let last = bundle.specification[path: "linux", "namespaces"]?.elements.last
        #expect(last == ["type": "user", "path": "/proc/7/ns/user"])
    }

    @Test func whatIsTheMachinesIsShownWithThem() throws {
        let bundle = try bundle(sandbox)
        #expect(bundle.shown == [.init(source: "/state/shm", place: "/place/1")])
        let mounts = bundle.specification["mounts"]?.elements
        #expect(mounts?[0] == sandbox["mounts"]?.elements[0])
        // What can't be taken away in a user namespace is said again.
        #expect(
            mounts?[1] == [
                "destination": "/dev/shm", "type": "bind", "source": "/place/1", "options": ["rbind", "ro", "nosuid", "nodev"],
            ])
    }

    @Test func aContainerJoinsItsPods() throws {
        var container = sandbox
        container[path: "annotations", "io.kubernetes.cri.container-type"] = "container"
        container[path: "linux", "namespaces"] = [
            ["type": "pid"], ["type": "ipc", "path": "/proc/4711/ns/ipc"], ["type": "network", "path": "/proc/4711/ns/net"],
        ]
        let bundle = try bundle(container)
        #expect(bundle.userNamespace == "/proc/4711/ns/user")
        let namespaces = bundle.specification[path: "linux", "namespaces"]?.elements
        #expect(namespaces?.last == ["type": "user", "path": "/proc/4711/ns/user"])
    }

    /// Never with the machine's users in place of its own.
    @Test func withoutARangeThereIsNoContainer() throws {
        for text: JSON? in [nil, "", "-1", "65519", "1 ", "x", 2] {
            var other = sandbox
            other[path: "annotations", UserRange.annotation] = text
            #expect(throws: UserNamespaceBundle.Failure.self) { try bundle(other) }
        }
        var hosts = sandbox
        hosts[path: "linux", "namespaces"] = [["type": "pid"]]
        #expect(throws: UserNamespaceBundle.Failure.self) { try bundle(hosts) }
    }
}

@Suite struct OverlayLayersTests {
    func line(_ options: String, type: String = "overlay", at place: String = "/bundle/rootfs") -> String {
        "310 29 0:52 / \(place) rw,relatime shared:9 - \(type) \(type) rw,\(options)\n"
    }

    @Test func readsTheKernelsTable() {
        let table =
            line("lowerdir=/a/1/fs,upperdir=/a/9/fs,workdir=/a/9/work", at: "/other")
            + line("lowerdir=/s/3/fs:/s/1/fs,upperdir=/s/4/fs,workdir=/s/4/work,index=off")
        let layers = OverlayLayers(in: table, at: "/bundle/rootfs")
        #expect(layers?.lower == ["/s/3/fs", "/s/1/fs"])
        #expect(layers?.upper == "/s/4/fs")
        #expect(layers?.work == "/s/4/work")
    }

    @Test func findsLayersThatAreRelative() {
        let layers = OverlayLayers(in: line("lowerdir=3/fs:1/fs,upperdir=/s/4/fs,workdir=/s/4/work"), at: "/bundle/rootfs")
        #expect(layers?.lower == ["/s/3/fs", "/s/1/fs"])
    }

    @Test func isNothingElse() {
        #expect(OverlayLayers(in: line("size=1"), at: "/bundle/rootfs") == nil)
        #expect(OverlayLayers(in: line("lowerdir=/s/3/fs"), at: "/bundle/rootfs") == nil)
        #expect(OverlayLayers(in: line("size=1", type: "tmpfs"), at: "/bundle/rootfs") == nil)
        #expect(OverlayLayers(in: "", at: "/bundle/rootfs") == nil)
    }
}

@Suite struct UserRangesTests {
    let directory = "/tmp/sampan-user-ranges-\(UInt64.random(in: 0...UInt64.max))"

    @Test func podsHaveRangesOfTheirOwnForAsLongAsTheyAreThere() throws {
        defer { File.removeTree(directory) }
        try File.makeDirectory(directory)
        let ranges = UserRanges(directory: directory)
        for uid in ["a", "b"] { try File.makeDirectory("\(directory)/\(uid)") }
        let (first, second) = (try ranges.range(podUID: "a"), try ranges.range(podUID: "b"))
        #expect(first != second)
        #expect(first.base >= UserRange.first && second.base - first.base == UserRange.size)
        #expect(try ranges.range(podUID: "a") == first)
        // The next server knows them.
        let next = UserRanges(directory: directory)
        #expect(try next.range(podUID: "b") == second)
        try File.makeDirectory("\(directory)/c")
        #expect(![first, second].contains(try next.range(podUID: "c")))
    }

    @Test func allRangesAreIDsOfTheKernel() {
        let last = UserRange(index: UserRange.count - 1)
        #expect(last.base + UserRange.size - 1 < Int64(UInt32.max) - 1)
        #expect(UserRange("\(UserRange.count)") == nil)
    }
}
