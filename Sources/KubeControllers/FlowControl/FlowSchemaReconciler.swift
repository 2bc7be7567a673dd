import KubeObject
import KubeRegistry
import KubeSchema
public import KubeStore

/// Says of every flow schema whether its priority level exists, and keeps the server's own schemas.
/// Source: https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#flowschema
public struct FlowSchemaReconciler: Reconciler {
    public init() {}

    public var name: String { "api-priority-and-fairness-config-consumer-v1" }
    public var concurrency: Int { 2 }
    public var watched: [String] {
        [Key.prefix(Resources.flowSchemas), Key.prefix(Resources.priorityLevelConfigurations)]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        // What all clusters start with is as it should be.
        if event.type == .added, cluster.base.snapshot.get(event.key) === event.object { return [] }
        let name = event.object.metadata.name
        guard event.key.plural == Resources.priorityLevelConfigurations.plural else { return [ObjectName(name: name)] }
        if event.type == .modified { return [] }
        return cluster.snapshot.list(prefix: Key.prefix(Resources.flowSchemas))
            .filter { Self.level(of: $0) == name }.map { ObjectName(name: $0.metadata.name) }
    }

    private static func level(of schema: Object) -> String {
        schema.tree[path: "spec", "priorityLevelConfiguration", "name"]?.string ?? ""
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        if try await work.restore(Resources.flowSchemas) { return .done }
        guard let schema = work.object(Resources.flowSchemas) else { return .done }
        let level = Self.level(of: schema)
        let exists = work.snapshot.get(Key(Resources.priorityLevelConfigurations, namespace: "", name: level)) != nil
        let condition = Condition(
            "Dangling", exists ? .false : .true, reason: exists ? "Found" : "NotFound",
            message: "This FlowSchema references the PriorityLevelConfiguration object named \(JSON.string(level).text) "
                + (exists ? "and it exists" : "but there is no such object"),
            lastTransitionTime: Timestamp.format(work.now))
        var conditions = [Condition](of: schema.tree["status"])
        if let known = conditions[type: condition.type], known.status == condition.status, known.message == condition.message {
            return .done
        }
        conditions.update(condition)
        try await work.writeStatus(["conditions": .array(conditions.map(\.tree))], of: schema, Resources.flowSchemas)
        return .done
    }
}

/// Keeps the server's own priority levels.
public struct PriorityLevelReconciler: Reconciler {
    public init() {}

    public var name: String { "api-priority-and-fairness-config-producer-v1" }
    public var watched: [String] { [Key.prefix(Resources.priorityLevelConfigurations)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        if event.type == .added, cluster.base.snapshot.get(event.key) === event.object { return [] }
        return [ObjectName(event.object.metadata)]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        _ = try await work.restore(Resources.priorityLevelConfigurations)
        return .done
    }
}
