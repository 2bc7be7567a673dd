/// The part of the table that never changes while the server runs: sets, maps and the chains that look things up in them.
/// docs/network.md follows a packet through it.
struct TableSkeleton: Sendable {
    /// What is of one family of addresses, with sets, maps and chains of its own.
    struct Family: Sendable {
        var family: AddressFamily
        var podSubnet: IPRange
        /// The address that pods know as their router; the only one of the pod subnet that is the host's.
        var gateway: IPAddress
        var serviceRange: IPRange
        /// Where pods may not go, whatever routes the host has.
        var blocked: [IPRange]
    }

    var table: TableName
    var four: Family
    /// Nil when IPv6 is shut.
    var six: Family?
    var apiAddress: IPAddress
    var apiPort: UInt16
    var dnsAddress: IPAddress
    var dnsPort: UInt16
    /// Where connections are held to services whose cluster sleeps, by the family by which they come; none where nobody holds any.
    var holdPorts: [AddressFamily: UInt16]

    /// For how many seconds it is remembered that somebody connected to a pod.
    static let memory = 86_400

    private var families: [Family] { [four] + (six.map { [$0] } ?? []) }

    /// Commands that replace the table, whatever is in it, by one with these elements: one transaction, without a gap.
    func rebuild(_ elements: [Element]) -> String {
        var text = "add table \(table)\ndelete table \(table)\n\(definition)"
        let everything = RulesetDiff(added: elements)
        text += everything.commands(table: table, newBalancers: everything.balancers)
        return text
    }

    private var definition: String {
        """
        table \(table) {
          set interfaces { type ifname; }
        \(families.map(\.sets).joined())
        \(families.map(\.endpointChains).joined())
          chain hold {
            \(hold)
          }

          chain refuse {
            meta l4proto tcp reject with tcp reset
            reject with \(six == nil ? "icmp" : "icmpx") port-unreachable
          }

        \(families.map(decisions).joined())
          chain identify {
            type filter hook prerouting priority raw; policy accept;
            \(forSix("iifname @interfaces meta nfproto ipv6 goto pod_identity6"))
            iifname @interfaces goto pod_identity
            \(families.map { "iifname != \"lo\" \($0.ip) saddr \($0.podSubnet) drop" }.joined(separator: "\n    "))
          }

          chain translate {
            type nat hook prerouting priority dstnat; policy accept;
            \(forSix("meta nfproto ipv6 goto translate6"))
            iifname @interfaces goto pod_translate
            fib daddr type local meta l4proto . th dport vmap @node_ports
            fib daddr type local meta l4proto { tcp, udp, sctp } jump to_host_port
          }
          chain translate_own {
            type nat hook output priority -100; policy accept;
            \(forSix("meta nfproto ipv6 goto translate_own6"))
            oifname "lo" ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @node_ports
            oifname "lo" fib daddr type local meta l4proto { tcp, udp, sctp } jump to_host_port
          }

          chain decide {
            type filter hook prerouting priority -90; policy accept;
            \(forSix("iifname @interfaces meta nfproto ipv6 goto pod_decide6"))
            iifname @interfaces goto pod_decide
          }

          chain leave {
            type filter hook prerouting priority -80; policy accept;
            \(forSix("iifname @interfaces meta nfproto ipv6 goto leave_pod6"))
            iifname @interfaces goto leave_pod
          }

          chain pod_to_host {
            ct state established,related accept
            \(forSix("\(Family.neighbours) accept"))
            \(forSix("meta nfproto ipv6 drop"))
            ct status dnat tcp dport { \(apiPort), \(dnsPort) } accept
            ct status dnat udp dport \(dnsPort) accept
            drop
          }
          chain input {
            type filter hook input priority filter; policy accept;
            iifname @interfaces goto pod_to_host
            iifname != "lo" meta l4proto { tcp, udp } th dport \(dnsPort) drop
          }

          chain to_pod {
            ct state established,related accept
            ct status dnat accept
            drop
          }
          chain forward {
            type filter hook forward priority filter; policy accept;
            iifname @interfaces accept
            oifname @interfaces goto to_pod
          }

          chain enter {
            type filter hook forward priority 10; policy accept;
            \(forSix("oifname @interfaces meta nfproto ipv6 goto enter_pod6"))
            oifname @interfaces goto enter_pod
          }

          chain masquerade_pods {
            type nat hook postrouting priority srcnat; policy accept;
            \(families.map(\.masquerades).joined(separator: "\n    "))
          }
        }

        """
    }

    /// A rule that is there only where pods have IPv6.
    private func forSix(_ rule: String) -> String { six == nil ? "" : rule }

    private var hold: String {
        switch (holdPorts[.v4], holdPorts[.v6]) {
        case (let port?, nil): "\(forSix("meta nfproto ipv4 "))meta l4proto tcp redirect to :\(port)"
        case (let port?, let other?):
            "meta nfproto ipv4 meta l4proto tcp redirect to :\(port)\n    meta nfproto ipv6 meta l4proto tcp redirect to :\(other)"
        case (nil, _): "return"
        }
    }

    /// The chains by which it's decided who a packet of a family is from, where it goes, and whether it may.
    private func decisions(_ one: Family) -> String {
        let (ip, n) = (one.ip, one.family.suffix)
        return """
              chain pod_identity\(n) {
                \(one.family == .v4 ? "meta nfproto ipv6 drop\n    ip daddr 127.0.0.0/8 drop" : "\(Family.neighbours) goto pod_neighbour\n    ip6 daddr { fe80::/10, ff00::/8 } drop")
                meta mark set iifname . \(ip) saddr map @pods\(n) accept
                drop
              }

              chain to_host_port\(n) {
                dnat \(ip) to \(ip) daddr . meta l4proto . th dport map @host_ports_at\(n)
                dnat \(ip) to meta l4proto . th dport map @host_ports\(n)
              }

              chain pod_translate\(n) {
                \(one.family == .v4 ? hostServices : "")
                meta mark . \(ip) daddr . meta l4proto . th dport vmap @services\(n)
                fib daddr type local meta l4proto . th dport vmap @node_ports\(n)
                fib daddr type local meta l4proto { tcp, udp, sctp } jump to_host_port\(n)
              }

              chain pod_decide\(n) {
                \(one.family == .v4 ? "" : "\(Family.neighbours) meta mark set 0 accept")
                ct state invalid drop
                meta mark & \(StickyNumber.flag) != 0 meta mark set iifname . \(ip) saddr map @pods\(n)
                \(ip) daddr \(one.gateway) meta mark set 0 accept
                meta mark . \(ip) daddr @members\(n) meta mark set 0 accept
                \(ip) daddr \(one.podSubnet) drop
                \(ip) daddr \(one.serviceRange) goto refuse
                \(ip) daddr @blocked\(n) drop
                meta mark set 0 accept
              }

              chain leave_pod\(n) {
                \(one.family == .v4 ? "" : "\(Family.neighbours) accept")
                ct state established,related accept
                \(ip) saddr . \(ip) daddr @hairpins\(n) accept
                \(ip) daddr != \(one.podSubnet) \(ip) saddr vmap @allowed_out_1\(n)
                \(ip) daddr != \(one.podSubnet) \(ip) saddr vmap @allowed_out_2\(n)
                \(ip) saddr vmap @isolated_out\(n)
              }

              chain enter_pod\(n) {
                ct state established,related accept
                \(ip) saddr . \(ip) daddr @hairpins\(n) accept
                \(ip) saddr != \(one.podSubnet) \(ip) daddr vmap @allowed_in_1\(n)
                \(ip) saddr != \(one.podSubnet) \(ip) daddr vmap @allowed_in_2\(n)
                \(ip) daddr vmap @isolated_in\(n)
              }

            """ + (one.family == .v4 ? "" : one.chainsOfSix)
    }

    /// What is the host's own of the service addresses. Both have IPv4 addresses only.
    private var hostServices: String {
        """
        ip daddr \(apiAddress) tcp dport 443 redirect to :\(apiPort)
            ip daddr \(dnsAddress) udp dport 53 redirect to :\(dnsPort)
            ip daddr \(dnsAddress) tcp dport 53 redirect to :\(dnsPort)
        """
    }
}

extension TableSkeleton.Family {
    fileprivate var ip: String { family.header }

    /// By which two ends of a cable find each other (RFC 4861).
    fileprivate static let neighbours = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }"

    fileprivate var sets: String {
        let (type, n) = (family.addressType, family.suffix)
        // Of IPv6 it's a digest, as `Balancer` says.
        let client = family == .v4 ? type : "mark"
        return """
              map pods\(n) { type ifname . \(type) : mark; }
              set members\(n) { type mark . \(type); }
              set hairpins\(n) { type \(type) . \(type); }
              map services\(n) { type mark . \(type) . inet_proto . inet_service : verdict; }
              map endpoints\(n) { type mark . \(type) . inet_proto . inet_service . classid : \(type) . inet_service; }
              map sticky_ports\(n) { type mark . \(type) . inet_proto . inet_service : mark; }
              map sticky_slots\(n) { type mark . classid : classid; }
              map sticky_endpoints\(n) { type mark . classid : \(type) . inet_service; }
              map clients\(n) { type mark . \(client) : classid; flags dynamic,timeout; size 262144; }
              map node_ports\(n) { type inet_proto . inet_service : verdict; }
              map node_endpoints\(n) { type inet_proto . inet_service . classid : \(type) . inet_service; }
              map node_sticky_slots\(n) { type inet_proto . inet_service . classid : classid; }
              map node_sticky_endpoints\(n) { type inet_proto . inet_service . classid : \(type) . inet_service; }
              map node_clients\(n) { type inet_proto . inet_service . \(client) : classid; flags dynamic,timeout; size 262144; }
              map host_ports\(n) { type inet_proto . inet_service : \(type) . inet_service; }
              map host_ports_at\(n) { type \(type) . inet_proto . inet_service : \(type) . inet_service; }
              \(PodMap.allCases.map { "map \($0.name(family)) { type \(type) : verdict; }" }.joined(separator: "\n  "))
              set blocked\(n) { type \(type); flags interval; auto-merge; \(blockedElements)}
              set \(RuleSet.visited)\(n) { type \(type); flags dynamic,timeout; timeout \(TableSkeleton.memory)s; size 65536; }

            """
    }

    private var blockedElements: String {
        blocked.isEmpty ? "" : "elements = { \(blocked.map(\.description).joined(separator: ", ")) } "
    }

    fileprivate var endpointChains: String {
        let n = family.suffix
        return """
              chain to_endpoint\(n) {
                dnat \(ip) to meta mark . \(ip) daddr . meta l4proto . th dport . meta priority map @endpoints\(n)
              }
              chain to_sticky_endpoint\(n) {
                meta l4proto { tcp, udp, sctp } dnat \(ip) to meta mark . meta priority map @sticky_endpoints\(n)
              }
              chain to_node_endpoint\(n) {
                dnat \(ip) to meta l4proto . th dport . meta priority map @node_endpoints\(n)
              }
              chain to_sticky_node_endpoint\(n) {
                dnat \(ip) to meta l4proto . th dport . meta priority map @node_sticky_endpoints\(n)
              }

            """
    }

    /// What a pod may say on its own cable to find its router, and no other neighbour: under its own address, or under none while it looks
    /// whether another has it. Nobody's but a neighbour's packet has all its hops left. Its link-local addresses are not for the host to learn:
    /// there are as many as a pod likes, and the kernel's table of neighbours is everybody's.
    fileprivate var chainsOfSix: String {
        """
          chain pod_neighbour {
            ip6 hoplimit != 255 drop
            ip6 daddr != { ff02::/16, fe80::/10, \(gateway) } drop
            ip6 saddr :: icmpv6 type nd-neighbor-solicit accept
            meta mark set iifname . ip6 saddr map @pods6 accept
            drop
          }
          chain translate6 {
            iifname @interfaces goto pod_translate6
            fib daddr type local meta l4proto . th dport vmap @node_ports6
            fib daddr type local meta l4proto { tcp, udp, sctp } jump to_host_port6
          }
          chain translate_own6 {
            oifname "lo" ip6 daddr != ::1 fib daddr type local meta l4proto . th dport vmap @node_ports6
            oifname "lo" ip6 daddr != ::1 fib daddr type local meta l4proto { tcp, udp, sctp } jump to_host_port6
          }

        """
    }

    fileprivate var masquerades: String {
        let n = family.suffix
        var rules = [
            "oifname @interfaces ct status dnat \(ip) saddr != \(podSubnet) update @\(RuleSet.visited)\(n) { \(ip) daddr }",
            "\(ip) saddr . \(ip) daddr @hairpins\(n) masquerade",
        ]
        if family == .v4 { rules.append("ip saddr 127.0.0.0/8 oifname @interfaces masquerade") }
        rules.append("\(ip) saddr \(podSubnet) \(ip) saddr != \(gateway) oifname != @interfaces masquerade")
        return rules.joined(separator: "\n    ")
    }
}
