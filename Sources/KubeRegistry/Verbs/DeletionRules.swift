import KubeObject
import KubeSchema

/// What a deletion does to an object: remove it, or mark it and wait for finalizers or for the end of its grace period.
enum DeletionRules {
    enum Outcome {
        /// Remove it now.
        case remove
        /// Store it as it is now and wait.
        case mark(JSON)
        /// It's being deleted already; nothing changes.
        case pending
    }

    /// - Parameter grace: nil for a kind that is deleted without grace.
    static func decide(
        _ object: Object, _ resource: ResourceType, _ options: DeleteOptions, now: Double
    ) -> Outcome {
        let metadata = object.metadata
        var tree = object.tree
        var isGraceful = false
        if resource.storedResource == GroupResource(group: "", resource: "pods") {
            switch PodDeletion.decide(object, options, now: now) {
            case .pending: return .pending
            case .graceful(let timestamp, let seconds, let isFirst):
                isGraceful = true
                tree[path: "metadata", "deletionTimestamp"] = .string(timestamp)
                tree[path: "metadata", "deletionGracePeriodSeconds"] = .int(seconds)
                if isFirst, metadata.generation > 0 { tree[path: "metadata", "generation"] = .int(metadata.generation &+ 1) }
            case .atOnce: break
            }
        }
        let finalizers = finalizers(of: object, resource.rules, options)
        if finalizers != metadata.finalizers {
            tree[path: "metadata", "finalizers"] = finalizers.isEmpty ? nil : JSON(finalizers)
        }
        if isGraceful, let seconds = tree[path: "metadata", "deletionGracePeriodSeconds"]?.int {
            return seconds > 0 || !finalizers.isEmpty ? .mark(tree) : .remove
        }
        guard !finalizers.isEmpty else { return .remove }
        let isMarked = metadata.deletionTimestamp != nil
        if metadata.deletionGracePeriodSeconds == nil, metadata.generation > 0 {
            tree[path: "metadata", "generation"] = .int(metadata.generation &+ 1)
        }
        if !isMarked { tree[path: "metadata", "deletionTimestamp"] = .string(Timestamp.format(now)) }
        tree[path: "metadata", "deletionGracePeriodSeconds"] = 0
        return tree == object.tree ? .pending : .mark(tree)
    }

    /// The finalizers with those of the garbage collector added or removed as the options, the object or the kind say.
    static func finalizers(of object: Object, _ rules: any KindRules, _ options: DeleteOptions) -> [String] {
        let known = object.metadata.finalizers
        guard let fallback = rules.defaultPropagation else {
            return known.filter { $0 != "orphan" && $0 != "foregroundDeletion" }
        }
        let policy: PropagationPolicy
        if let orphan = options.orphanDependents {
            policy = orphan ? .orphan : .background
        } else if let given = options.propagationPolicy {
            policy = given
        } else if known.contains("orphan") {
            policy = .orphan
        } else if known.contains("foregroundDeletion") {
            policy = .foreground
        } else {
            policy = fallback == .orphan ? .orphan : .background
        }
        let wanted: String? =
            switch policy {
            case .orphan: "orphan"
            case .foreground: "foregroundDeletion"
            case .background: nil
            }
        let collector = known.filter { $0 == "orphan" || $0 == "foregroundDeletion" }
        if collector == (wanted.map { [$0] } ?? []) { return known }
        return known.filter { $0 != "orphan" && $0 != "foregroundDeletion" } + (wanted.map { [$0] } ?? [])
    }

    /// Whether an update took away what an object's deletion waited for.
    static func isDeletedByUpdate(_ tree: JSON, _ resource: ResourceType) -> Bool {
        let metadata = tree["metadata"] ?? [:]
        guard metadata.has("deletionTimestamp"), !metadata.has("finalizers") else { return false }
        if resource.storedResource == GroupResource(group: "", resource: "namespaces") {
            return !(tree["spec"]?.has("finalizers") ?? false)
        }
        return metadata["deletionGracePeriodSeconds"]?.int ?? 0 == 0
    }

    /// - Throws: 422 for options that contradict themselves, 409 for a precondition that doesn't hold.
    static func check(_ options: DeleteOptions, _ object: Object, _ resource: ResourceType) throws(StatusError) {
        let metadata = object.metadata
        // Upstream names the kind where others name the resource.
        let kind = GroupResource(group: resource.storedAs.group, resource: resource.kind)
        if let uid = options.preconditionUID, uid != metadata.uid {
            throw .conflict(
                kind, metadata.name,
                "the UID in the precondition (\(uid)) does not match the UID in record (\(metadata.uid)). The object might have been "
                    + "deleted and then recreated")
        }
        if let version = options.preconditionResourceVersion, version != String(metadata.resourceVersion) {
            throw .conflict(
                kind, metadata.name,
                "the ResourceVersion in the precondition (\(version)) does not match the ResourceVersion in record "
                    + "(\(metadata.resourceVersion)). The object might have been modified")
        }
    }

    static func validate(_ options: DeleteOptions) throws(StatusError) {
        if options.orphanDependents != nil, options.propagationPolicy != nil {
            throw .invalid(
                GroupKind(group: "meta.k8s.io", kind: "DeleteOptions"), "",
                [
                    .invalid(
                        "propagationPolicy", .string(options.propagationPolicy?.rawValue ?? ""),
                        "orphanDependents and deletionPropagation cannot be both set")
                ])
        }
    }
}

/// A pod's deletion: the node's agent gets time to stop the containers.
enum PodDeletion {
    enum Outcome {
        case atOnce
        case pending
        case graceful(timestamp: String, seconds: Int64, isFirst: Bool)
    }

    /// The end of the year 9999, the last that a timestamp can tell.
    private static let lastSecond = 253_402_300_799.0

    static func decide(_ pod: Object, _ options: DeleteOptions, now: Double) -> Outcome {
        let metadata = pod.metadata
        let given = options.gracePeriodSeconds.map { $0 < 0 ? 1 : $0 }
        if let timestamp = metadata.deletionTimestamp {
            guard let current = metadata.deletionGracePeriodSeconds, current > 0 else { return .atOnce }
            // The grace period can only be cut short.
            guard let given, given < current, let end = Timestamp.parse(timestamp) else { return .pending }
            return .graceful(timestamp: Timestamp.format(end - Double(current) + Double(given)), seconds: given, isFirst: false)
        }
        let tree = pod.tree
        var seconds = given ?? tree[path: "spec", "terminationGracePeriodSeconds"]?.int ?? 0
        let phase = tree["status"]?.text("phase") ?? ""
        if !(tree["spec"]?.has("nodeName") ?? false) || phase == "Failed" || phase == "Succeeded" { seconds = 0 }
        if seconds < 0 { seconds = 1 }
        // A grace period without end ends with the calendar.
        let end = min(now + Double(seconds), lastSecond)
        return .graceful(timestamp: Timestamp.format(end), seconds: seconds, isFirst: true)
    }
}
