import KubeObject
public import KubeSchema
public import KubeStore

/// Empties a namespace that is being deleted, pods first, and lets it go when nothing is left.
/// Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/ and KEP-5080 (ordered deletion)
public struct NamespaceReconciler: Reconciler {
    /// The finalizer in `spec.finalizers` that this controller answers for.
    static let finalizer = "kubernetes"

    private let resources: @Sendable (LogicalCluster) -> [ResourceType]

    /// - Parameter resources: every stored resource that a cluster has, custom ones included.
    public init(resources: @escaping @Sendable (LogicalCluster) -> [ResourceType] = { _ in Schema.builtin.resources }) {
        self.resources = resources
    }

    public var name: String { "namespace-controller" }
    public var watched: [String] { [""] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        let metadata = event.object.metadata
        if metadata.namespace.isEmpty {
            guard event.object.kind == "Namespace", event.type != .deleted, metadata.deletionTimestamp != nil else { return [] }
            return [ObjectName(name: metadata.name)]
        }
        // What goes out of a namespace that is being deleted.
        guard event.type == .deleted else { return [] }
        let namespace = cluster.snapshot.get(Key(Resources.namespaces, namespace: "", name: metadata.namespace))
        return namespace?.metadata.deletionTimestamp == nil ? [] : [ObjectName(name: metadata.namespace)]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let namespace = work.object(Resources.namespaces), namespace.metadata.deletionTimestamp != nil else { return .done }
        let finalizers = namespace.tree[path: "spec", "finalizers"]?.strings ?? []
        guard finalizers.contains(Self.finalizer) else { return .done }

        var failures: [String] = []
        let contents = contents(work)
        let pods = contents.filter { $0.resource == Resources.pods }
        for content in pods.isEmpty ? contents : pods {
            do {
                try await concurrently(content.objects.filter { $0.metadata.deletionTimestamp == nil }, limit: 128) { object in
                    try await work.delete(content.resource, object.metadata, policy: .background)
                }
            } catch { failures.append("\(error)") }
        }

        // As long as there are pods nothing else was asked to go, nor is counted.
        let left = self.contents(work).filter { pods.isEmpty || $0.resource == Resources.pods }
        // Pods that went at once leave the rest to do.
        if !pods.isEmpty, left.isEmpty, failures.isEmpty { return try await reconcile(work) }
        let remaining = left.map { content in
            var finalizers: [String: Int] = [:]
            for object in content.objects {
                for finalizer in object.metadata.finalizers { finalizers[finalizer, default: 0] += 1 }
            }
            return NamespacePlan.Remainder(
                resource: content.resource.gvr, count: content.objects.count, finalizers: finalizers,
                graceSeconds: content.resource == Resources.pods ? content.objects.map(Self.graceSeconds).max() ?? 0 : 0)
        }
        let plan = NamespacePlan(namespace, remaining: remaining, failures: failures, now: work.now)
        var status = namespace.tree["status"] ?? [:]
        status["phase"] = "Terminating"
        status["conditions"] = plan.conditions
        try await work.writeStatus(status, of: namespace, Resources.namespaces)
        if plan.isEmpty {
            try await finalize(namespace, work)
            return .done
        }
        // Every deletion in the namespace brings this back; the delay is for what fails without an event.
        return Outcome(after: failures.isEmpty && pods.isEmpty ? .seconds(15) : .seconds(5))
    }

    /// How long a pod may take to end; one that has ended takes none.
    private static func graceSeconds(_ pod: Object) -> Int64 {
        if let phase = pod.tree[path: "status", "phase"]?.string, phase == "Succeeded" || phase == "Failed" { return 0 }
        return pod.tree[path: "spec", "terminationGracePeriodSeconds"]?.int ?? 0
    }

    private struct Content {
        var resource: ResourceType
        var objects: [Object]
    }

    /// What the namespace has, by resource; a resource that is stored once but served in several versions is there once.
    private func contents(_ work: Work) -> [Content] {
        let snapshot = work.cluster.snapshot
        var seen: Set<String> = []
        return resources(work.cluster).compactMap { resource in
            guard resource.isNamespaced, resource.isStored else { return nil }
            let prefix = Key.prefix(resource, namespace: work.name)
            guard seen.insert(prefix).inserted else { return nil }
            let objects = snapshot.list(prefix: prefix)
            return objects.isEmpty ? nil : Content(resource: resource, objects: objects)
        }
    }

    private func finalize(_ namespace: Object, _ work: Work) async throws {
        do {
            try await work.change(Resources.namespaces, namespace.metadata, subresource: "finalize") { tree in
                let rest = (tree[path: "spec", "finalizers"]?.strings ?? []).filter { $0 != Self.finalizer }
                tree[path: "spec", "finalizers"] = rest.isEmpty ? nil : JSON(rest)
            }
        } catch let error as StatusError where error.isNotFound || error.isConflict {
            // Somebody else was quicker.
        }
    }
}
