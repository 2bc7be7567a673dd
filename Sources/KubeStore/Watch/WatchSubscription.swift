/// The events under a prefix, from one revision on, in order and without gaps.
///
/// An asynchronous sequence of batches with one consumer. It ends with nil when its task is cancelled or after `cancel()`,
/// and throws a `WatchEnd` when the store ended it; what was offered before that end is still given. An empty batch is the
/// answer to `nudge()`. While it exists its cluster stays loaded; letting go of it ends the watch.
public final class WatchSubscription: AsyncSequence, Sendable {
    public typealias Element = [Event]
    public typealias Failure = WatchEnd

    /// What its consumer is given.
    public enum Outcome: Sendable {
        /// Events, or none when the consumer was nudged.
        case batch(EventBatch)
        /// The store ended the watch.
        case ended(WatchEnd)
        /// The consumer ended it.
        case cancelled
    }

    private let cluster: LogicalCluster
    private let watcher: Watcher

    init(cluster: LogicalCluster, watcher: Watcher) {
        self.cluster = cluster
        self.watcher = watcher
    }

    deinit { cancel() }

    /// The revision up to which the consumer has been given everything under the prefix: what a bookmark says.
    ///
    /// Only the consumer itself, between two batches, knows that it has also used what it was given.
    public var progress: UInt64 { watcher.progress(delivered: cluster.deliveredRevision) }

    /// Makes the sequence give an empty batch as soon as nothing else waits, so that the consumer can send a bookmark
    /// without a timer of its own.
    public func nudge() { watcher.nudge() }

    /// Ends the watch; a waiting consumer gets nil. May be called by anyone, any number of times.
    public func cancel() {
        watcher.cancel()
        cluster.remove(watcher)
    }

    /// Ends the watch after what already waits for the consumer, which then gets a `WatchEnd.closed`.
    public func finish() {
        watcher.end(.closed)
        cluster.remove(watcher)
    }

    /// What the consumer gets without waiting; nil when there is nothing.
    public func take() -> Outcome? { watcher.take() }

    /// Has a consumer that doesn't wait be told when `take()`, which found nothing, would find something: once, by the thread that brings
    /// it, which must not be held up.
    public func listen(_ listener: @escaping @Sendable () -> Void) { watcher.listen(listener) }

    public func makeAsyncIterator() -> Iterator { Iterator(subscription: self) }

    public struct Iterator: AsyncIteratorProtocol {
        let subscription: WatchSubscription

        public mutating func next() async throws(WatchEnd) -> [Event]? {
            try await subscription.next()
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(WatchEnd) -> [Event]? {
            try await subscription.next()
        }
    }

    /// The next batch, nil after cancellation.
    public func next() async throws(WatchEnd) -> [Event]? {
        switch await wait() {
        case .batch(let batch): return batch.events
        case .ended(let reason): throw reason
        case .cancelled: return nil
        }
    }

    /// What `take()` gives, as soon as there is something.
    public func wait() async -> Outcome {
        await withTaskCancellationHandler {
            await watcher.next()
        } onCancel: {
            cancel()
        }
    }
}
