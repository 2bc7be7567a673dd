import KubeObject
import KubeSchema
import KubeStore

/// The events of a watch, in batches that came together: an asynchronous sequence with one consumer, which may also take them without
/// waiting.
///
/// It ends when its task is cancelled, after ``finish()``, or after an event of type `error`. It has no timers: the transport
/// calls ``requestBookmark()`` about once a minute where bookmarks are allowed, and ``finish()`` when the client's time is up.
public final class WatchStream: AsyncSequence, Sendable {
    public typealias Element = [WatchEvent]
    public typealias Failure = Never

    private let subscription: WatchSubscription?
    private let first: [WatchEvent]
    private let selection: Selection?
    private let resource: ResourceType
    private let minimumRevision: UInt64
    private let custom: CustomServing?

    /// How a watch of custom objects gets them into its version, and what ends it when their definition changes.
    struct CustomServing: Sendable {
        var serve: @Sendable ([(object: Object, writtenAt: UInt64)]) async throws(StatusError) -> [Object]
        var registration: CustomWatches.Registration?
    }

    /// - Parameters:
    ///   - first: what is sent before the subscription's events.
    ///   - minimumRevision: events up to this one are left out.
    init(
        _ resource: ResourceType, first: [WatchEvent], subscription: WatchSubscription?, selection: Selection?,
        minimumRevision: UInt64 = 0, custom: CustomServing? = nil
    ) {
        self.resource = resource
        self.first = first
        self.subscription = subscription
        self.selection = selection
        self.minimumRevision = minimumRevision
        self.custom = custom
    }

    /// Makes the stream give a bookmark as soon as no other event waits.
    public func requestBookmark() { subscription?.nudge() }

    /// Ends the stream. May be called by anyone, any number of times.
    public func finish() { subscription?.cancel() }

    public func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

    // MARK: Without waiting

    /// What `take()` gives.
    public enum Step: Sendable {
        case batch(WatchBatch)
        /// Nothing waits; the listener will be told.
        case nothing
        /// The watch is over, after these events.
        case ended([WatchEvent])
    }

    /// Whether the events can be taken without waiting for anybody, by ``take()``: not when objects have to be converted.
    public var isImmediate: Bool { custom == nil }

    /// What comes before all that is taken.
    public var initialEvents: [WatchEvent] { first }

    /// The next events of an immediate stream, without waiting. Either this or the asynchronous sequence is used.
    public func take() -> Step {
        guard let subscription else { return .ended([]) }
        while let outcome = subscription.take() {
            switch outcome {
            case .batch(let batch) where batch.events.isEmpty:
                return .batch(WatchBatch([WatchStream.bookmark(resource, at: subscription.progress)]))
            case .batch(let batch):
                if isWhole(batch) { return .batch(WatchBatch(batch, of: self)) }
                let events = batch.events.compactMap(event)
                if !events.isEmpty { return .batch(WatchBatch(events)) }
            case .ended(let reason): return .ended(lastEvents(reason) ?? [])
            case .cancelled: return .ended([])
            }
        }
        return .nothing
    }

    /// Has whoever takes be told, once after `take()` gave `.nothing`, when there is more. Called on any thread; must not block.
    public func listen(_ listener: @escaping @Sendable () -> Void) { subscription?.listen(listener) }

    /// Whether the watch shows all of a batch as it is stored, as others do.
    private func isWhole(_ batch: EventBatch) -> Bool {
        guard selection == nil, resource.gvk == resource.storedAs, let first = batch.events.first else { return false }
        return first.revision > minimumRevision
    }

    // MARK: Waiting

    public struct Iterator: AsyncIteratorProtocol {
        let stream: WatchStream
        private var hasStarted = false
        private var isOver = false

        init(stream: WatchStream) { self.stream = stream }

        public mutating func next() async -> [WatchEvent]? { await next(isolation: nil) }

        public mutating func next(isolation actor: isolated (any Actor)?) async -> [WatchEvent]? {
            if isOver { return nil }
            if !hasStarted {
                hasStarted = true
                if !stream.first.isEmpty {
                    let (first, isLast) = await stream.served(stream.first.map { ($0, nil) })
                    isOver = isLast
                    let shown = first.filter(stream.isShown)
                    if isOver || !shown.isEmpty { return shown }
                }
            }
            guard let subscription = stream.subscription else {
                isOver = true
                return nil
            }
            while true {
                let batch: [Event]?
                do {
                    batch = try await subscription.next()
                } catch {
                    isOver = true
                    return stream.lastEvents(error)
                }
                guard let batch else {
                    isOver = true
                    return nil
                }
                if batch.isEmpty { return [WatchStream.bookmark(stream.resource, at: subscription.progress)] }
                if stream.selection?.isOfVersion == true {
                    let (selected, isLast) = await stream.selected(batch)
                    isOver = isLast
                    if isOver || !selected.isEmpty { return selected }
                    continue
                }
                let events = batch.compactMap { event in stream.event(event).map { ($0, stream.writtenAt(event)) } }
                if !events.isEmpty {
                    let (served, isLast) = await stream.served(events)
                    isOver = isLast
                    return served
                }
            }
        }
    }

    /// Events in the watch's version. A failed conversion ends the watch, as upstream's do.
    private func served(
        _ events: [(event: WatchEvent, writtenAt: UInt64?)]
    ) async -> (events: [WatchEvent], isLast: Bool) {
        guard let custom else { return (events.map(\.event), false) }
        let objects = events.compactMap { event, writtenAt in
            event.object.object.map { (object: $0, writtenAt: writtenAt ?? $0.metadata.resourceVersion) }
        }
        do {
            var converted = try await custom.serve(objects).makeIterator()
            let served = events.map { event, _ in
                guard event.object.object != nil, let object = converted.next() else { return event }
                return event.replacing(object)
            }
            return (served, false)
        } catch {
            finish()
            return ([WatchEvent(.error, .document(error.status))], true)
        }
    }

    /// Of what comes first: an object in the watch's version may not be asked for after all.
    private func isShown(_ event: WatchEvent) -> Bool {
        guard let selection, selection.isOfVersion, event.type == .added, let object = event.object.object else { return true }
        return selection.matches(object)
    }

    /// What a batch is to a watch that selects by fields of its version: what was and what is are brought into it, then compared.
    private func selected(_ batch: [Event]) async -> (events: [WatchEvent], isLast: Bool) {
        guard let custom, let selection else { return ([], false) }
        let events = batch.filter { $0.revision > minimumRevision }
        var objects: [(object: Object, writtenAt: UInt64)] = []
        for event in events {
            objects.append((event.object, writtenAt(event) ?? event.object.metadata.resourceVersion))
            if let previous = event.previous { objects.append((previous, previous.metadata.resourceVersion)) }
        }
        do {
            var converted = try await custom.serve(objects).makeIterator()
            let selected = events.compactMap { event -> WatchEvent? in
                guard let object = converted.next() else { return nil }
                let previous = event.previous == nil ? nil : converted.next()
                let isIn = event.type != .deleted && selection.matches(object)
                let wasIn = previous.map(selection.matches) ?? false
                switch (wasIn, isIn) {
                case (false, false): return nil
                case (false, true): return WatchEvent(.added, .object(object))
                case (true, true): return WatchEvent(.modified, .object(object))
                case (true, false):
                    if event.type == .deleted { return WatchEvent(.deleted, .object(object)) }
                    return previous.flatMap { Self.last($0, until: event.revision) }
                        .map { WatchEvent(.deleted, .object($0)) }
                }
            }
            return (selected, false)
        } catch {
            finish()
            return ([WatchEvent(.error, .document(error.status))], true)
        }
    }

    /// The last state of an object that matched, at the revision in which it ceased to.
    private static func last(_ object: Object, until revision: UInt64) -> Object? {
        Result(catching: { try Object(object.tree, resourceVersion: revision) }).value
    }

    /// The revision at which the event's object was written in the form that it has: that of a deletion is older than the deletion.
    private func writtenAt(_ event: Event) -> UInt64? {
        event.type == .deleted ? event.previous?.metadata.resourceVersion ?? 0 : nil
    }

    /// What a client is told when the store ended the watch.
    private func lastEvents(_ reason: WatchEnd) -> [WatchEvent]? {
        switch reason {
        case .closed, .slow: nil
        case .clusterDeleted:
            [WatchEvent(.error, .document(StatusError.expired("the cluster of this watch was deleted").status))]
        }
    }

    /// The event as this watch sees it: an object that begins to match was added, one that ceases to was deleted.
    func event(_ event: Event) -> WatchEvent? {
        guard event.revision > minimumRevision else { return nil }
        let isIn = event.type != .deleted && (selection?.matches(event.object) ?? true)
        let wasIn = event.previous.map { selection?.matches($0) ?? true } ?? false
        switch (wasIn, isIn) {
        case (false, false): return nil
        case (false, true): return make(.added, event, isShared: event.type == .added)
        case (true, true): return make(.modified, event, isShared: true)
        case (true, false):
            if event.type == .deleted { return make(.deleted, event, isShared: true) }
            guard let object = event.previous.flatMap({ Self.last($0, until: event.revision) }) else { return nil }
            return WatchEvent(.deleted, .object(Conversion.served(object, resource)))
        }
    }

    private func make(_ type: WatchEvent.Kind, _ event: Event, isShared: Bool) -> WatchEvent {
        let isStoredVersion = resource.gvk == resource.storedAs
        return WatchEvent(
            type, .object(Conversion.served(event.object, resource)), sharing: isShared && isStoredVersion ? event : nil)
    }

    static func bookmark(_ resource: ResourceType, at revision: UInt64, endsInitialEvents: Bool = false) -> WatchEvent {
        var tree: JSON = [
            "kind": .string(resource.kind), "apiVersion": .string(resource.apiVersion),
            "metadata": ["resourceVersion": .string(String(revision))],
        ]
        if endsInitialEvents { tree[path: "metadata", "annotations"] = ["k8s.io/initial-events-end": "true"] }
        return WatchEvent(.bookmark, .document(tree))
    }
}
