import KubeObject

/// The IDs of the machine that a pod with a user namespace of its own has: its users and groups 0 to 65535 are these.
struct UserRange: Sendable, Equatable {
    /// IDs in a range, and so the highest ID in a container and one.
    static let size: Int64 = 65536
    /// The runtime's annotation of a sandbox, by which containerd tells the adapter.
    static let annotation = "sampan.dev/user-range"
    /// Below it are the machine's own users, and those that tools for rootless containers are given (`/etc/subuid`).
    static let first: Int64 = 1 << 20

    /// Which of the ranges, from 0 on.
    var index: Int

    /// How many fit between ``first`` and the last IDs, which mean nobody.
    static let count = Int((Int64(UInt32.max) - first) / size)

    var base: Int64 { Self.first + Int64(index) * Self.size }

    init(index: Int) { self.index = index }

    /// - Returns: nil unless the text is the number of a range.
    init?(_ text: String) {
        guard let index = Int(text), (0..<Self.count).contains(index) else { return nil }
        self.index = index
    }

    var text: String { "\(index)" }

    /// As the kernel takes it in `uid_map` and `gid_map`.
    var mapping: String { "0 \(base) \(Self.size)\n" }

    /// As the OCI runtime specification has it.
    var specification: JSON { [["containerID": 0, "hostID": .int(base), "size": .int(Self.size)]] }
}
