import KubeObject

/// What policies say to a packet.
enum PolicyVerdict: Sendable, Hashable {
    /// None is for the pod in this direction.
    case free
    case allowed(by: ServiceName, rule: Int)
    /// These are for the pod, and no rule of theirs lets it pass.
    case denied(by: [ServiceName])
    /// These have so many rules together that the pod is shut.
    case tooMany([ServiceName])
}

/// The policies of all clusters that have pods here, and whom they let speak to whom. Pure: no input but the calls, no output but
/// ``ruleset``. A change costs what it changes: a pod's, a look at the selectors of its own cluster; a policy's, a look at its cluster's pods.
struct PolicyModel: Sendable {
    /// One policy with what was made of it.
    private struct Policy: Sendable {
        var facts: PolicyFacts
        var incoming: [PolicyLine]?
        var outgoing: [PolicyLine]?
        var sets: [PolicySet]

        func lines(_ direction: PolicyChain.Direction) -> [PolicyLine]? { direction == .incoming ? incoming : outgoing }
    }

    private struct Cluster: Sendable {
        var pods: [IPAddress: PolicyPod] = [:]
        var namespaces: [String: [String: String]] = [:]
        var policies: [ServiceName: Policy] = [:]
    }

    private(set) var ruleset = PolicyRuleset()
    private var clusters: [Int64: Cluster] = [:]
    private let host: PolicyCompiler.HostServices

    init(host: PolicyCompiler.HostServices) { self.host = host }

    func knows(_ cluster: Int64) -> Bool { clusters[cluster] != nil }

    /// The addresses that pods of this name have: a new one may have come before the old one is gone.
    func addresses(of pod: ServiceName, in cluster: Int64) -> [IPAddress] {
        (clusters[cluster]?.pods ?? [:]).filter { $0.value.namespace == pod.namespace && $0.value.name == pod.name }.map(\.key)
    }

    /// Takes a cluster in, whose first pod comes.
    mutating func begin(_ id: Int64, namespaces: [String: [String: String]]) { clusters[id] = Cluster(namespaces: namespaces) }

    /// Sets what a pod is; nil when nobody has the address any more. A cluster without pods is forgotten.
    mutating func set(_ pod: PolicyPod?, at address: IPAddress, in id: Int64) {
        guard let before = clusters[id], before.pods[address] != pod else { return }
        var after = before
        after.pods[address] = pod
        clusters[id] = after
        refresh(address, before, after, id)
        isolate(address, in: id)
        if after.pods.isEmpty { forget(id) }
    }

    /// Sets a namespace's labels; nil when it is gone.
    mutating func set(namespace: String, labels: [String: String]?, in id: Int64) {
        guard let before = clusters[id], before.namespaces[namespace] ?? [:] != labels ?? [:] else { return }
        var after = before
        after.namespaces[namespace] = labels
        clusters[id] = after
        for (address, pod) in after.pods where pod.namespace == namespace { refresh(address, before, after, id) }
        // Whether rules mean DNS, the labels of its namespace say.
        guard namespace == PolicyCompiler.HostServices.dnsNamespace else { return }
        for (name, policy) in after.policies { set(policy.facts, name, in: id) }
    }

    /// Brings what the sets of a cluster have because of one address from what it was to what it is.
    private mutating func refresh(_ address: IPAddress, _ before: Cluster, _ after: Cluster, _ id: Int64) {
        for set in Set(after.policies.values.flatMap(\.sets)) {
            let old = Self.elements(of: set, address, before, id)
            let new = Self.elements(of: set, address, after, id)
            for element in old.subtracting(new) { ruleset.remove(element, from: set) }
            for element in new.subtracting(old) { ruleset.insert(element, into: set) }
        }
    }

    /// Sets what a policy says; nil when it is gone.
    mutating func set(_ facts: PolicyFacts?, _ name: ServiceName, in id: Int64) {
        guard let cluster = clusters[id] else { return }
        let before = cluster.policies[name]
        let policy = facts.map { compile($0, cluster, id) }
        clusters[id]?.policies[name] = policy
        let concerned = cluster.pods.filter { _, pod in
            pod.namespace == name.namespace
                && (before?.facts.pods.matches(pod.labels) == true || facts?.pods.matches(pod.labels) == true)
        }
        for address in concerned.keys { isolate(address, in: id) }
        // Only now does nobody go through what used them.
        for set in before?.sets ?? [] { ruleset.release(set) }
    }

    private mutating func compile(_ facts: PolicyFacts, _ cluster: Cluster, _ id: Int64) -> Policy {
        var host = host
        host.dnsNamespaceLabels = cluster.namespaces[PolicyCompiler.HostServices.dnsNamespace] ?? [:]
        // Moved, not copied: the compiler asks for the sets that it needs.
        var ruleset = PolicyRuleset()
        swap(&ruleset, &self.ruleset)
        var used: [PolicySet] = []
        let compiler = PolicyCompiler(cluster: id, host: host) { set in
            used.append(set)
            return ruleset.use(
                set, elements: cluster.pods.keys.reduce(into: []) { $0.formUnion(Self.elements(of: set, $1, cluster, id)) })
        }
        let incoming = facts.ingress.map(compiler.incoming)
        let outgoing = facts.egress.map(compiler.outgoing)
        swap(&ruleset, &self.ruleset)
        return Policy(facts: facts, incoming: incoming, outgoing: outgoing, sets: used)
    }

    /// What a set has because of one address.
    private static func elements(of set: PolicySet, _ address: IPAddress, _ cluster: Cluster, _ id: Int64) -> Set<String> {
        guard let pod = cluster.pods[address], set.family == address.family else { return [] }
        switch set {
        case .peers(let owner, let selector, _):
            let labels = cluster.namespaces[pod.namespace] ?? [:]
            let isMeant = owner == id && selector.matches(namespace: pod.namespace, labels: labels, podLabels: pod.labels)
            return isMeant ? ["\(address)"] : []
        case .ports(let owner, let name, _): return owner == id ? Set((pod.ports[name] ?? []).map { "\(address) . \($0)" }) : []
        case .answers: return []
        }
    }

    /// Has a pod go through what the policies say that are for it.
    private mutating func isolate(_ address: IPAddress, in id: Int64) {
        guard let cluster = clusters[id], let pod = cluster.pods[address] else {
            for direction in PolicyChain.Direction.allCases { ruleset.set(nil, for: address, in: direction.map) }
            return
        }
        let own = Self.policies(for: pod, in: cluster)
        func chain(_ direction: PolicyChain.Direction) -> PolicyChain? {
            let parts = own.compactMap { $0.policy.lines(direction) }
            guard !parts.isEmpty else { return nil }
            let all = Set(parts.joined().filter { $0.concerns(address.family) }.map(\.text))
            return PolicyChain(direction: direction, rules: all.count > PolicyCompiler.limit ? [] : all.sorted())
        }
        for direction in PolicyChain.Direction.allCases { ruleset.set(chain(direction), for: address, in: direction.map) }
    }

    private static func policies(for pod: PolicyPod, in cluster: Cluster) -> [(name: ServiceName, policy: Policy)] {
        cluster.policies.filter { $0.key.namespace == pod.namespace && $0.value.facts.pods.matches(pod.labels) }
            .map { ($0.key, $0.value) }
    }

    // MARK: - What is decided

    /// What the policies that are for a pod say to a packet that it sends or is sent.
    func verdict(_ direction: PolicyChain.Direction, on packet: PolicyLine.Packet, at address: IPAddress, in id: Int64)
        -> PolicyVerdict
    {
        guard let cluster = clusters[id], let pod = cluster.pods[address] else { return .free }
        let own = Self.policies(for: pod, in: cluster).compactMap { name, policy in policy.lines(direction).map { (name, $0) } }
            .sorted { "\($0.0)" < "\($1.0)" }
        guard !own.isEmpty else { return .free }
        let names = own.map(\.0)
        guard Set(own.flatMap { $0.1.filter { $0.concerns(address.family) }.map(\.text) }).count <= PolicyCompiler.limit else {
            return .tooMany(names)
        }
        for (name, lines) in own {
            for line in lines where line.lets(packet, contains: { self.ruleset.contains($1, in: $0) }) {
                return .allowed(by: name, rule: line.index)
            }
        }
        return .denied(by: names)
    }

    private mutating func forget(_ id: Int64) {
        guard let cluster = clusters.removeValue(forKey: id) else { return }
        for policy in cluster.policies.values {
            for set in policy.sets { ruleset.release(set) }
        }
    }

    mutating func takeChanges(table: TableName) -> String { ruleset.takeChanges(table: table) }
    mutating func everything(table: TableName) -> String { ruleset.everything(table: table) }
}
