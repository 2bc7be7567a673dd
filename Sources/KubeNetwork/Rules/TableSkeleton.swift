/// The part of the table that never changes while the server runs: sets, maps and the chains that look things up in them.
/// docs/network.md follows a packet through it.
struct TableSkeleton: Sendable {
    var table: TableName
    var podSubnet: IPv4Range
    /// The address that pods know as their router; the only one of the pod subnet that is the host's.
    var gateway: IPv4Address
    var serviceRange: IPv4Range
    var apiAddress: IPv4Address
    var apiPort: UInt16
    var dnsAddress: IPv4Address
    var dnsPort: UInt16
    /// Where connections are held to services whose cluster sleeps; nil when nobody holds any.
    var holdPort: UInt16?
    /// Where pods may not go, whatever routes the host has.
    var blocked: [IPv4Range]

    /// For how many seconds it is remembered that somebody connected to a pod.
    static let memory = 86_400

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
          map pods { type ifname . ipv4_addr : mark; }
          set members { type mark . ipv4_addr; }
          set hairpins { type ipv4_addr . ipv4_addr; }
          map services { type mark . ipv4_addr . inet_proto . inet_service : verdict; }
          map endpoints { type mark . ipv4_addr . inet_proto . inet_service . classid : ipv4_addr . inet_service; }
          map sticky_ports { type mark . ipv4_addr . inet_proto . inet_service : mark; }
          map sticky_slots { type mark . classid : classid; }
          map sticky_endpoints { type mark . classid : ipv4_addr . inet_service; }
          map clients { type mark . ipv4_addr : classid; flags dynamic,timeout; size 262144; }
          map node_ports { type inet_proto . inet_service : verdict; }
          map node_endpoints { type inet_proto . inet_service . classid : ipv4_addr . inet_service; }
          map node_sticky_slots { type inet_proto . inet_service . classid : classid; }
          map node_sticky_endpoints { type inet_proto . inet_service . classid : ipv4_addr . inet_service; }
          map node_clients { type inet_proto . inet_service . ipv4_addr : classid; flags dynamic,timeout; size 262144; }
          map host_ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
          map host_ports_at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
          \(PodMap.allCases.map { "map \($0.rawValue) { type ipv4_addr : verdict; }" }.joined(separator: "\n  "))
          set blocked { type ipv4_addr; flags interval; auto-merge; \(blockedElements)}

          chain to_endpoint {
            dnat ip to meta mark . ip daddr . meta l4proto . th dport . meta priority map @endpoints
          }
          chain to_sticky_endpoint {
            meta l4proto { tcp, udp, sctp } dnat ip to meta mark . meta priority map @sticky_endpoints
          }
          chain to_node_endpoint {
            dnat ip to meta l4proto . th dport . meta priority map @node_endpoints
          }
          chain to_sticky_node_endpoint {
            dnat ip to meta l4proto . th dport . meta priority map @node_sticky_endpoints
          }

          set \(RuleSet.visited) { type ipv4_addr; flags dynamic,timeout; timeout \(Self.memory)s; size 65536; }

          chain hold {
            \(holdPort.map { "meta l4proto tcp redirect to :\($0)" } ?? "return")
          }

          chain pod_identity {
            meta nfproto ipv6 drop
            ip daddr 127.0.0.0/8 drop
            meta mark set iifname . ip saddr map @pods accept
            drop
          }
          chain identify {
            type filter hook prerouting priority raw; policy accept;
            iifname @interfaces goto pod_identity
            iifname != "lo" ip saddr \(podSubnet) drop
          }

          chain to_host_port {
            dnat ip to ip daddr . meta l4proto . th dport map @host_ports_at
            dnat ip to meta l4proto . th dport map @host_ports
          }

          chain pod_translate {
            ip daddr \(apiAddress) tcp dport 443 redirect to :\(apiPort)
            ip daddr \(dnsAddress) udp dport 53 redirect to :\(dnsPort)
            ip daddr \(dnsAddress) tcp dport 53 redirect to :\(dnsPort)
            meta mark . ip daddr . meta l4proto . th dport vmap @services
            fib daddr type local meta l4proto . th dport vmap @node_ports
            fib daddr type local meta l4proto { tcp, udp, sctp } jump to_host_port
          }
          chain translate {
            type nat hook prerouting priority dstnat; policy accept;
            iifname @interfaces goto pod_translate
            fib daddr type local meta l4proto . th dport vmap @node_ports
            fib daddr type local meta l4proto { tcp, udp, sctp } jump to_host_port
          }
          chain translate_own {
            type nat hook output priority -100; policy accept;
            oifname "lo" ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @node_ports
            oifname "lo" fib daddr type local meta l4proto { tcp, udp, sctp } jump to_host_port
          }

          chain refuse {
            meta l4proto tcp reject with tcp reset
            reject with icmp port-unreachable
          }
          chain pod_decide {
            ct state invalid drop
            meta mark & \(StickyNumber.flag) != 0 meta mark set iifname . ip saddr map @pods
            ip daddr \(gateway) meta mark set 0 accept
            meta mark . ip daddr @members meta mark set 0 accept
            ip daddr \(podSubnet) drop
            ip daddr \(serviceRange) goto refuse
            ip daddr @blocked drop
            meta mark set 0 accept
          }
          chain decide {
            type filter hook prerouting priority -90; policy accept;
            iifname @interfaces goto pod_decide
          }

          chain leave_pod {
            ct state established,related accept
            ip saddr . ip daddr @hairpins accept
            ip daddr != \(podSubnet) ip saddr vmap @allowed_out_1
            ip daddr != \(podSubnet) ip saddr vmap @allowed_out_2
            ip saddr vmap @isolated_out
          }
          chain leave {
            type filter hook prerouting priority -80; policy accept;
            iifname @interfaces goto leave_pod
          }

          chain pod_to_host {
            ct state established,related accept
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

          chain enter_pod {
            ct state established,related accept
            ip saddr . ip daddr @hairpins accept
            ip saddr != \(podSubnet) ip daddr vmap @allowed_in_1
            ip saddr != \(podSubnet) ip daddr vmap @allowed_in_2
            ip daddr vmap @isolated_in
          }
          chain enter {
            type filter hook forward priority 10; policy accept;
            oifname @interfaces goto enter_pod
          }

          chain masquerade_pods {
            type nat hook postrouting priority srcnat; policy accept;
            oifname @interfaces ct status dnat ip saddr != \(podSubnet) update @\(RuleSet.visited) { ip daddr }
            ip saddr . ip daddr @hairpins masquerade
            ip saddr 127.0.0.0/8 oifname @interfaces masquerade
            ip saddr \(podSubnet) ip saddr != \(gateway) oifname != @interfaces masquerade
          }
        }

        """
    }

    private var blockedElements: String {
        blocked.isEmpty ? "" : "elements = { \(blocked.map(\.description).joined(separator: ", ")) } "
    }
}
