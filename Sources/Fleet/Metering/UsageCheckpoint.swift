import KubeObject

/// The hour that isn't closed yet, as it is kept in a file: what was used in it so far, and up to where the kernel's counters are counted.
struct UsageCheckpoint: Sendable, Equatable {
    /// How far a pod's counter is counted.
    struct Counted: Sendable, Equatable {
        var nanoseconds: UInt64
        /// How many times in a row the pod wasn't found. One that is gone for good is forgotten; one that couldn't be read once isn't, or
        /// all of it would be counted anew.
        var missed = 0
    }

    /// Of the block that will close the hour. A checkpoint whose block is in the ledger already is of a time before the block was written.
    var sequence: UInt64
    /// The hour's beginning, in seconds since 1970.
    var hour: Double
    var records: [UsageRecord] = []
    /// By pod.
    var counted: [String: Counted] = [:]
    /// Whether pods have been looked at before: those that are seen for the first time later began later.
    var hasCounted = false

    /// What is counted. Checkpoints of before said nothing and counted containers: what runs then counts from now on.
    private static let unit = "pods"

    init(sequence: UInt64, hour: Double) {
        self.sequence = sequence
        self.hour = hour
    }

    var tree: JSON {
        [
            "sequence": .int(Int64(clamping: sequence)), "hour": .string(Timestamp.format(hour)), "hasCounted": .bool(hasCounted),
            "unit": .string(Self.unit),
            "records": .array(records.map(\.tree)),
            "counted": .object(
                JSONObject(
                    counted.map {
                        (
                            $0.key,
                            ["nanoseconds": .int(Int64(clamping: $0.value.nanoseconds)), "missed": .int(Int64($0.value.missed))]
                        )
                    })),
        ]
    }

    /// Nil when it isn't one.
    init?(_ tree: JSON) {
        guard let sequence = tree["sequence"]?.int, sequence > 0,
            let hour = (tree["hour"]?.string).flatMap({ Timestamp.parse($0) })
        else { return nil }
        self.init(sequence: UInt64(sequence), hour: hour)
        hasCounted = tree["hasCounted"]?.bool ?? false
        records = (tree["records"]?.elements ?? []).compactMap { UsageRecord($0) }
        guard tree["unit"]?.string == Self.unit else {
            hasCounted = false
            return
        }
        for (pod, entry) in tree["counted"]?.object ?? [:] {
            guard let nanoseconds = entry["nanoseconds"]?.int, nanoseconds >= 0 else { continue }
            counted[pod] = Counted(nanoseconds: UInt64(nanoseconds), missed: Int(clamping: entry["missed"]?.int ?? 0))
        }
    }
}
