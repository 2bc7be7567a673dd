import SwiftASN1
import X509

/// The names and addresses for which the server's certificate is good.
public struct ServerNames: Sendable, Hashable {
    /// DNS names, wildcards allowed.
    public var names: [String]
    /// IPv4 and IPv6 addresses, in text.
    public var addresses: [String]

    /// The names that every server has (localhost, `kubernetes.default.svc` and the first address of the service range, at which pods
    /// find it), with the machine's own added to them.
    /// - Parameters:
    ///   - hosts: more DNS names or addresses, such as the machine's.
    ///   - domain: clusters are addressed as `NAME.domain`; `nil` leaves the wildcard out.
    public init(hosts: [String] = [], domain: String? = nil) {
        self.names = [
            "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
        ]
        self.addresses = ["127.0.0.1", "::1", "10.96.0.1"]
        if let domain { self.names += [domain, "*." + domain] }
        for host in hosts {
            if IPAddress.octets(host) != nil {
                if !self.addresses.contains(host) { self.addresses.append(host) }
            } else if !self.names.contains(host) {
                self.names.append(host)
            }
        }
    }

    var generalNames: [GeneralName] {
        self.names.map { .dnsName($0) }
            + self.addresses.compactMap { address in
                IPAddress.octets(address).map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) }
            }
    }
}
