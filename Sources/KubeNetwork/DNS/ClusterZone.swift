/// Answers questions about a cluster's own names, as the Kubernetes DNS specification (1.1.0) says and CoreDNS does with
/// kubeadm's configuration (`pods insecure`). Where the two differ, it does as CoreDNS: the TTL is 5 seconds, not 30.
struct ClusterZone: Sendable {
    enum Outcome: Sendable, Hashable {
        case reply(DNSReply)
        /// The name isn't the cluster's: ask the host's resolvers.
        case forward
        /// The answer so far ends in a name that isn't the cluster's: ask for that and append.
        case follow(DNSReply, DNSName)
    }

    static let ttl: UInt32 = 5

    /// As in `cluster.local`.
    let domain: DNSName
    let dnsAddress: IPAddress
    /// The ranges whose addresses nobody outside could know a name for.
    let ownRanges: [IPRange]
    let zoneLabels: [String]

    init(domain: DNSName, dnsAddress: IPAddress, ownRanges: [IPRange]) {
        self.domain = domain
        self.dnsAddress = dnsAddress
        self.ownRanges = ownRanges
        zoneLabels = domain.labels
    }

    func answer(_ query: DNSQuery, _ directory: some DNSDirectory) -> Outcome {
        guard query.recordClass == 1, query.type != .axfr, query.type != .ixfr else { return .reply(DNSReply(.refused)) }
        if let version = query.extended?.version, version > 0 { return .reply(DNSReply(.badVersion)) }
        let labels = query.name.labels
        if let address = Self.reversed(labels), ownRanges.contains(where: { $0.contains(address) }) {
            return .reply(reverse(address, query, directory))
        }
        guard labels.count >= zoneLabels.count, labels.suffix(zoneLabels.count) == zoneLabels[...] else { return .forward }
        return within(Array(labels.dropLast(zoneLabels.count)), query, directory, depth: 0)
    }

    /// Answers for a name in the zone, of which `labels` are those before the zone's.
    private func within(_ labels: [String], _ query: DNSQuery, _ directory: some DNSDirectory, depth: Int) -> Outcome {
        switch labels {
        case []: return .reply(apex(query, directory))
        case ["dns-version"]:
            guard query.type == .txt else { return .reply(noData(directory)) }
            return .reply(authoritative([DNSRecord(name: query.name, ttl: 28_800, data: .txt("1.1.0"))]))
        case ["ns", "dns"]:
            guard query.type == .a else { return .reply(noData(directory)) }
            return .reply(authoritative([DNSRecord(name: query.name, ttl: Self.ttl, data: .a(dnsAddress))]))
        default: break
        }
        let kind = labels[labels.count - 1]
        guard kind == "svc" || kind == "pod" else { return .reply(noName(directory)) }
        guard labels.count > 1 else { return .reply(noData(directory)) }
        let namespace = labels[labels.count - 2]
        guard directory.hasNamespace(namespace) else { return .reply(noName(directory)) }
        guard labels.count > 2 else { return .reply(noData(directory)) }
        let name = labels[labels.count - 3]
        if kind == "pod" { return .reply(pod(name, isWhole: labels.count == 3, query, directory)) }
        guard let question = ServiceQuestion(labels.dropLast(3), ServiceName(namespace: namespace, name: name)) else {
            return .reply(noName(directory))
        }
        return service(question, query, directory, depth: depth)
    }

    private func apex(_ query: DNSQuery, _ directory: some DNSDirectory) -> DNSReply {
        let server = ancestor(of: ["ns", "dns"])
        switch query.type {
        case .soa: return authoritative([authority(domain, directory)])
        case .ns:
            var reply = authoritative([DNSRecord(name: query.name, ttl: Self.ttl, data: .ns(server))])
            reply.additionals = [DNSRecord(name: server, ttl: Self.ttl, data: .a(dnsAddress))]
            return reply
        default: return noData(directory)
        }
    }

    /// `1-2-3-4.namespace.pod`: the address is in the name.
    private func pod(_ name: String, isWhole: Bool, _ query: DNSQuery, _ directory: some DNSDirectory) -> DNSReply {
        // As CoreDNS: three dashes, none beside another, are dots.
        let separator: Character = name.count { $0 == "-" } == 3 && !name.contains("--") ? "." : ":"
        guard isWhole, let address = IPAddress(String(name.map { $0 == "-" ? separator : $0 })),
            !name.contains(where: { $0 == "." || $0 == ":" })
        else {
            return noName(directory)
        }
        return addresses([address], query, directory)
    }

    private func service(
        _ question: ServiceQuestion, _ query: DNSQuery, _ directory: some DNSDirectory, depth: Int
    ) -> Outcome {
        guard let service = directory.service(question.service) else { return .reply(noName(directory)) }
        if case .external(let target) = service {
            return external(target, question, query, directory, depth: depth)
        }
        let places = question.places(of: service, directory)
        guard !places.isEmpty else { return .reply(noName(directory)) }
        let target = ancestor(of: [question.service.name, question.service.namespace, "svc"])
        switch query.type {
        case .a, .aaaa:
            var seen = Set<IPAddress>()
            // Clients tend to take the first address.
            return .reply(addresses(places.map(\.address).filter { seen.insert($0).inserted }.shuffled(), query, directory))
        case .srv: return .reply(serviceRecords(places, target, query))
        default: return .reply(noData(directory))
        }
    }

    private func serviceRecords(_ places: [ServiceQuestion.Place], _ service: DNSName, _ query: DNSQuery) -> DNSReply {
        var reply = authoritative([])
        let withPorts = places.filter { $0.port != nil }
        var seenAnswers = Set<DNSRecord>()
        var seenAddresses = Set<DNSRecord>()
        for place in withPorts {
            guard let port = place.port else { continue }
            let target = place.hostname.flatMap { DNSName("\($0).\(service)") } ?? service
            let record = DNSRecord(
                name: query.name, ttl: Self.ttl,
                data: .srv(priority: 0, weight: UInt16(max(100 / withPorts.count, 1)), port: port, target: target))
            if seenAnswers.insert(record).inserted { reply.answers.append(record) }
            let address = DNSRecord.address(target, ttl: Self.ttl, place.address)
            if seenAddresses.insert(address).inserted { reply.additionals.append(address) }
        }
        return reply
    }

    private func external(
        _ text: String, _ question: ServiceQuestion, _ query: DNSQuery, _ directory: some DNSDirectory, depth: Int
    ) -> Outcome {
        // An external name has no endpoints and no ports.
        guard question.hostname == nil, question.port == nil else { return .reply(noName(directory)) }
        if let address = IPAddress(text) { return .reply(addresses([address], query, directory)) }
        guard let target = DNSName(text) else { return .reply(noName(directory)) }
        guard query.type == .a || query.type == .aaaa || query.type == .cname else { return .reply(noData(directory)) }
        var reply = authoritative([DNSRecord(name: query.name, ttl: Self.ttl, data: .cname(target))])
        guard query.type != .cname else { return .reply(reply) }
        let labels = target.labels
        guard labels.suffix(zoneLabels.count) == zoneLabels[...] else { return .follow(reply, target) }
        guard depth < 8 else { return .reply(DNSReply(.serverFailure)) }
        var next = query
        next.name = target
        switch within(Array(labels.dropLast(zoneLabels.count)), next, directory, depth: depth + 1) {
        case .reply(let end):
            reply.code = end.code
            reply.answers += end.answers
            reply.authorities = end.authorities
            return .reply(reply)
        case .follow(let end, let last):
            reply.answers += end.answers
            return .follow(reply, last)
        case .forward: return .follow(reply, target)
        }
    }

    private func reverse(_ address: IPAddress, _ query: DNSQuery, _ directory: some DNSDirectory) -> DNSReply {
        var names: [DNSName] = []
        if let service = directory.service(at: address) {
            names = [ancestor(of: [service.name, service.namespace, "svc"])]
        } else {
            for (service, endpoint) in directory.endpoints(at: address) {
                let hostname = endpoint.hostname ?? ServiceQuestion.hostname(for: endpoint.address)
                names.append(ancestor(of: [hostname, service.name, service.namespace, "svc"]))
            }
        }
        let tree = address.family == .v4 ? "in-addr" : "ip6"
        let zone = DNSName(uncheckedWire: [UInt8(tree.utf8.count)] + Array(tree.utf8) + [4] + Array("arpa".utf8) + [0])
        guard !names.isEmpty else { return negative(.nameError, zone, directory) }
        guard query.type == .ptr else { return negative(.noError, zone, directory) }
        var seen = Set<DNSName>()
        return authoritative(
            names.filter { seen.insert($0).inserted }.map { DNSRecord(name: query.name, ttl: Self.ttl, data: .ptr($0)) })
    }

    /// The address of `4.3.2.1.in-addr.arpa`, or of thirty-two hexadecimal digits and `ip6.arpa` (RFC 3596).
    static func reversed(_ labels: [String]) -> IPAddress? {
        guard labels.last == "arpa" else { return nil }
        if labels.count == 6, labels[4] == "in-addr" { return IPAddress(labels[..<4].reversed().joined(separator: ".")) }
        guard labels.count == 34, labels[32] == "ip6" else { return nil }
        let digits = labels[..<32].reversed().compactMap { $0.utf8.count == 1 ? UInt8($0, radix: 16) : nil }
        guard digits.count == 32 else { return nil }
        return IPAddress(octets: stride(from: 0, to: 32, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    /// An answer of those addresses that are of the family that is asked for; the name is there, whichever it has.
    private func addresses(_ all: [IPAddress], _ query: DNSQuery, _ directory: some DNSDirectory) -> DNSReply {
        let family: AddressFamily? = query.type == .a ? .v4 : query.type == .aaaa ? .v6 : nil
        let records = all.filter { $0.family == family }.map { DNSRecord.address(query.name, ttl: Self.ttl, $0) }
        return records.isEmpty ? noData(directory) : authoritative(records)
    }

    private func authoritative(_ answers: [DNSRecord]) -> DNSReply {
        var reply = DNSReply(.noError)
        reply.isAuthoritative = true
        reply.answers = answers
        return reply
    }

    private func noName(_ directory: some DNSDirectory) -> DNSReply { negative(.nameError, domain, directory) }
    private func noData(_ directory: some DNSDirectory) -> DNSReply { negative(.noError, domain, directory) }

    private func negative(_ code: DNSCode, _ zone: DNSName, _ directory: some DNSDirectory) -> DNSReply {
        var reply = authoritative([])
        reply.code = code
        reply.authorities = [authority(zone, directory)]
        return reply
    }

    private func authority(_ zone: DNSName, _ directory: some DNSDirectory) -> DNSRecord {
        DNSRecord(
            name: zone, ttl: Self.ttl,
            data: .soa(
                server: ancestor(of: ["ns", "dns"]), mailbox: ancestor(of: ["hostmaster"]),
                serial: UInt32(truncatingIfNeeded: directory.revision), refresh: 7_200, retry: 1_800, expire: 86_400,
                minimum: Self.ttl))
    }

    /// The zone's name after these labels, or the zone's own where that would be no name.
    private func ancestor(of labels: [String]) -> DNSName {
        DNSName((labels + zoneLabels).joined(separator: ".")) ?? domain
    }
}
