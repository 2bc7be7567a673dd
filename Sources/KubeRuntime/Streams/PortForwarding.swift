internal import Foundation
import Glibc
import KubeRegistry
internal import NIOCore
internal import NIOPosix

/// Connects to a port inside a pod's network namespace and moves bytes both ways.
enum PortForwarding {
    struct Refused: Error, CustomStringConvertible {
        var description: String
    }

    /// - Parameter namespace: the path of the pod's network namespace; nil for the host's network.
    static func run(namespace: String?, port: UInt16, from source: ByteSource, to sink: any ByteSink) async throws {
        let descriptor = try await connect(namespace: namespace, port: port)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .withConnectedSocket(descriptor) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    for try await bytes in source { try await outbound.write(ByteBuffer(bytes: bytes)) }
                    outbound.finish()
                    return false
                }
                group.addTask {
                    for try await buffer in inbound { try await sink.write(Array(buffer.readableBytesView)) }
                    await sink.finish()
                    return true
                }
                // The pod's side decides the end; the client's may have ended long before.
                while let isPodSide = try await group.next() { if isPodSide { break } }
                group.cancelAll()
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

    private static func connectIPv4(_ port: UInt16) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return connected(AF_INET, &address, MemoryLayout<sockaddr_in>.size)
    }

    private static func connectIPv6(_ port: UInt16) -> Int32 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = in6addr_loopback
        return connected(AF_INET6, &address, MemoryLayout<sockaddr_in6>.size)
    }

    private static func connected<Address>(_ family: Int32, _ address: inout Address, _ size: Int) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return -1 }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, socklen_t(size)) }
        }
        if result == 0 { return descriptor }
        let failure = errno
        close(descriptor)
        errno = failure
        return -1
    }
}
