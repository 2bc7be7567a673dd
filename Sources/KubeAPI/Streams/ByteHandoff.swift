import Synchronization

/// Hands bytes from one task to another, a few pieces at a time: who gives waits until who takes keeps up.
///
/// One task gives, one takes. Both may be cancelled; the giver then just returns, the taker gets the end.
final class ByteHandoff: AsyncSequence, Sendable {
    typealias Element = [UInt8]
    typealias Failure = any Error

    private enum Side {
        case taker, giver
    }

    private struct State {
        var pieces: [[UInt8]] = []
        var size = 0
        var isFinished = false
        var taker: CheckedContinuation<Void, Never>?
        var giver: CheckedContinuation<Void, Never>?

        subscript(side: Side) -> CheckedContinuation<Void, Never>? {
            get { side == .taker ? self.taker : self.giver }
            set { if side == .taker { self.taker = newValue } else { self.giver = newValue } }
        }

        mutating func wakeAll() -> [CheckedContinuation<Void, Never>] {
            let waiting = [self.taker, self.giver].compactMap { $0 }
            self.taker = nil
            self.giver = nil
            return waiting
        }
    }

    private let limit: Int
    private let budget: ByteBudget?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: how many bytes may wait before the giver does.
    ///   - budget: told of what waits here.
    init(limit: Int = 256 << 10, budget: ByteBudget? = nil) {
        self.limit = limit
        self.budget = budget
    }

    deinit {
        self.budget?.release(self.state.withLock { $0.size })
    }

    /// Gives a piece; returns when there is room for more, or when the stream is finished.
    func give(_ bytes: [UInt8]) async {
        guard !bytes.isEmpty else { return }
        let taker = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isFinished else { return nil }
            state.pieces.append(bytes)
            state.size += bytes.count
            self.budget?.note(bytes.count)
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume()
        let limit = self.limit
        await self.wait(.giver) { $0.isFinished || $0.size < limit }
    }

    /// Says that nothing follows. What was given is still there to be taken.
    func finish() {
        let waiting = self.state.withLock { state in
            state.isFinished = true
            return state.wakeAll()
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Says that nobody takes any more: what waits is dropped, and so is what is still given.
    func discard() {
        let (size, waiting) = self.state.withLock { state in
            defer {
                state.pieces = []
                state.size = 0
            }
            state.isFinished = true
            return (state.size, state.wakeAll())
        }
        self.budget?.release(size)
        for continuation in waiting { continuation.resume() }
    }

    private func take() async -> [UInt8]? {
        await self.wait(.taker) { $0.isFinished || !$0.pieces.isEmpty }
        let (piece, giver) = self.state.withLock { state -> ([UInt8]?, CheckedContinuation<Void, Never>?) in
            guard !state.pieces.isEmpty else { return (nil, nil) }
            let piece = state.pieces.removeFirst()
            state.size -= piece.count
            defer { state.giver = nil }
            return (piece, state.giver)
        }
        giver?.resume()
        if let piece { self.budget?.release(piece.count) }
        return Task.isCancelled ? nil : piece
    }

    /// Waits until a condition holds, it is cancelled, or it is woken.
    private func wait(
        _ side: Side, until isMet: @Sendable (borrowing State) -> Bool
    ) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goOn = self.state.withLock { state in
                    if isMet(state) || Task.isCancelled { return true }
                    state[side] = continuation
                    return false
                }
                if goOn { continuation.resume() }
            }
        } onCancel: {
            let waiting = self.state.withLock { state in
                defer { state[side] = nil }
                return state[side]
            }
            waiting?.resume()
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(source: self) }

    struct Iterator: AsyncIteratorProtocol {
        let source: ByteHandoff

        mutating func next() async throws -> [UInt8]? { await self.source.take() }
        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> [UInt8]? {
            await self.source.take()
        }
    }
}
