/// What policies, or allowlists, have in the kernel's table: their sets, their chains, and which pod goes through which; and what changed since the last time.
///
/// A chain never changes: what it does is its identity, so a changed policy has its pods go through another. Chains and sets that nobody
/// uses are removed in the same transaction that stops using them.
struct PolicyRuleset: Sendable {
    private struct Chain: Sendable {
        var name: String
        var users = 0
    }

    private struct SetState: Sendable {
        var name: String
        var users = 0
        var elements: Set<String> = []
    }

    private struct Slot: Hashable, Sendable {
        var map: PodMap
        var pod: IPAddress
    }

    /// Whose chains these are, which their names say, and how a packet gets to one.
    enum Kind: String, Sendable {
        /// The packet's way ends there.
        case policy
        /// One that is let pass comes back, for what else there is to be asked.
        case allowlist

        var verb: String { self == .policy ? "goto" : "jump" }
    }

    private let kind: Kind
    private var lastNumber = 0
    private var chains: [PolicyChain: Chain] = [:]
    private var sets: [PolicySet: SetState] = [:]
    private var slots: [Slot: PolicyChain] = [:]

    // What the kernel has for what was touched.
    private var touchedSlots: [Slot: String?] = [:]
    private var touchedElements: [PolicySet: [String: Bool]] = [:]
    private var newChains: Set<PolicyChain> = []
    private var newSets: Set<PolicySet> = []
    /// By name, since a set or chain of the same content may come again under another.
    private var deadChains: Set<String> = []
    private var deadSets: Set<String> = []

    init(_ kind: Kind = .policy) { self.kind = kind }

    var isEmpty: Bool { slots.isEmpty && sets.isEmpty }

    // MARK: Sets

    /// A set's name, for as long as somebody has said that it is used.
    mutating func use(_ set: PolicySet, elements: @autoclosure () -> Set<String>) -> String {
        if sets[set] == nil {
            sets[set] = SetState(name: number("set"))
            newSets.insert(set)
            for element in elements() { insert(element, into: set) }
        }
        sets[set]?.users += 1
        return sets[set]?.name ?? ""
    }

    /// A set's name; nil for one that nobody uses.
    func name(of set: PolicySet) -> String? { sets[set]?.name }

    mutating func release(_ set: PolicySet) {
        sets[set]?.users -= 1
        guard let state = sets[set], state.users <= 0 else { return }
        sets[set] = nil
        touchedElements[set] = nil
        if newSets.remove(set) == nil { deadSets.insert(state.name) }
    }

    func contains(_ element: String, in set: PolicySet) -> Bool { sets[set]?.elements.contains(element) == true }

    mutating func insert(_ element: String, into set: PolicySet) { change(element, set, isThere: true) }
    mutating func remove(_ element: String, from set: PolicySet) { change(element, set, isThere: false) }

    private mutating func change(_ element: String, _ set: PolicySet, isThere: Bool) {
        guard let wasThere = sets[set]?.elements.contains(element), wasThere != isThere else { return }
        if isThere { sets[set]?.elements.insert(element) } else { sets[set]?.elements.remove(element) }
        if touchedElements[set]?[element] == nil { touchedElements[set, default: [:]][element] = wasThere }
    }

    // MARK: Pods

    /// Has a pod go through a chain; nil for a pod that doesn't go through one there.
    mutating func set(_ chain: PolicyChain?, for pod: IPAddress, in map: PodMap) {
        let slot = Slot(map: map, pod: pod)
        let before = slots[slot]
        guard before != chain else { return }
        if touchedSlots[slot] == nil { touchedSlots[slot] = .some(before.flatMap { chains[$0]?.name }) }
        if let chain {
            if chains[chain] == nil {
                chains[chain] = Chain(name: number(chain.direction.rawValue))
                newChains.insert(chain)
            }
            chains[chain]?.users += 1
        }
        slots[slot] = chain
        guard let before else { return }
        chains[before]?.users -= 1
        if let state = chains[before], state.users <= 0 {
            chains[before] = nil
            if newChains.remove(before) == nil { deadChains.insert(state.name) }
        }
    }

    private mutating func number(_ part: String) -> String {
        lastNumber += 1
        return "\(kind)_\(part)_\(lastNumber)"
    }

    // MARK: Commands

    /// Commands that bring the kernel from what it had at the last call to what is here; empty when nothing changed.
    mutating func takeChanges(table: TableName) -> String {
        defer { forgetChanges() }
        var text = ""
        for set in newSets { text += definition(of: set, table) }
        for chain in newChains { text += definition(of: chain, table) }
        for (map, family) in Self.maps {
            var removed: [String] = []
            var added: [String] = []
            for (slot, before) in touchedSlots where slot.map == map && slot.pod.family == family {
                let after = slots[slot].flatMap { chains[$0]?.name }
                guard before != after else { continue }
                if before != nil { removed.append("\(slot.pod)") }
                if let after { added.append("\(slot.pod) : \(kind.verb) \(after)") }
            }
            Self.write("delete", removed, map.name(family), table, into: &text)
            Self.write("add", added, map.name(family), table, into: &text)
        }
        for (set, elements) in touchedElements {
            guard let state = sets[set] else { continue }
            let changed = elements.filter { $0.value != state.elements.contains($0.key) }
            Self.write("delete", changed.filter(\.value).map(\.key), state.name, table, into: &text)
            Self.write("add", changed.filter { !$0.value }.map(\.key), state.name, table, into: &text)
        }
        for name in deadChains.sorted() { text += "flush chain \(table) \(name)\n" }
        for name in deadChains.sorted() { text += "delete chain \(table) \(name)\n" }
        for name in deadSets.sorted() { text += "delete set \(table) \(name)\n" }
        return text
    }

    /// Commands that put everything into a table that has none of it.
    mutating func everything(table: TableName) -> String {
        forgetChanges()
        var text = ""
        for (set, state) in sets {
            text += definition(of: set, table)
            Self.write("add", Array(state.elements), state.name, table, into: &text)
        }
        for chain in chains.keys { text += definition(of: chain, table) }
        for (map, family) in Self.maps {
            let all = slots.filter { $0.key.map == map && $0.key.pod.family == family }.compactMap { slot, chain in
                chains[chain].map { "\(slot.pod) : \(kind.verb) \($0.name)" }
            }
            Self.write("add", all, map.name(family), table, into: &text)
        }
        return text
    }

    private static let maps = PodMap.allCases.flatMap { map in AddressFamily.allCases.map { (map, $0) } }

    private mutating func forgetChanges() {
        touchedSlots = [:]
        touchedElements = [:]
        newChains = []
        newSets = []
        deadChains = []
        deadSets = []
    }

    private func definition(of set: PolicySet, _ table: TableName) -> String {
        sets[set].map { "add set \(table) \($0.name) { type \(set.type); }\n" } ?? ""
    }

    private func definition(of chain: PolicyChain, _ table: TableName) -> String {
        guard let name = chains[chain]?.name else { return "" }
        return (["add chain \(table) \(name)"] + (chain.rules + ["drop"]).map { "add rule \(table) \(name) \($0)" })
            .joined(separator: "\n") + "\n"
    }

    private static func write(_ verb: String, _ elements: [String], _ set: String, _ table: TableName, into text: inout String) {
        var rest = elements.sorted()[...]
        while !rest.isEmpty {
            text += "\(verb) element \(table) \(set) { \(rest.prefix(200).joined(separator: ", ")) }\n"
            rest = rest.dropFirst(200)
        }
    }
}
