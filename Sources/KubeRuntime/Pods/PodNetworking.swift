import KubeObject

/// A pod's names and its resolver: hostname, /etc/hosts, /etc/resolv.conf.
struct PodNetworking: Sendable {
    static let clusterDomain = "cluster.local"

    let pod: Pod
    /// The address of the cluster's DNS.
    var dnsAddress: String
    var nodeHostname: String
    /// The node's own resolv.conf and hosts file.
    var nodeResolver: String
    var nodeHosts: String

    var hostname: String {
        if pod.usesHostNetwork { return nodeHostname }
        var name = pod.spec["hostname"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? pod.name
        if pod.spec["setHostnameAsFQDN"]?.bool == true, let domain { name += "." + domain }
        if name.utf8.count > 63 {
            name = String(name.prefix(63))
            while name.hasSuffix("-") || name.hasSuffix(".") { name.removeLast() }
        }
        return name
    }

    /// `subdomain.namespace.svc.cluster.local`, when the pod has a subdomain.
    var domain: String? {
        guard let subdomain = pod.spec["subdomain"]?.string, !subdomain.isEmpty else { return nil }
        return "\(subdomain).\(pod.namespace).svc.\(Self.clusterDomain)"
    }

    func hostsFile(ips: [String]) -> String {
        var text: String
        if pod.usesHostNetwork {
            text = "# Kubernetes-managed hosts file (host network).\n" + nodeHosts
        } else {
            text = """
                # Kubernetes-managed hosts file.
                127.0.0.1\tlocalhost
                ::1\tlocalhost ip6-localhost ip6-loopback
                fe00::0\tip6-localnet
                fe00::0\tip6-mcastprefix
                fe00::1\tip6-allnodes
                fe00::2\tip6-allrouters

                """
            let short = pod.spec["hostname"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? hostname
            for ip in ips {
                text += domain.map { "\(ip)\t\(short).\($0)\t\(short)\n" } ?? "\(ip)\t\(short)\n"
            }
        }
        let aliases = pod.spec["hostAliases"]?.elements ?? []
        if !aliases.isEmpty {
            text += "\n# Entries added by HostAliases.\n"
            for alias in aliases {
                text += "\(alias["ip"]?.string ?? "")\t\((alias["hostnames"]?.strings ?? []).joined(separator: "\t"))\n"
            }
        }
        return text
    }

    func dns() -> CRIDNSConfig {
        var policy = pod.spec["dnsPolicy"]?.string ?? "ClusterFirst"
        if policy == "ClusterFirst" && pod.usesHostNetwork { policy = "Default" }
        let node = Self.parse(nodeResolver)
        var config = CRIDNSConfig()
        switch policy {
        case "None": break
        case "Default": config = node
        default:
            config.servers = [dnsAddress]
            config.searches =
                ["\(pod.namespace).svc.\(Self.clusterDomain)", "svc.\(Self.clusterDomain)", Self.clusterDomain] + node.searches
            config.options = ["ndots:5"]
        }
        if let extra = pod.spec["dnsConfig"] {
            config.servers = unique(config.servers + (extra["nameservers"]?.strings ?? []))
            config.searches = unique(config.searches + (extra["searches"]?.strings ?? []))
            for option in extra["options"]?.elements ?? [] {
                let name = option["name"]?.string ?? ""
                config.options.removeAll { $0 == name || $0.hasPrefix(name + ":") }
                config.options.append(option["value"]?.string.map { "\(name):\($0)" } ?? name)
            }
        }
        return config
    }

    private func unique(_ list: [String]) -> [String] {
        var seen: Set<String> = []
        return list.filter { seen.insert($0).inserted }
    }

    static func parse(_ resolver: String) -> CRIDNSConfig {
        var config = CRIDNSConfig()
        for line in resolver.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let first = words.first else { continue }
            switch first {
            case "nameserver": if words.count > 1 { config.servers.append(words[1]) }
            case "search": config.searches = words.dropFirst().filter { $0 != "." }
            case "options": config.options = Array(words.dropFirst())
            default: break
            }
        }
        return config
    }
}
