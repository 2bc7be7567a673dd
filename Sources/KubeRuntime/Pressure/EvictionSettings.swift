public import KubeObject
import KubeSchema

/// When pods have to go because the machine runs short, by kubelet's options and in their syntax.
/// Source: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
public struct EvictionSettings: Sendable, Equatable {
    /// Hard ones, then soft ones.
    public var thresholds = EvictionThreshold.standard
    /// How many seconds pods have at most to end, when they go for a soft threshold (`--eviction-max-pod-grace-period`).
    public var mostGrace: Int64 = 0
    /// For how many seconds a node says that it is short of something after it was so for the last time.
    public var transition: Double = 300

    public init() {}

    /// - Parameters:
    ///   - hard: as `memory.available<100Mi,nodefs.available<10%`; nil for kubelet's own, empty for none.
    ///   - soft: the same.
    ///   - graces: for each of the soft ones, as `memory.available=1m30s`.
    ///   - reclaims: as `nodefs.available=500Mi`.
    /// - Throws: which option is wrong, and why, with kubelet's words.
    public init(hard: String?, soft: String, graces: String, reclaims: String, mostGrace: Int64, transition: Double)
        throws(ObjectError)
    {
        self.mostGrace = mostGrace
        self.transition = transition
        func told<Value>(_ option: String, _ text: String, _ parse: (String) throws(ObjectError) -> Value) throws(ObjectError)
            -> Value
        {
            do throws(ObjectError) { return try parse(text) } catch { throw ObjectError("\(option) \(text): \(error)") }
        }
        thresholds = EvictionThreshold.standard
        if let hard { thresholds = try told("--eviction-hard", hard, EvictionThreshold.parse) }
        let graces = try told("--eviction-soft-grace-period", graces, Self.graces)
        for var threshold in try told("--eviction-soft", soft, EvictionThreshold.parse) {
            guard let grace = graces[threshold.signal] else {
                throw ObjectError(
                    "--eviction-soft \(soft): grace period must be specified for the soft eviction threshold \(threshold.signal.rawValue) (--eviction-soft-grace-period)"
                )
            }
            threshold.grace = grace
            thresholds.append(threshold)
        }
        let reclaims = try told("--eviction-minimum-reclaim", reclaims, Self.reclaims)
        for index in thresholds.indices { thresholds[index].reclaim = reclaims[thresholds[index].signal] }
    }

    private static func graces(_ text: String) throws(ObjectError) -> [EvictionSignal: Double] {
        try entries(text) { signal, value throws(ObjectError) in
            guard let nanoseconds = GoDuration.nanoseconds(value) else {
                throw ObjectError("\(value) isn't a duration such as 1m30s")
            }
            guard nanoseconds >= 0 else {
                throw ObjectError("invalid eviction grace period specified: \(signal), must be a positive value")
            }
            return Double(nanoseconds) / 1e9
        }
    }

    private static func reclaims(_ text: String) throws(ObjectError) -> [EvictionSignal: EvictionThreshold.Value] {
        try entries(text) { signal, value throws(ObjectError) in
            if value.hasSuffix("%") {
                guard let part = Double(value.dropLast()), part > 0, part < 100 else {
                    throw ObjectError("eviction percentage minimum reclaim \(signal) must be positive and below 100%: \(value)")
                }
                return .percentage(part)
            }
            let amount = try Quantity(value).value
            guard amount >= 0 else {
                throw ObjectError("negative eviction minimum reclaim specified for \(signal)")
            }
            return .amount(amount)
        }
    }

    private static func entries<Value>(
        _ text: String, _ read: (_ signal: String, _ value: String) throws(ObjectError) -> Value
    ) throws(ObjectError) -> [EvictionSignal: Value] {
        var found: [EvictionSignal: Value] = [:]
        for entry in text.split(separator: ",", omittingEmptySubsequences: true) {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { $0.trimmed }
            guard parts.count == 2, !parts[1].isEmpty else { throw ObjectError("\(entry) isn't SIGNAL=VALUE") }
            guard let signal = EvictionSignal(rawValue: parts[0]) else {
                throw ObjectError("unsupported eviction signal \(parts[0])")
            }
            guard found[signal] == nil else { throw ObjectError("\(signal.rawValue) is given twice") }
            found[signal] = try read(signal.rawValue, parts[1])
        }
        return found
    }
}
