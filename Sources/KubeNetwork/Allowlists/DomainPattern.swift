/// A domain name, or all names below one, as allowlists write them: `git.example.org`, `*.example.org`.
struct DomainPattern: Sendable, Hashable {
    /// In lower case.
    private let name: DNSName
    private let isBelow: Bool

    /// - Returns: nil when it is neither.
    init?(_ text: String) {
        isBelow = text.hasPrefix("*.")
        guard let name = DNSName(isBelow ? text.dropFirst(2) : text[...]) else { return nil }
        self.name = name.canonical
    }

    /// - Parameter other: in lower case. However many labels it has more, it is below; the name itself isn't.
    func matches(_ other: DNSName) -> Bool {
        guard isBelow else { return other == name }
        let wire = other.wire
        var position = 0
        // Whole labels only: `badexample.org` is no name below `example.org`.
        while position < wire.count, wire.count - position > name.wire.count { position += 1 + Int(wire[position]) }
        return position > 0 && position < wire.count && wire[position...] == name.wire[...]
    }
}
