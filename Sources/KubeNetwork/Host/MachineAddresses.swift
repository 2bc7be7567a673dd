import NIOCore
import Synchronization

/// The machine's own addresses, of either family.
enum MachineAddresses {
    static func all() throws -> Set<IPAddress> {
        // A link-local address may come with the name of its link.
        Set(try System.enumerateDevices().compactMap { $0.address?.ipAddress.flatMap { IPAddress($0.prefix { $0 != "%" }) } })
    }
}

/// The machine's own addresses as of some seconds ago, for who asks often.
final class RecentMachineAddresses: Sendable {
    private static let lifetime: Duration = .seconds(5)
    private let known = Mutex<(addresses: Set<IPAddress>, time: ContinuousClock.Instant)?>(nil)

    /// Those known last, when the system doesn't tell.
    @Sendable func all() -> Set<IPAddress>? {
        let now = ContinuousClock.now
        let last = known.withLock { $0 }
        if let last, now - last.time < Self.lifetime { return last.addresses }
        guard let addresses = try? MachineAddresses.all() else { return last?.addresses }
        known.withLock { $0 = (addresses, now) }
        return addresses
    }
}
