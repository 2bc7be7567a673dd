import Synchronization

/// Messages for one task, taken all at once; posting never waits.
final class Mailbox<Message: Sendable>: Sendable {
    private let messages = Mutex<[Message]>([])
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init() { (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func post(_ message: Message) {
        messages.withLock { $0.append(message) }
        signal.yield()
    }

    func take() -> [Message] {
        messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }

    var isEmpty: Bool { messages.withLock { $0.isEmpty } }

    /// One turn per signal; ends when the task is cancelled. Only one task may iterate.
    var turns: AsyncStream<Void> { signals }
}
