import KubeObject
import KubeStore

/// By owner, the keys of what names that owner in `metadata.ownerReferences`.
struct OwnerIndex {
    private var dependents: [String: Set<String>] = [:]

    init() {}

    /// Everything in a snapshot.
    init(_ snapshot: Snapshot) {
        for (key, object) in snapshot.entries(prefix: "") { insert(key.text, object.metadata.ownerReferences) }
    }

    /// The keys of the objects that name this owner, as far as is known: an object may have gone or changed since.
    func dependents(of uid: String) -> [String] { dependents[uid].map { $0.sorted() } ?? [] }

    mutating func apply(_ event: Event) {
        let new = event.type == .deleted ? [] : event.object.metadata.ownerReferences
        let old =
            event.previous?.metadata.ownerReferences ?? (event.type == .deleted ? event.object.metadata.ownerReferences : [])
        if old == new, event.type == .modified { return }
        for reference in old where !new.contains(where: { $0.uid == reference.uid }) {
            dependents[reference.uid]?.remove(event.key.text)
            if dependents[reference.uid]?.isEmpty ?? false { dependents[reference.uid] = nil }
        }
        insert(event.key.text, new)
    }

    private mutating func insert(_ key: String, _ references: [OwnerReference]) {
        for reference in references { dependents[reference.uid, default: []].insert(key) }
    }
}
