import Glibc
import KubeObject

/// What the machine has left of what may run short.
struct MachineReading: Sendable, Equatable {
    struct Amount: Sendable, Equatable {
        var available: Int64
        var capacity: Int64
    }

    var amounts: [EvictionSignal: Amount] = [:]

    /// Reads this machine's: three small files of the kernel, and one question to the file system.
    static func read(dataDirectory: String) -> MachineReading {
        var reading = MachineReading()
        reading.amounts[.memory] = memory((try? File.text("/proc/meminfo")) ?? "")
        let space = FileSystemSpace.of(dataDirectory)
        // Images, logs and volumes are on one file system, as on most nodes.
        if space.capacity > 0 {
            let bytes = Amount(available: space.available, capacity: space.capacity)
            reading.amounts[.nodeDisk] = bytes
            reading.amounts[.imageDisk] = bytes
        }
        // Some file systems make inodes as they need them, and say that they have none.
        if space.inodes > 0 {
            let inodes = Amount(available: space.freeInodes, capacity: space.inodes)
            reading.amounts[.nodeInodes] = inodes
            reading.amounts[.imageInodes] = inodes
        }
        reading.amounts[.processes] = processes(
            load: (try? File.text("/proc/loadavg")) ?? "", most: KernelCounters.number("/proc/sys/kernel/pid_max"))
        return reading
    }

    /// What is left for working sets: what is free, and the pages of files that the kernel drops first.
    ///
    /// - Parameter table: as `/proc/meminfo`.
    static func memory(_ table: String) -> Amount? {
        var values: [Substring: Int64] = [:]
        for line in table.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, let number = parts[1].split(separator: " ").first.flatMap({ Int64($0) }) {
                values[parts[0]] = number
            }
        }
        guard let total = values["MemTotal"], let free = values["MemFree"] else { return nil }
        return Amount(available: (free + (values["Inactive(file)"] ?? 0)) * 1024, capacity: total * 1024)
    }

    /// - Parameter load: as `/proc/loadavg`, whose fourth field says how many of how many threads run.
    static func processes(load: String, most: Int64?) -> Amount? {
        let fields = load.split(separator: " ")
        guard let most, fields.count > 3, let count = fields[3].split(separator: "/").last.flatMap({ Int64($0) }) else {
            return nil
        }
        return Amount(available: most - count, capacity: most)
    }
}

/// Which thresholds are crossed, and which of the node's conditions hold: those stay for a while after the last time, so that they don't come and
/// go with every pod.
struct NodePressure: Sendable {
    struct Crossing: Sendable, Equatable {
        var threshold: EvictionThreshold
        var amount: MachineReading.Amount
        /// Whether pods have to go: for a soft threshold, it has been so for long enough.
        var isDue = true

        /// As eviction messages say it.
        var text: String {
            "Threshold quantity: \(threshold.quantity(capacity: amount.capacity)), available: \(Quantity(amount.available, format: .binary)). "
        }
    }

    let thresholds: [EvictionThreshold]
    /// In seconds.
    let transition: Double
    private var last: [PressureCondition: Double] = [:]
    /// By the threshold's index: since when it is crossed, in seconds, and for which pods have had to go since.
    private var since: [Int: Double] = [:]
    private var resolving: Set<Int> = []

    init(thresholds: [EvictionThreshold], transition: Double) {
        // Memory first, as in kubelet: it can't wait.
        self.thresholds = thresholds.filter { $0.signal == .memory } + thresholds.filter { $0.signal != .memory }
        self.transition = transition
    }

    /// The crossed thresholds; who is short of memory can wait the least.
    ///
    /// - Parameter now: in seconds.
    mutating func crossings(_ reading: MachineReading, now: Double) -> [Crossing] {
        var crossings: [Crossing] = []
        for (index, threshold) in thresholds.enumerated() {
            guard
                var crossing = Self.crossing(threshold, reading, resolving: resolving.contains(index))
            else {
                since[index] = nil
                resolving.remove(index)
                continue
            }
            let first = since[index] ?? now
            since[index] = first
            crossing.isDue = now - first >= threshold.grace ?? 0
            if crossing.isDue { resolving.insert(index) }
            crossings.append(crossing)
        }
        return crossings
    }

    /// - Parameter resolving: see ``EvictionThreshold/least(capacity:resolving:)``.
    static func crossing(_ threshold: EvictionThreshold, _ reading: MachineReading, resolving: Bool) -> Crossing? {
        guard let amount = reading.amounts[threshold.signal],
            amount.available < threshold.least(capacity: amount.capacity, resolving: resolving)
        else { return nil }
        return Crossing(threshold: threshold, amount: amount)
    }

    /// - Parameter now: in seconds.
    mutating func conditions(_ crossings: [Crossing], now: Double) -> Set<PressureCondition> {
        for crossing in crossings { last[crossing.threshold.signal.condition] = now }
        last = last.filter { $0.value == now || now - $0.value < transition }
        return Set(last.keys)
    }
}
