import NIOCore

/// The machine's own IPv4 addresses.
enum MachineAddresses {
    static func all() throws -> Set<IPv4Address> {
        Set(try System.enumerateDevices().compactMap { $0.address?.ipAddress.flatMap { IPv4Address($0) } })
    }
}
