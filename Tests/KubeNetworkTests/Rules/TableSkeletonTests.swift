import Testing

@testable import KubeNetwork

/// What must be in the table for IPv6; that the kernel takes it, the tests on the kernel show.
struct TableSkeletonTests {
    private func text(six: Bool) throws -> String {
        var configuration = NetworkConfiguration(
            podSubnet: IPRange("10.244.0.0/16")!, serviceRange: IPRange("10.96.0.0/12")!, apiPort: 6443, dnsPort: 5353)
        if six {
            configuration.six = NetworkConfiguration.Second(
                podSubnet: IPRange("fd00:10:244::/64")!, serviceRange: IPRange("fd00:10:96::/112")!)
        }
        try configuration.check()
        return configuration.skeleton(holdPorts: [:]).rebuild([])
    }

    @Test func `without addresses of IPv6 it is shut, before anything is looked at`() throws {
        let text = try text(six: false)
        #expect(text.contains("chain pod_identity {\n    meta nfproto ipv6 drop") && !text.contains("ip6"))
    }

    @Test func `with them everything is asked that is asked of IPv4`() throws {
        let text = try text(six: true)
        for line in [
            "iifname @interfaces meta nfproto ipv6 goto pod_identity6", "iifname @interfaces meta nfproto ipv6 goto pod_decide6",
            "iifname @interfaces meta nfproto ipv6 goto leave_pod6", "oifname @interfaces meta nfproto ipv6 goto enter_pod6",
            "iifname != \"lo\" ip6 saddr fd00:10:244::/64 drop", "ip6 daddr fd00:10:244::/64 drop", "ip6 daddr @blocked6 drop",
            "ip6 saddr vmap @isolated_out6", "ip6 daddr vmap @isolated_in6",
        ] { #expect(text.contains(line), "\(line)") }
        for range in ["fe80::/10", "ff00::/8", "fd00:ec2::/32", "64:ff9b::a9fe:0/112"] {
            #expect(text.contains(range), "\(range)")
        }
    }

    @Test func `the ranges of one server may not overlap`() {
        let range = IPRange("fd00:10:96::/64")!
        var configuration = NetworkConfiguration(
            podSubnet: IPRange("10.244.0.0/16")!, serviceRange: IPRange("10.96.0.0/12")!, apiPort: 6443, dnsPort: 5353)
        configuration.six = NetworkConfiguration.Second(podSubnet: range, serviceRange: IPRange("fd00:10:96::/112")!)
        #expect(throws: BadNetworkConfiguration.self) { try configuration.check() }
        #expect(NetworkConfiguration.Second(podSubnet: IPRange("10.0.0.0/8")!, serviceRange: range) == nil)
    }
}
