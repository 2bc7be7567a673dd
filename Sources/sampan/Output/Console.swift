import Glibc

/// Standard output for results, standard error for progress, so that results can be piped.
enum Console {
    static func out(_ text: String) {
        write(text, to: STDOUT_FILENO)
    }

    static func note(_ text: String) {
        write(text + "\n", to: STDERR_FILENO)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            // A reader that went away (`sampan ... | head`) isn't an error of ours; there is nobody left to tell.
            guard count > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(count, 0))
        }
    }
}

/// Says on standard error what is being waited for, but only once it has taken more than a second.
struct Progress {
    var doing: String
    private let start = ContinuousClock.now
    private var nextLine: Duration = .seconds(1)

    init(_ doing: String) {
        self.doing = doing
    }

    var elapsed: Duration { ContinuousClock.now - start }

    /// Call it now and then while waiting.
    mutating func tick() {
        guard elapsed >= nextLine else { return }
        Console.note("\(doing) (\(elapsed.text))")
        nextLine = nextLine < .seconds(5) ? .seconds(5) : nextLine + .seconds(5)
    }
}

extension Duration {
    /// `850 µs`, `12 ms`, `3.4 s` or `2 min 5 s`.
    var text: String {
        let microseconds = Int(components.seconds) * 1_000_000 + Int(components.attoseconds / 1_000_000_000_000)
        switch microseconds {
        case ..<1000: return "\(microseconds) µs"
        case ..<1_000_000: return "\(microseconds / 1000) ms"
        case ..<60_000_000: return "\(microseconds / 1_000_000).\(microseconds / 100_000 % 10) s"
        default: return "\(microseconds / 60_000_000) min \(microseconds / 1_000_000 % 60) s"
        }
    }

    /// Milliseconds, with fractions.
    var milliseconds: Double {
        Double(components.seconds) * 1000 + Double(components.attoseconds) / 1e15
    }
}
