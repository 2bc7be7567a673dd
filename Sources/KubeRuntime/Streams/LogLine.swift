/// One line of a container's log file as the CRI writes it: time, stream, whether the line goes on, content.
struct LogLine: Sendable, Equatable {
    /// RFC 3339 with nanoseconds.
    var time: String
    var isError: Bool
    /// The container's own line goes on in the next one.
    var isPartial: Bool
    var content: [UInt8]

    /// Nil when it's not in this format.
    init?(_ line: some Collection<UInt8>) {
        let space = UInt8(ascii: " ")
        var rest = Array(line)[...]
        func word() -> ArraySlice<UInt8>? {
            guard let end = rest.firstIndex(of: space) else { return nil }
            defer { rest = rest[(end + 1)...] }
            return rest[..<end]
        }
        guard let time = word(), let stream = word() else { return nil }
        let tag: ArraySlice<UInt8>
        if let found = word() {
            tag = found
        } else {
            tag = rest  // an empty line has nothing after its tag
            rest = []
        }
        self.time = String(decoding: time, as: UTF8.self)
        switch String(decoding: stream, as: UTF8.self) {
        case "stdout": isError = false
        case "stderr": isError = true
        default: return nil
        }
        isPartial = tag.first == UInt8(ascii: "P")
        content = Array(rest)
    }
}
