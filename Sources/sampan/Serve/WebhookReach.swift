import Glibc
import KubeAPI
import KubeNetwork
import KubeRegistry
import KubeStore

/// Which addresses a cluster's webhooks may have: those that its own pods could reach (docs/network.md), apart from services, which
/// the server resolves itself. So a webhook is no way to this machine, to other clusters' pods, or to a cloud's metadata.
struct WebhookReach: Sendable {
    let pods: IPv4Range
    let blocked: [IPv4Range]
    let addresses: PodAddressBook
    /// What allowlists say of a cluster, by its name.
    let lists: @Sendable (String) -> NetworkAllowlists

    init(
        pods: IPv4Range, services: IPv4Range, addresses: PodAddressBook, lists: @escaping @Sendable (String) -> NetworkAllowlists
    ) {
        self.lists = lists
        self.pods = pods
        self.addresses = addresses
        let never = ["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"].compactMap { IPv4Range($0) }
        blocked = never + NetworkConfiguration.cloudMetadata + [services]
    }

    func allows(_ place: HTTPSWebhookClient.Place, _ cluster: LogicalCluster) -> Bool {
        let text = place.address
        guard let address = IPv4Address(text), let port = UInt16(exactly: place.port) else { return false }
        if pods.contains(address) { return addresses.cluster(ofPodIP: text) == cluster.id }
        return !blocked.contains { $0.contains(address) } && !Self.isOfThisMachine(text)
            && lists(cluster.name).letsOut(to: address, port: port, name: place.host)
    }

    /// An address is this machine's if a socket can be bound to it: addresses come and go.
    private static func isOfThisMachine(_ text: String) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        guard inet_pton(AF_INET, text, &address.sin_addr) == 1 else { return true }
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        // Without a socket nothing is known, and then nothing is allowed.
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return status == 0
    }
}
