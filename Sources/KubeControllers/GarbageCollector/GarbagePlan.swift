import KubeObject

/// What the garbage collector does with one object, decided from the object, the state of its owners and its dependents.
/// Source: https://kubernetes.io/docs/concepts/architecture/garbage-collection/
enum GarbagePlan: Equatable {
    static let foreground = "foregroundDeletion"
    static let orphan = "orphan"

    enum OwnerState: Equatable {
        /// There, and not waiting for its dependents.
        case solid
        /// Gone, or another object of that name.
        case absent
        /// Being deleted in the foreground: it waits for its dependents to go first.
        case waiting
        /// Can never be found: a namespaced owner of something cluster-scoped. Such a reference is reported and kept.
        case invalid
    }

    struct Dependent: Equatable {
        var key: String
        var blocksOwner: Bool
        /// Whether it is itself waiting for its dependents.
        var isWaiting: Bool
    }

    case keep
    /// Take these owners out of its references: others still keep it.
    case dropOwners([String])
    /// Delete it; no owner keeps it. `unblock` first makes its references stop holding up owners, to break a cycle.
    case delete(Propagation, unblock: Bool)
    /// It waits for its dependents: have these looked at, and come back when they are gone.
    case awaitDependents([String])
    /// It waited for its dependents, or for them to be orphaned, and that is done.
    case removeFinalizer(String)
    /// Take it out of these dependents' references, then remove its finalizer `orphan`.
    case orphanDependents([String])

    static func isWaiting(_ metadata: Metadata) -> Bool {
        metadata.deletionTimestamp != nil && metadata.finalizers.contains(foreground)
    }

    /// - Parameters:
    ///   - owners: the state of each owner, in the order of the references.
    ///   - dependents: what names the object as an owner.
    static func decide(_ object: Metadata, owners: [OwnerState], dependents: [Dependent]) -> GarbagePlan {
        if object.deletionTimestamp != nil {
            if object.finalizers.contains(orphan) { return .orphanDependents(dependents.map(\.key)) }
            guard object.finalizers.contains(foreground) else { return .keep }
            let blocking = dependents.filter(\.blocksOwner)
            return blocking.isEmpty ? .removeFinalizer(foreground) : .awaitDependents(dependents.map(\.key))
        }
        guard !owners.isEmpty, !owners.contains(.invalid) else { return .keep }
        let references = zip(object.ownerReferences, owners)
        if owners.contains(.solid) {
            let others = references.filter { $0.1 != .solid }.map(\.0.uid)
            return others.isEmpty ? .keep : .dropOwners(others)
        }
        if owners.contains(.waiting), !dependents.isEmpty {
            return .delete(.foreground, unblock: dependents.contains(where: \.isWaiting))
        }
        if object.finalizers.contains(orphan) { return .delete(.orphan, unblock: false) }
        return .delete(object.finalizers.contains(foreground) ? .foreground : .background, unblock: false)
    }
}
