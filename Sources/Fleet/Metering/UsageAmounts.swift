import KubeObject

/// What was used in a time.
struct UsageAmounts: Sendable, Equatable {
    /// Processor time of containers, in seconds.
    var cpuSeconds = 0.0
    /// Memory of containers (their working set) over time, in byte seconds.
    var memoryByteSeconds = 0.0
    /// What claims request over time, in byte seconds.
    var storageByteSeconds = 0.0
    /// How long clusters were awake, in seconds.
    var awakeSeconds = 0.0
    /// Requests to their APIs that were let in.
    var requests: Int64 = 0

    var isZero: Bool { self == UsageAmounts() }

    static func += (left: inout UsageAmounts, right: UsageAmounts) {
        left.cpuSeconds += right.cpuSeconds
        left.memoryByteSeconds += right.memoryByteSeconds
        left.storageByteSeconds += right.storageByteSeconds
        left.awakeSeconds += right.awakeSeconds
        left.requests = left.requests.addingReportingOverflow(right.requests).partialValue
    }
}

/// What one cluster used in one hour.
struct UsageRecord: Sendable, Equatable {
    /// The hour's beginning, in seconds since 1970.
    var hour: Double
    /// `default` for a cluster that is no team's.
    var team: String
    var cluster: String
    /// The cluster's: one that was made anew under the same name is another.
    var uid: String
    var amounts = UsageAmounts()
}

// As the ledger has it: whole numbers in units so small that nothing of note is lost.
extension UsageRecord {
    private static let mebibyte = 1_048_576.0

    var tree: JSON {
        func whole(_ value: Double) -> JSON { .int(Int64(min(max(value.rounded(), 0), 9e18))) }
        return [
            "hour": .string(Timestamp.format(hour)), "team": .string(team), "cluster": .string(cluster), "uid": .string(uid),
            "cpuMilliseconds": whole(amounts.cpuSeconds * 1000),
            "memoryMebibyteSeconds": whole(amounts.memoryByteSeconds / Self.mebibyte),
            "storageMebibyteSeconds": whole(amounts.storageByteSeconds / Self.mebibyte),
            "awakeMilliseconds": whole(amounts.awakeSeconds * 1000), "requests": .int(amounts.requests),
        ]
    }

    /// Nil when it isn't one.
    init?(_ tree: JSON) {
        guard let hour = (tree["hour"]?.string).flatMap({ Timestamp.parse($0) }), let team = tree["team"]?.string,
            let cluster = tree["cluster"]?.string, let uid = tree["uid"]?.string
        else { return nil }
        func number(_ field: String) -> Double { Double(tree[field]?.int ?? 0) }
        self.init(
            hour: hour, team: team, cluster: cluster, uid: uid,
            amounts: UsageAmounts(
                cpuSeconds: number("cpuMilliseconds") / 1000,
                memoryByteSeconds: number("memoryMebibyteSeconds") * Self.mebibyte,
                storageByteSeconds: number("storageMebibyteSeconds") * Self.mebibyte,
                awakeSeconds: number("awakeMilliseconds") / 1000, requests: tree["requests"]?.int ?? 0))
    }
}
