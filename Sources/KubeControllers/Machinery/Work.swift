public import KubeObject
public import KubeSchema
public import KubeStore

/// One call of a reconciler: the key, the cluster, and the ways to read and to write it.
public struct Work: Sendable {
    public let key: QueueKey
    public let cluster: LogicalCluster
    /// The cluster when the work began.
    public let snapshot: Snapshot
    /// Seconds since 1970.
    public let now: Double
    /// Under which name writes are made and events reported.
    public let controller: String

    let writer: any ObjectWriter
    let recorder: EventRecorder

    public init(
        key: QueueKey, cluster: LogicalCluster, now: Double, controller: String, writer: any ObjectWriter, recorder: EventRecorder
    ) {
        self.key = key
        self.cluster = cluster
        self.now = now
        self.controller = controller
        self.writer = writer
        self.recorder = recorder
        snapshot = cluster.snapshot
    }

    public var namespace: String { key.namespace }
    public var name: String { key.name }

    /// The object of the key's own name.
    public func object(_ resource: ResourceType) -> Object? {
        snapshot.get(Key(resource, namespace: key.namespace, name: key.name))
    }

    /// The object of the key's own name as it is now, after what this work has changed.
    public func object(latest resource: ResourceType) -> Object? {
        cluster.snapshot.get(Key(resource, namespace: key.namespace, name: key.name))
    }

    /// All objects of a resource in the key's namespace.
    public func list(_ resource: ResourceType) -> [Object] {
        snapshot.list(prefix: Key.prefix(resource, namespace: key.namespace))
    }

    @discardableResult
    public func create(_ tree: JSON, _ resource: ResourceType, namespace: String? = nil) async throws -> Object {
        try await writer.create(tree, resource, namespace: namespace ?? key.namespace, in: cluster, as: controller)
    }

    /// Changes the newest version of an object, whatever it is by then, unless it is another object of the same name.
    ///
    /// - Parameters:
    ///   - uid: the object that is meant.
    ///   - change: may be called several times; what it throws is thrown on.
    @discardableResult
    public func change(
        _ resource: ResourceType, _ metadata: Metadata, subresource: String = "",
        _ change: (inout JSON) throws(StatusError) -> Void
    ) async throws -> Object {
        let uid = metadata.uid
        let error = StatusError.conflict(resource.groupResource, metadata.name, "the object was replaced")
        return try await writer.mutate(
            resource, namespace: metadata.namespace, name: metadata.name, subresource: subresource, in: cluster, as: controller
        ) { tree throws(StatusError) in
            if tree[path: "metadata", "uid"]?.string != uid { throw error }
            try change(&tree)
        }
    }

    /// Writes a status, unless the object has it already.
    public func writeStatus(_ status: JSON, of object: Object, _ resource: ResourceType) async throws {
        guard object.tree["status"] ?? [:] != status else { return }
        try await change(resource, object.metadata, subresource: "status") { $0["status"] = status }
    }

    /// Deletes an object, unless it is gone or was replaced.
    public func delete(
        _ resource: ResourceType, _ metadata: Metadata, policy: Propagation? = nil, gracePeriodSeconds: Int64? = nil
    ) async throws {
        do {
            try await writer.delete(
                resource, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, policy: policy,
                gracePeriodSeconds: gracePeriodSeconds, in: cluster, as: controller)
        } catch let error as StatusError where error.isNotFound || error.isConflict {
            // Somebody else was quicker.
        }
    }

    /// Binds a pod to a node and says that it is scheduled, in one write.
    func bind(_ pod: Object, to node: String) async throws {
        let time = Timestamp.format(now)
        try await change(Resources.pods, pod.metadata, subresource: "binding") { tree throws(StatusError) in
            if let other = tree[path: "spec", "nodeName"]?.string, !other.isEmpty {
                throw .conflict(
                    GroupResource(group: "", resource: "pods/binding"), pod.metadata.name,
                    "pod \(pod.metadata.name) is already assigned to node \"\(other)\"")
            }
            tree[path: "spec", "nodeName"] = .string(node)
            var conditions = [Condition](of: tree["status"])
            conditions.update(Condition("PodScheduled", .true, lastTransitionTime: time))
            tree[path: "status", "conditions"] = conditions.tree
            // It has been where it was expected (KEP-5278).
            tree[path: "status", "nominatedNodeName"] = nil
        }
    }

    /// Reports something about an object to its user.
    public func report(_ type: EventRecorder.EventType, _ reason: String, _ message: String, about object: Object) {
        recorder.record(type, reason, message, about: object, from: controller, in: cluster)
    }
}

extension Key {
    init(_ resource: ResourceType, namespace: String, name: String) {
        self.init(
            group: resource.storedAs.group, plural: resource.plural, namespace: resource.isNamespaced ? namespace : "", name: name
        )
    }

    static func prefix(_ resource: ResourceType, namespace: String? = nil) -> String {
        prefix(group: resource.storedAs.group, plural: resource.plural, namespace: resource.isNamespaced ? namespace : nil)
    }
}

extension StatusError {
    var isNotFound: Bool { reason == "NotFound" }
    var isConflict: Bool { reason == "Conflict" }
    var isAlreadyExists: Bool { reason == "AlreadyExists" }
    /// Whether the write was refused because its namespace is being deleted, so that trying again is in vain.
    public var isNamespaceTerminating: Bool {
        details?["causes"]?.elements.contains { $0["reason"]?.string == "NamespaceTerminating" } ?? false
    }
}
