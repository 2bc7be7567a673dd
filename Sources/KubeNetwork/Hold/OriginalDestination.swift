import NIOCore

/// Where a connection that the rules redirected was to go.
enum OriginalDestination {
    /// sockaddr_in as bytes: in a release build the type's members belong to another module.
    private struct Place {
        var head: UInt64 = 0
        var rest: UInt64 = 0
    }

    /// The port; nil for a connection that wasn't redirected.
    static func port(of channel: any Channel) async throws -> UInt16? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        let place: Place
        do {
            // SO_ORIGINAL_DST, linux/netfilter_ipv4.h.
            place = try await provider.unsafeGetSocketOption(level: .ip, name: .init(rawValue: 80)).get()
        } catch {
            return nil
        }
        let bytes = withUnsafeBytes(of: place) { Array($0) }
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        return Int(port) == channel.localAddress?.port ? nil : port
    }
}
