/// What one benchmark found.
public struct Measurement: Sendable {
    /// What was done, such as `put, 16 at once`.
    public let name: String
    /// How often it was done.
    public let count: Int
    /// How long all of it took.
    public let elapsed: Duration
    /// How long half of the operations took at most, and 99 of 100; nil when they weren't timed one by one.
    public let p50: Duration?
    public let p99: Duration?
    /// Bytes of memory an item, for measurements of memory.
    public let bytesEach: Int?

    public var perSecond: Double { elapsed > .zero ? Double(count) / (elapsed / .seconds(1)) : 0 }

    init(_ name: String, count: Int, elapsed: Duration, latencies: [Duration] = [], bytesEach: Int? = nil) {
        self.name = name
        self.count = count
        self.elapsed = elapsed
        self.bytesEach = bytesEach
        let sorted = latencies.sorted()
        p50 = sorted.isEmpty ? nil : sorted[sorted.count / 2]
        p99 = sorted.isEmpty ? nil : sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
    }
}

extension Measurement: CustomStringConvertible {
    public var description: String {
        func milliseconds(_ duration: Duration) -> String {
            let microseconds = Int(duration / .microseconds(1))
            let fraction = String(1_000 + microseconds % 1_000).dropFirst()
            return "\(microseconds / 1_000).\(fraction) ms"
        }
        var parts = [name]
        if elapsed > .zero { parts.append("\(Int(perSecond)) a second") }
        if let p50, let p99 { parts.append("p50 \(milliseconds(p50)), p99 \(milliseconds(p99))") }
        if let bytesEach { parts.append("\(bytesEach) bytes each") }
        return parts.joined(separator: "; ") + " (\(count) in \(milliseconds(elapsed)))"
    }
}
