/// A cluster's watchers, found by the resource that they watch, so that an event costs nothing to watchers of others.
struct WatcherIndex: Sendable {
    /// Keyed by the `GROUP/PLURAL/` that the watchers' prefixes start with.
    private var byResource: [String: [Watcher]] = [:]
    /// Those that watch more than one resource.
    private var broad: [Watcher] = []

    var isEmpty: Bool { byResource.isEmpty && broad.isEmpty }

    var all: [Watcher] { byResource.values.flatMap { $0 } + broad }

    mutating func insert(_ watcher: Watcher) {
        if let resource = Key.resourcePrefix(of: watcher.prefix) {
            byResource[resource, default: []].append(watcher)
        } else {
            broad.append(watcher)
        }
    }

    mutating func remove(_ watcher: Watcher) {
        guard let resource = Key.resourcePrefix(of: watcher.prefix) else {
            broad.removeAll { $0 === watcher }
            return
        }
        guard let index = byResource[resource]?.firstIndex(where: { $0 === watcher }) else { return }
        byResource[resource]?.remove(at: index)
        if byResource[resource]?.isEmpty == true { byResource[resource] = nil }
    }

    /// Offers every watcher the events that it watches. Watchers of one prefix share one batch.
    func offer(_ events: [Event]) {
        guard !isEmpty, !events.isEmpty else { return }
        for watcher in broad { WatcherIndex.offer(events, to: watcher) }
        guard !byResource.isEmpty else { return }

        var groups: [(resource: String, events: [Event])] = []
        for event in events {
            if let last = groups.last, hasBytePrefix(event.key.text, last.resource) {
                groups[groups.count - 1].events.append(event)
            } else {
                let resource = event.key.resourcePrefix
                if let index = groups.firstIndex(where: { $0.resource == resource }) {
                    groups[index].events.append(event)
                } else {
                    groups.append((resource, [event]))
                }
            }
        }
        for (resource, events) in groups {
            var narrowed: (prefix: String, batch: EventBatch) = (resource, EventBatch(events))
            for watcher in byResource[resource] ?? [] {
                if watcher.prefix != narrowed.prefix {
                    narrowed = (watcher.prefix, EventBatch(events.filter { hasBytePrefix($0.key.text, watcher.prefix) }))
                }
                if !narrowed.batch.events.isEmpty { watcher.offer(narrowed.batch) }
            }
        }
    }

    private static func offer(_ events: [Event], to watcher: Watcher) {
        let wanted = watcher.prefix.isEmpty ? events : events.filter { hasBytePrefix($0.key.text, watcher.prefix) }
        if !wanted.isEmpty { watcher.offer(EventBatch(wanted)) }
    }
}
