import KubeObject

/// Which name servers a cluster wants to be asked instead of the machine's, as its own administrators say it.
///
/// Read are the two config maps that Kubernetes' documentation has for it, in `kube-system`: `coredns`, of whose Corefile the `forward` lines count, and
/// `kube-dns`, with `stubDomains` and `upstreamNameservers` in JSON. Whatever else is in them isn't ours to do; what can't be read says nothing.
/// Source: https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/
struct StubDomains: Sendable, Equatable {
    struct Server: Sendable, Hashable {
        var address: IPAddress
        var port: UInt16 = 53

        init(_ address: IPAddress, port: UInt16 = 53) {
            self.address = address
            self.port = port
        }

        /// `ADDRESS` or `ADDRESS:PORT`, also after `dns://`; nil for names, files, TLS and other address families.
        init?(_ text: some StringProtocol) {
            let rest = text.hasPrefix("dns://") ? text.dropFirst(6) : text[...]
            let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, let first = parts.first, let address = IPAddress(first), address.family == .v4
            else { return nil }
            self.init(address)
            if parts.count == 2 {
                guard let port = UInt16(parts[1]), port > 0 else { return nil }
                self.port = port
            }
        }
    }

    /// By domains, in lower case.
    private(set) var domains: [DNSName: [Server]] = [:]
    /// For all other names outside; empty for the machine's resolvers.
    private(set) var upstream: [Server] = []

    static let maximumDomains = 100
    /// As many as are tried for one question.
    static let maximumServers = 3
    /// Longer texts say nothing.
    static let maximumText = 64 * 1024

    /// - Parameters:
    ///   - kubeDNS: `data` of the config map `kube-dns`.
    ///   - coreDNS: `data` of the config map `coredns`; where both speak of the same, this counts.
    init(kubeDNS: JSON? = nil, coreDNS: JSON? = nil) {
        if let tree = Self.json(kubeDNS?["stubDomains"]) {
            for (domain, servers) in (tree.object ?? [:]).sorted(by: { $0.key < $1.key }) { add(domain, servers.strings) }
        }
        if let tree = Self.json(kubeDNS?["upstreamNameservers"]) { add(".", tree.strings) }
        if let text = coreDNS?["Corefile"]?.string, text.utf8.count <= Self.maximumText {
            for (domain, servers) in Corefile.forwards(text) { add(domain, servers) }
        }
    }

    private static func json(_ value: JSON?) -> JSON? {
        guard let text = value?.string, text.utf8.count <= maximumText else { return nil }
        do { return try JSON(parsing: Array(text.utf8)) } catch { return nil }
    }

    private mutating func add(_ domain: String, _ texts: [String]) {
        let servers = Array(texts.prefix(15).compactMap { Server($0) }.prefix(Self.maximumServers))
        guard !servers.isEmpty else { return }
        if domain == "." {
            upstream = servers
        } else if let name = DNSName(domain)?.canonical, domains[name] != nil || domains.count < Self.maximumDomains {
            domains[name] = servers
        }
    }

    var isEmpty: Bool { domains.isEmpty && upstream.isEmpty }

    /// Who is to be asked for a name: those of the longest domain that it is in; nil for the machine's resolvers.
    func servers(for name: DNSName) -> [Server]? {
        if !domains.isEmpty {
            var wire = name.canonical.wire[...]
            while let length = wire.first, length > 0 {
                if let found = domains[DNSName(uncheckedWire: Array(wire))] { return found }
                wire = wire.dropFirst(Int(length) + 1)
            }
        }
        return upstream.isEmpty ? nil : upstream
    }
}

/// CoreDNS' configuration, as far as it says who is asked for which names.
/// Source: https://coredns.io/manual/configuration/
enum Corefile {
    /// Domains (`.` for all) and who is to be asked for names in them, in the order of the text.
    static func forwards(_ text: String) -> [(domain: String, servers: [String])] {
        var found: [(String, [String])] = []
        /// Of the server block that we are in; nil outside.
        var domains: [String]?
        var depth = 0
        for line in text.split(whereSeparator: \.isNewline) {
            var words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
            if depth == 1, let domains, words.count >= 3, words[0] == "forward" || words[0] == "proxy" {
                let servers = words[2...].filter { $0 != "{" }
                // From `.`, which in a block for a domain is that domain.
                found += (words[1] == "." ? domains : [words[1]]).map { ($0, servers) }
            }
            if depth == 0, words.contains("{") {
                // Of `dns://corp.example:53` the domain; `(name)` is a snippet, which isn't a server.
                words.removeAll { $0 == "{" }
                domains = words.filter { !$0.hasPrefix("(") }.map { key in
                    let name = key.hasPrefix("dns://") ? String(key.dropFirst(6)) : key
                    return String(name.drop { $0 == "," }.prefix { $0 != ":" && $0 != "," })
                }
            }
            for character in line.prefix(while: { $0 != "#" }) {
                if character == "{" { depth += 1 }
                if character == "}" { depth = max(0, depth - 1) }
            }
            if depth == 0 { domains = nil }
        }
        return found
    }
}
