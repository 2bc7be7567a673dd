/// Elements to take out of and put into the kernel's table, in one transaction. A changed element is in both.
struct RulesetDiff: Sendable, Hashable {
    var removed: [Element] = []
    var added: [Element] = []

    var isEmpty: Bool { removed.isEmpty && added.isEmpty }

    /// The chains that the added elements go to.
    var balancers: Set<Balancer> {
        Set(added.compactMap { if case .balancer(let balancer) = $0.value { balancer } else { nil } })
    }

    /// Datagrams to these were sent on by a connection's memory even now that the endpoint is gone.
    var lostDatagramEndpoints: [Conntrack.Filter] {
        let kept = Set(added)
        return removed.compactMap { element in
            guard [.endpoints, .nodeEndpoints, .nodeStickyEndpoints].contains(element.key.set), !kept.contains(element),
                case .endpoint(let endpoint) = element.value
            else { return nil }
            // cluster . address . protocol . port . slot, or protocol . port . slot
            let words = element.key.text.split(separator: " . ").suffix(3)
            guard words.first == "udp", let port = words.dropFirst().first.flatMap({ UInt16($0) }) else { return nil }
            return Conntrack.Filter(transport: .udp, destinationPort: port, answeredBy: endpoint.address)
        }
    }

    /// As commands for `nft -f`.
    /// - Parameter newBalancers: the chains that aren't in the table yet.
    func commands(table: TableName, newBalancers: some Sequence<Balancer>) -> String {
        var text = ""
        for balancer in newBalancers.sorted() { text += balancer.commands(table) }
        // Removals first: a changed element is removed and added in the same transaction, and no packet sees it gone.
        Self.write("delete", removed, table, into: &text) { $0.key.text }
        Self.write("add", added, table, into: &text) { $0.text }
        return text
    }

    private static func write(
        _ verb: String, _ elements: [Element], _ table: TableName, into text: inout String, _ form: (Element) -> String
    ) {
        let bySet = Dictionary(grouping: elements) { $0.key.set.name($0.key.family) }
        for set in RuleSet.allCases {
            for name in AddressFamily.allCases.map(set.name) {
                write(verb, (bySet[name] ?? []).map(form), name, table, into: &text)
            }
        }
    }

    /// A command for every few hundred elements, which keeps lines short enough to read in an error.
    static func write(_ verb: String, _ elements: [String], _ set: String, _ table: TableName, into text: inout String) {
        var rest = elements.sorted()[...]
        while !rest.isEmpty {
            text += "\(verb) element \(table) \(set) { \(rest.prefix(200).joined(separator: ", ")) }\n"
            rest = rest.dropFirst(200)
        }
    }
}

/// The table of one instance, in the form that commands take.
struct TableName: Sendable, Hashable, CustomStringConvertible {
    var instance: String
    var name: String { "sampan_" + String(instance.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }) }
    var description: String { "inet \(name)" }
}
