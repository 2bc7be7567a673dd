import NIOCore
import Synchronization

/// The parts that have come in on a wire, on their way from its event loop to its task.
///
/// Some parts wait; while there are more, nothing is read from the peer.
final class WireInbox: Sendable {
    /// With so many waiting, reading stops; with so few it goes on.
    private static let (most, few) = (10, 2)
    /// Bytes are joined up to here: each part costs memory of its own, and a client may send every byte in a frame of its own.
    private static let joined = 16 << 10

    private struct State {
        var parts = CircularBuffer<InboundPart>(initialCapacity: 4)
        /// Nothing comes any more: for this reason, if it isn't the usual one.
        var ending: (any Error)??
        var reader: UnsafeContinuation<InboundPart?, any Error>?
        var isPaused = false
        /// The carrier would have read while reading was stopped.
        var isReadHeld = false

        /// Adds to what waits: to the last part, when both are bytes and few enough.
        mutating func append(_ part: InboundPart, joining limit: Int) {
            // Nobody else may have the last part's bytes by then, or all of them would be copied each time.
            if case .body(var new) = part, let count = parts.last?.byteCount, count + new.readableBytes <= limit,
                case .body(var bytes)? = parts.popLast()
            {
                bytes.writeBuffer(&new)
                parts.append(.body(bytes))
            } else {
                parts.append(part)
            }
        }

        /// What a reader gets now, or nil when it has to wait.
        mutating func take() -> Result<InboundPart?, any Error>? {
            if let part = parts.popFirst() { return .success(part) }
            switch ending {
            case .none: return nil
            case .some(.none): return .success(nil)
            case .some(.some(let error)): return .failure(error)
            }
        }
    }

    private let carrier: any WireCarrier
    private let state = Mutex(State())

    init(_ carrier: any WireCarrier) {
        self.carrier = carrier
    }

    // MARK: The event loop

    func receive(_ part: InboundPart) {
        let reader = self.state.withLock { state -> UnsafeContinuation<InboundPart?, any Error>? in
            guard state.ending == nil else { return nil }
            if let reader = state.reader.take() { return reader }
            state.append(part, joining: Self.joined)
            if state.parts.count >= Self.most { state.isPaused = true }
            return nil
        }
        reader?.resume(returning: part)
    }

    /// - Parameter error: nil for the usual end. What came before can still be read.
    func finish(_ error: (any Error)? = nil) {
        let reader = self.state.withLock { state -> UnsafeContinuation<InboundPart?, any Error>? in
            guard state.ending == nil else { return nil }
            state.ending = .some(error)
            return state.reader.take()
        }
        guard let reader else { return }
        if let error { reader.resume(throwing: error) } else { reader.resume(returning: nil) }
    }

    /// Whether reading has to wait until the task has caught up.
    func holdsRead() -> Bool {
        self.state.withLock { state in
            if state.isPaused { state.isReadHeld = true }
            return state.isPaused
        }
    }

    // MARK: The task

    /// The next part, or nil at the end. Only one may wait at a time.
    /// - Throws: what broke the wire, or `CancellationError`.
    func next() async throws -> InboundPart? {
        let (found, isRead) = self.state.withLock { state -> (Result<InboundPart?, any Error>?, Bool) in
            let found = state.take()
            guard state.isPaused, state.parts.count <= Self.few else { return (found, false) }
            state.isPaused = false
            defer { state.isReadHeld = false }
            return (found, state.isReadHeld)
        }
        if isRead { self.carrier.resumeReading() }
        if let found { return try found.get() }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { reader in
                let found = self.state.withLock { state -> Result<InboundPart?, any Error>? in
                    if let found = state.take() { return found }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    precondition(state.reader == nil, "two read one wire")
                    state.reader = reader
                    return nil
                }
                if let found { reader.resume(with: found) }
            }
        } onCancel: {
            self.state.withLock { $0.reader.take() }?.resume(throwing: CancellationError())
        }
    }
}

extension InboundPart {
    /// Of bytes, how many; nil for others.
    fileprivate var byteCount: Int? {
        if case .body(let bytes) = self { bytes.readableBytes } else { nil }
    }
}
