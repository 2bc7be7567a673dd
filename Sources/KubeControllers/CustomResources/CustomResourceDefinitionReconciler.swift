import KubeObject
import KubeSchema
import KubeStore

/// Accepts the names of definitions of custom resources and establishes them; deletes the objects of definitions that are
/// being deleted.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
struct CustomResourceDefinitionReconciler: Reconciler {
    /// The finalizer that this controller answers for.
    static let finalizer = "customresourcecleanup.apiextensions.k8s.io"

    /// How long to wait for objects whose own finalizers hold them up.
    private static let patience = Duration.seconds(2)

    private let resource = Resources.customResourceDefinitions

    var name: String { "customresourcedefinition-controller" }
    var watched: [String] { [Key.prefix(resource)] }

    func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let own = ObjectName(name: event.object.metadata.name)
        let names = event.object.tree[path: "status", "acceptedNames"]
        let isFree = event.type == .deleted || event.previous.map { $0.tree[path: "status", "acceptedNames"] != names } ?? false
        guard isFree else { return [own] }
        // Names that are free now may be what others wait for.
        let group = event.object.tree[path: "spec", "group"]
        let waiting = cluster.snapshot.list(prefix: Key.prefix(resource)).filter { other in
            other.tree[path: "spec", "group"] == group
                && Condition.find("NamesAccepted", in: other.tree["status"])?.status == .false
        }
        return [own] + waiting.map { ObjectName(name: $0.metadata.name) }
    }

    func reconcile(_ work: Work) async throws -> Outcome {
        guard let definition = work.object(resource) else { return .done }
        let metadata = definition.metadata
        if metadata.deletionTimestamp != nil {
            return metadata.finalizers.contains(Self.finalizer) ? try await finalize(definition, work) : .done
        }
        try await work.change(resource, metadata, subresource: "status") { tree in
            // Looked at anew with each attempt: of two that want a name, the one that is stored first gets it.
            let others = work.cluster.snapshot.list(prefix: Key.prefix(resource)).filter { $0.metadata.uid != metadata.uid }
            tree["status"] = CustomResourceStatus.status(
                of: tree, others: others.map(\.tree), now: Timestamp.format(work.now))
        }
        return .done
    }

    /// Deletes the definition's objects; takes the finalizer away when none is left.
    private func finalize(_ definition: Object, _ work: Work) async throws -> Outcome {
        let time = Timestamp.format(work.now)
        func report(_ isTrue: Bool, _ reason: String, _ message: String, isLast: Bool = false) async throws {
            try await work.change(resource, definition.metadata, subresource: "status") { tree in
                tree["status"] = CustomResourceStatus.terminating(
                    tree, isTrue: isTrue, reason: reason, message: message, now: time)
            }
            guard isLast else { return }
            try await work.change(resource, definition.metadata) { tree in
                let rest = (tree[path: "metadata", "finalizers"]?.strings ?? []).filter { $0 != Self.finalizer }
                tree[path: "metadata", "finalizers"] = rest.isEmpty ? nil : JSON(rest)
            }
        }
        do {
            guard let objects = try CustomResourceDefinition(definition.tree).storedResourceType() else { return .done }
            let prefix = Key.prefix(objects)
            if Condition.find("Established", in: definition.tree["status"])?.status != .true {
                try await report(false, "NeverEstablished", "resource was never established", isLast: true)
                return .done
            }
            if work.cluster.snapshot.count(prefix: prefix) > 0 {
                try await report(true, "InstanceDeletionInProgress", "CustomResource deletion is in progress")
                do {
                    let left = work.cluster.snapshot.list(prefix: prefix).filter { $0.metadata.deletionTimestamp == nil }
                    try await concurrently(left, limit: 128) { try await work.delete(objects, $0.metadata) }
                } catch {
                    try await report(true, "InstanceDeletionFailed", "could not issue all deletes: \(error)")
                    throw error
                }
                if work.cluster.snapshot.count(prefix: prefix) > 0 { return Outcome(after: Self.patience) }
            }
            try await report(false, "InstanceDeletionCompleted", "removed all instances", isLast: true)
        } catch let error as StatusError where error.isNotFound {
            // Somebody else was quicker.
        }
        return .done
    }
}
