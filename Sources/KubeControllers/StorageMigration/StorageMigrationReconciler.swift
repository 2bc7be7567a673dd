import KubeObject
public import KubeSchema
public import KubeStore

/// Stores the objects of a resource anew, so that none is left in a version that isn't the stored one any more.
/// Source: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/storage-version-migration/
///
/// Each object is changed by nothing, through the registry: that writes what is stored in another form than a write of today would give, and
/// nothing else. So a migration that was cut off begins again and finds less to do.
public struct StorageMigrationReconciler: Reconciler {
    private let resources: @Sendable (LogicalCluster) -> [ResourceType]

    public init(resources: @escaping @Sendable (LogicalCluster) -> [ResourceType]) { self.resources = resources }

    public var name: String { "storage-version-migrator-controller" }
    public var concurrency: Int { 2 }
    public var watched: [String] { [Key.prefix(Resources.storageVersionMigrations)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        event.type == .deleted || Self.isOver(event.object) ? [] : [ObjectName(event.object.metadata)]
    }

    private static func isOver(_ migration: Object) -> Bool {
        ["Succeeded", "Failed"].contains { Condition.find($0, in: migration.tree["status"])?.status == .true }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let migration = work.object(latest: Resources.storageVersionMigrations), !Self.isOver(migration) else {
            return .done
        }
        let wanted = migration.tree[path: "spec", "resource"] ?? [:]
        let group = wanted["group"]?.string ?? ""
        let plural = wanted["resource"]?.string ?? ""
        // In the version that is stored, if it has several.
        guard let resource = resources(work.cluster).first(where: { $0.group == group && $0.plural == plural }) else {
            try await say("Failed", "StorageVersionMigrationFailed", "resource does not exist in discovery", of: migration, work)
            return .done
        }
        // A definition that changes meanwhile makes objects in yet another version.
        let definition = Self.definition(of: resource, in: work.snapshot)
        try await say("Running", "StorageVersionMigrationInProgress", "", of: migration, work)
        do {
            try await concurrently(work.snapshot.list(prefix: Key.prefix(resource)), limit: 16) { object in
                do { try await work.change(resource, object.metadata) { _ in } } catch let error as StatusError
                    where error.isNotFound || error.isConflict
                {
                    // Deleted, or made anew: then it is in today's form.
                }
            }
        } catch is StatusError {
            try await say("Failed", "StorageVersionMigrationFailed", "migration encountered unhandled error", of: migration, work)
            return .done
        }
        if let definition { try await forgetOlderVersions(of: definition, resource, work) }
        try await say("Succeeded", "StorageVersionMigrationSucceeded", "", of: migration, work)
        return .done
    }

    private static func definition(of resource: ResourceType, in snapshot: Snapshot) -> Object? {
        guard resource.definition != nil else { return nil }
        return snapshot.get(
            Key(Resources.customResourceDefinitions, namespace: "", name: "\(resource.plural).\(resource.group)"))
    }

    /// What the definition says of versions that objects may be stored in.
    private func forgetOlderVersions(of definition: Object, _ resource: ResourceType, _ work: Work) async throws {
        let generation = definition.metadata.generation
        do {
            try await work.change(Resources.customResourceDefinitions, definition.metadata, subresource: "status") { tree in
                let stored = tree[path: "spec", "versions"]?.elements.first { $0["storage"]?.bool == true }?["name"]
                guard tree[path: "metadata", "generation"]?.int == generation, let stored else { return }
                tree[path: "status", "storedVersions"] = [stored]
            }
        } catch let error as StatusError where error.isNotFound || error.isConflict {
            // The definition is gone, and the objects with it.
        }
    }

    private func say(_ type: String, _ reason: String, _ message: String, of migration: Object, _ work: Work) async throws {
        let revision = String(work.snapshot.revision)
        let time = Timestamp.format(work.now)
        do {
            try await work.change(Resources.storageVersionMigrations, migration.metadata, subresource: "status") { tree in
                if tree[path: "status", "resourceVersion"]?.string?.isEmpty ?? true, type == "Running" {
                    tree[path: "status", "resourceVersion"] = .string(revision)
                }
                tree[path: "status", "conditions"] = Self.conditions(tree["status"], type, reason, message, time)
            }
        } catch let error as StatusError where error.isNotFound || error.isConflict {
            // Nobody waits for it any more.
        }
    }

    /// The conditions of a migration of which something is true now; what is over doesn't run.
    static func conditions(_ status: JSON?, _ type: String, _ reason: String, _ message: String, _ time: String) -> JSON {
        var conditions = [Condition](of: status)
        if type != "Running", var running = conditions[type: "Running"] {
            running.status = .false
            running.lastTransitionTime = time
            conditions.update(running)
        }
        conditions.update(Condition(type, .true, reason: reason, message: message, lastTransitionTime: time))
        return .array(
            conditions.map { condition in
                var tree = condition.tree
                tree["message"] = .string(condition.message)
                return tree
            })
    }
}
