import Glibc
import KubeAPI
import KubeNetwork
import KubeRegistry
import KubeStore

/// Which addresses a cluster's webhooks may have: those that its own pods could reach (docs/network.md), apart from services, which
/// the server resolves itself. So a webhook is no way to this machine, to other clusters' pods, or to a cloud's metadata.
struct WebhookReach: Sendable {
    /// One range, or one of each family.
    let pods: [IPRange]
    let blocked: [IPRange]
    let addresses: PodAddressBook
    /// What allowlists say of a cluster, by its name.
    let lists: @Sendable (String) -> NetworkAllowlists

    init(
        pods: [IPRange], services: [IPRange], addresses: PodAddressBook,
        lists: @escaping @Sendable (String) -> NetworkAllowlists
    ) {
        self.lists = lists
        self.pods = pods
        self.addresses = addresses
        let never = ["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"].compactMap { IPRange($0) }
        blocked = never + NetworkConfiguration.cloudMetadata + NetworkConfiguration.neverOutsideSix + services
    }

    func allows(_ place: HTTPSWebhookClient.Place, _ cluster: LogicalCluster) -> Bool {
        // Where pods have no IPv6, webhooks don't either.
        guard let address = IPAddress(place.address), pods.contains(where: { $0.family == address.family }),
            let port = UInt16(exactly: place.port)
        else { return false }
        if pods.contains(where: { $0.contains(address) }) { return addresses.cluster(ofPodIP: "\(address)") == cluster.id }
        return !blocked.contains { $0.contains(address) } && !Self.isOfThisMachine(address)
            && lists(cluster.name).letsOut(to: address, port: port, name: place.host)
    }

    /// An address is this machine's if a socket can be bound to it: addresses come and go.
    private static func isOfThisMachine(_ address: IPAddress) -> Bool {
        let descriptor = socket(address.family == .v4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        // Without a socket nothing is known, and then nothing is allowed.
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        func isBound<Place>(_ place: Place) -> Bool {
            withUnsafePointer(to: place) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<Place>.size)) == 0
                }
            }
        }
        switch address.family {
        case .v4:
            var place = sockaddr_in()
            place.sin_family = sa_family_t(AF_INET)
            guard inet_pton(AF_INET, "\(address)", &place.sin_addr) == 1 else { return true }
            return isBound(place)
        case .v6:
            var place = sockaddr_in6()
            place.sin6_family = sa_family_t(AF_INET6)
            guard inet_pton(AF_INET6, "\(address)", &place.sin6_addr) == 1 else { return true }
            return isBound(place)
        }
    }
}
