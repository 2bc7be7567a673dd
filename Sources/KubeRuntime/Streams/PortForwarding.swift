internal import Foundation
import Glibc
import KubeRegistry
internal import NIOCore
internal import NIOPosix
import Synchronization

/// Connects to a port inside a pod's network namespace and moves bytes both ways.
enum PortForwarding {
    struct Refused: Error, CustomStringConvertible {
        var description: String
    }

    /// - Parameter namespace: the path of the pod's network namespace; nil for the host's network.
    /// - Throws: also when the pod resets the connection, which would otherwise look like its end.
    static func run(namespace: String?, port: UInt16, from source: ByteSource, to sink: any ByteSink) async throws {
        let descriptor = try await connect(namespace: namespace, port: port)
        let ending = EndingNote()
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .withConnectedSocket(descriptor) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ending)
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        let place = namespace ?? "host"
        let own = channel.channel.localAddress.map { "\($0.ipAddress ?? ""):\($0.port ?? 0)" } ?? ""
        let peer = channel.channel.remoteAddress
        let other = peer.map { $0.protocol == .inet6 ? "[\($0.ipAddress ?? "")]" : $0.ipAddress ?? "" } ?? ""
        let network = peer?.protocol == .inet6 ? "tcp6" : "tcp4"
        @Sendable func describe(_ code: Int32) -> String {
            "failed to execute portforward in network namespace \"\(place)\": read \(network) \(own)->\(other):\(port): read: "
                + systemMessage(code).lowercased()
        }
        try await channel.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    for try await bytes in source {
                        // The pod takes no more: what it says of that tells why.
                        do { try await outbound.write(ByteBuffer(bytes: bytes)) } catch { return false }
                    }
                    outbound.finish()
                    return false
                }
                group.addTask {
                    do {
                        for try await buffer in inbound { try await sink.write(Array(buffer.readableBytesView)) }
                    } catch let error as IOError {
                        throw Refused(description: describe(error.errnoCode))
                    }
                    if ending.wasReset { throw Refused(description: describe(ECONNRESET)) }
                    await sink.finish()
                    return true
                }
                // The pod's side decides the end; the client's may have ended long before.
                while let isPodSide = try await group.next() { if isPodSide { break } }
                group.cancelAll()
            }
        }
    }

    /// Whether a connection was reset. A reset can look like an end: which one it is says the socket's state, as long as this side hasn't
    /// ended its half; after that only an error does, which is thrown to whoever reads.
    ///
    /// Confined to its channel's event loop but for the flags.
    private final class EndingNote: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        /// `TCP_INFO`, of which the state comes first, and the state that a reset leads to.
        private static let state = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 11))
        private static let closed: CInt = 7

        private let hasEnded = Atomic(false)
        private let isReset = Atomic(false)

        var wasReset: Bool { isReset.load(ordering: .acquiring) }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            switch event as? ChannelEvent {
            case .inputClosed:
                note(isReset: isClosed(context.channel))
            case .outputClosed:
                hasEnded.store(true, ordering: .releasing)
            case nil: break
            }
            context.fireUserInboundEventTriggered(event)
        }

        func channelInactive(context: ChannelHandlerContext) {
            note(isReset: true)
            context.fireChannelInactive()
        }

        private func note(isReset: Bool) {
            guard !hasEnded.exchange(true, ordering: .acquiringAndReleasing) else { return }
            if isReset { self.isReset.store(true, ordering: .releasing) }
        }

        private func isClosed(_ channel: any Channel) -> Bool {
            do { return try channel.syncOptions.map { try $0.getOption(Self.state) & 0xff == Self.closed } ?? false } catch {
                // The socket is gone, which an end doesn't do to it.
                return true
            }
        }
    }

    /// A thread may enter a namespace for itself only, so a thread is made for this, and thrown away.
    private static func connect(namespace: String?, port: UInt16) async throws -> Int32 {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try connectHere(namespace: namespace, port: port) })
            }
        }
    }

    private static func connectHere(namespace: String?, port: UInt16) throws -> Int32 {
        if let namespace {
            let file = open(namespace, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else {
                throw EngineError.system(doing: "opening the network namespace", path: namespace, errno: errno)
            }
            defer { close(file) }
            // CLONE_NEWNET
            guard let enter = LibC.setNamespace, enter(file, 0x4000_0000) == 0 else {
                throw EngineError.system(doing: "entering the network namespace", path: namespace, errno: errno)
            }
        }
        let first = connectIPv4(port)
        if first >= 0 { return first }
        let reason = errno
        let second = connectIPv6(port)
        if second >= 0 { return second }
        let place = namespace ?? "host"
        throw Refused(
            description:
                "failed to execute portforward in network namespace \"\(place)\": failed to connect to localhost:\(port) inside namespace \"\(place)\", IPv4: dial tcp4 127.0.0.1:\(port): connect: \(systemMessage(reason).lowercased()) IPv6 dial tcp6 [::1]:\(port): connect: \(systemMessage(errno).lowercased())"
        )
    }

    // Addresses are bytes: in a release build the members of sockaddr_in belong to another module.

    private static func connectIPv4(_ port: UInt16) -> Int32 {
        connected(AF_INET, port, [127, 0, 0, 1] + [UInt8](repeating: 0, count: 8))
    }

    private static func connectIPv6(_ port: UInt16) -> Int32 {
        // No flow, ::1, no scope.
        connected(AF_INET6, port, [UInt8](repeating: 0, count: 4 + 15) + [1] + [UInt8](repeating: 0, count: 4))
    }

    /// - Parameter rest: of the address, after family and port.
    private static func connected(_ family: Int32, _ port: UInt16, _ rest: [UInt8]) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return -1 }
        var address: [UInt8] = []
        withUnsafeBytes(of: sa_family_t(family)) { address += $0 }
        withUnsafeBytes(of: port.bigEndian) { address += $0 }
        address += rest
        let result = address.withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { Glibc.connect(descriptor, $0.baseAddress, socklen_t(bytes.count)) }
        }
        if result == 0 { return descriptor }
        let failure = errno
        close(descriptor)
        errno = failure
        return -1
    }
}
