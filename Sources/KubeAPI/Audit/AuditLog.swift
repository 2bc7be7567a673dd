import Foundation
import KubeObject
public import Logging
public import ServiceLifecycle
import Synchronization

/// The audit log: one event a line, in a file that is begun anew when it has become too large.
///
/// Concurrency: any task appends; one thread writes. A request never waits for the disk. When more waits to be written than
/// `maximumWaiting`, events are dropped, counted, and told of in the server's own log.
public final class AuditLog: Service {
    /// How large a file may become, and how many older ones are kept.
    public struct Rotation: Sendable {
        /// In bytes.
        public var size = 100 << 20
        /// Beside the one that is written.
        public var files = 10

        /// See the properties.
        public init() {}
    }

    private struct State {
        var waiting: [UInt8] = []
        var dropped = 0
        var isClosed = false
    }

    private static let maximumWaiting = 32 << 20

    /// What is noted.
    public let policy: AuditPolicy
    private let path: String
    private let rotation: Rotation
    private let webhook: AuditWebhook?
    private let logger: Logger
    private let state = Mutex(State())
    private let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - path: of the file that is written; older ones have a number behind it, the oldest the greatest.
    ///   - webhook: gets all events too. It is run by itself.
    public init(
        policy: AuditPolicy, path: String, rotation: Rotation = Rotation(), webhook: AuditWebhook? = nil, logger: Logger
    ) {
        self.webhook = webhook
        self.policy = policy
        self.path = path
        self.rotation = rotation
        self.logger = logger
    }

    func append(_ event: JSON) {
        let line = event.encoded()
        self.webhook?.append(event, encoded: line)
        self.state.withLock { state in
            guard !state.isClosed, state.waiting.count + line.count < Self.maximumWaiting else {
                state.dropped += 1
                return
            }
            state.waiting += line
            state.waiting.append(UInt8(ascii: "\n"))
        }
        self.signal.yield()
    }

    /// Writes until the server is shut down, and then what is left.
    public func run() async throws {
        await withGracefulShutdownHandler {
            for await _ in self.signals { self.flush() }
        } onGracefulShutdown: {
            self.signal.finish()
        }
        self.flush()
        self.state.withLock { $0.isClosed = true }
    }

    /// Writes what waits.
    func flush() {
        let (bytes, dropped) = self.state.withLock { state in
            defer {
                state.waiting = []
                state.dropped = 0
            }
            return (state.waiting, state.dropped)
        }
        if dropped > 0 { self.logger.error("Audit events were dropped", metadata: ["count": "\(dropped)"]) }
        if bytes.isEmpty { return }
        do {
            try self.rotateIfNeeded(for: bytes.count)
            try self.write(bytes)
        } catch {
            self.logger.error("The audit log can't be written", metadata: ["path": "\(self.path)", "error": "\(error)"])
        }
    }

    private func write(_ bytes: [UInt8]) throws {
        let descriptor = open(self.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard written >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
            rest = rest.dropFirst(written)
        }
    }

    private func rotateIfNeeded(for count: Int) throws {
        let files = FileManager.default
        guard files.fileExists(atPath: self.path) else { return }
        let size = try files.attributesOfItem(atPath: self.path)[.size] as? Int ?? 0
        guard size > 0, size + count > self.rotation.size else { return }
        for number in stride(from: self.rotation.files, through: 0, by: -1) {
            let from = number == 0 ? self.path : "\(self.path).\(number)"
            guard files.fileExists(atPath: from) else { continue }
            if number >= self.rotation.files {
                try files.removeItem(atPath: from)
            } else {
                guard rename(from, "\(self.path).\(number + 1)") == 0 else {
                    throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
                }
            }
        }
    }
}
