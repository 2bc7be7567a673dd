import NIOCore

/// Where a connection that the rules redirected was to go.
enum OriginalDestination {
    /// sockaddr_in as bytes, or the longer sockaddr_in6: in a release build the types' members belong to another module.
    private struct Place {
        var head: UInt64 = 0
        var rest: UInt64 = 0
    }

    private struct PlaceSix {
        var head: UInt64 = 0
        var rest: (UInt64, UInt64) = (0, 0)
        var scope: UInt32 = 0
    }

    /// The port; nil for a connection that wasn't redirected.
    static func port(of channel: any Channel, _ family: AddressFamily) async throws -> UInt16? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        let bytes: [UInt8]
        do {
            // SO_ORIGINAL_DST, linux/netfilter_ipv4.h; IP6T_SO_ORIGINAL_DST, linux/netfilter_ipv6/ip6_tables.h, at SOL_IPV6.
            switch family {
            case .v4:
                let place: Place = try await provider.unsafeGetSocketOption(level: .ip, name: .init(rawValue: 80)).get()
                bytes = withUnsafeBytes(of: place) { Array($0) }
            case .v6:
                let place: PlaceSix = try await provider.unsafeGetSocketOption(
                    level: .init(rawValue: 41), name: .init(rawValue: 80)
                ).get()
                bytes = withUnsafeBytes(of: place) { Array($0) }
            }
        } catch {
            return nil
        }
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        return Int(port) == channel.localAddress?.port ? nil : port
    }
}
