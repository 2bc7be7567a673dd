/// The elements that should be in the kernel, each owned by a pod or a service, and what changed since they were last there.
///
/// Two owners may want the same key (two services with one external address, two clusters with one node port): the first
/// has it, and the next one gets it when the first lets go.
struct Ruleset: Sendable {
    enum Owner: Sendable, Hashable {
        case pod(IPAddress)
        case service(ClusterMark, ServiceName)
    }

    private struct Claim {
        var owner: Owner
        var value: Element.Value
    }

    private var keys: [Owner: [Element.Key]] = [:]
    private var holders: [Element.Key: Claim] = [:]
    private var waiting: [Element.Key: [Claim]] = [:]
    /// The keys touched since the last ``takeChanges()``, with what the kernel has for them.
    private var touched: [Element.Key: Element.Value?] = [:]

    var count: Int { holders.count }
    var hasChanges: Bool { !touched.isEmpty }
    var owners: some Sequence<Owner> { keys.keys }

    func holder(of key: Element.Key) -> Owner? { holders[key]?.owner }

    func value(of key: Element.Key) -> Element.Value? { holders[key]?.value }

    /// All elements, in no order.
    var elements: [Element] { holders.map { Element($0.key, $0.value.value) } }

    /// Replaces all elements of an owner.
    mutating func set(_ elements: [Element], of owner: Owner) {
        let before = keys[owner] ?? []
        let after = Set(elements.map(\.key))
        for key in before where !after.contains(key) { release(key, owner) }
        for element in elements { claim(element, owner) }
        keys[owner] = elements.isEmpty ? nil : Array(after)
    }

    private mutating func claim(_ element: Element, _ owner: Owner) {
        let key = element.key
        if let holder = holders[key] {
            if holder.owner == owner {
                guard holder.value != element.value else { return }
            } else {
                var others = waiting[key] ?? []
                others.removeAll { $0.owner == owner }
                others.append(Claim(owner: owner, value: element.value))
                waiting[key] = others
                return
            }
        }
        touch(key)
        holders[key] = Claim(owner: owner, value: element.value)
    }

    private mutating func release(_ key: Element.Key, _ owner: Owner) {
        if holders[key]?.owner == owner {
            touch(key)
            holders[key] = nil
            if var others = waiting[key] {
                holders[key] = others.removeFirst()
                waiting[key] = others.isEmpty ? nil : others
            }
        } else if var others = waiting[key] {
            others.removeAll { $0.owner == owner }
            waiting[key] = others.isEmpty ? nil : others
        }
    }

    private mutating func touch(_ key: Element.Key) {
        if touched[key] == nil { touched[key] = .some(holders[key]?.value) }
    }

    /// What to do to the kernel's state to get to this one; afterwards nothing is changed until the next ``set(_:of:)``.
    mutating func takeChanges() -> RulesetDiff {
        var diff = RulesetDiff()
        for (key, before) in touched {
            let after = holders[key]?.value
            guard before != after else { continue }
            if let before { diff.removed.append(Element(key, before)) }
            if let after { diff.added.append(Element(key, after)) }
        }
        touched.removeAll(keepingCapacity: touched.count < 1_024)
        return diff
    }
}

/// A service's place in its cluster.
struct ServiceName: Sendable, Hashable, CustomStringConvertible {
    var namespace: String
    var name: String
    var description: String { "\(namespace)/\(name)" }
}
