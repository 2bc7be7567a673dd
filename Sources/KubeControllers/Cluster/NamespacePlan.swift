import KubeObject

/// How far the deletion of a namespace has come, and the conditions that say so.
struct NamespacePlan {
    /// What is left of one resource.
    struct Remainder: Equatable {
        var resource: GroupVersionResource
        var count: Int
        /// By finalizer, how many objects have it.
        var finalizers: [String: Int] = [:]
        /// How long the slowest of them may take to end, in seconds after the namespace was deleted: pods do.
        var graceSeconds: Int64 = 0

        /// Why objects that nothing holds up are an error; nil when there is a reason for them, as a finalizer or the time.
        func surprise(in namespace: Object, now: Double) -> String? {
            guard count > 0, finalizers.isEmpty else { return nil }
            let deletedAt = namespace.metadata.deletionTimestamp.flatMap(Timestamp.parse) ?? now
            guard now - deletedAt >= Double(graceSeconds) else { return nil }
            let gvr = "\(resource.group)/\(resource.version), Resource=\(resource.resource)"
            return "unexpected items still remain in namespace: \(namespace.metadata.name) for gvr: \(gvr)"
        }
    }

    /// The status's conditions.
    let conditions: JSON?
    /// Whether nothing is left, so that the namespace itself may go.
    let isEmpty: Bool

    static func isActive(_ namespace: Object?) -> Bool {
        guard let namespace else { return false }
        return namespace.metadata.deletionTimestamp == nil && namespace.tree[path: "status", "phase"]?.string != "Terminating"
    }

    /// - Parameters:
    ///   - remaining: what is left after everything was asked to go.
    ///   - failures: what went wrong when asking.
    init(_ namespace: Object, remaining: [Remainder], failures: [String], now: Double) {
        let remaining = remaining.filter { $0.count > 0 }
        let failures = failures + remaining.compactMap { $0.surprise(in: namespace, now: now) }
        isEmpty = remaining.isEmpty && failures.isEmpty
        let time = Timestamp.format(now)
        var conditions = [Condition](of: namespace.tree["status"])
        func set(_ type: String, _ problem: (reason: String, message: String)?, fine: (reason: String, message: String)) {
            let (reason, message) = problem ?? fine
            conditions.update(
                Condition(
                    type, problem == nil ? .false : .true, reason: reason, message: message, lastTransitionTime: time))
        }
        set(
            "NamespaceDeletionDiscoveryFailure", nil,
            fine: ("ResourcesDiscovered", "All resources successfully discovered"))
        set(
            "NamespaceDeletionGroupVersionParsingFailure", nil,
            fine: ("ParsedGroupVersions", "All legacy kube types successfully parsed"))
        let failure =
            "Failed to delete all resource types, \(failures.count) remaining: \(failures.sorted().joined(separator: ", "))"
        set(
            "NamespaceDeletionContentFailure", failures.isEmpty ? nil : ("ContentDeletionFailed", failure),
            fine: ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"))
        let resources = remaining.map { "\($0.resource.resource).\($0.resource.group) has \($0.count) resource instances" }
            .sorted()
        set(
            "NamespaceContentRemaining",
            resources.isEmpty
                ? nil : ("SomeResourcesRemain", "Some resources are remaining: \(resources.joined(separator: ", "))"),
            fine: ("ContentRemoved", "All content successfully removed"))
        var finalizers: [String: Int] = [:]
        for remainder in remaining { finalizers.merge(remainder.finalizers, uniquingKeysWith: +) }
        let list = finalizers.sorted { $0.key < $1.key }.map { "\($0.key) in \($0.value) resource instances" }
        set(
            "NamespaceFinalizersRemaining",
            list.isEmpty
                ? nil
                : (
                    "SomeFinalizersRemain",
                    "Some content in the namespace has finalizers remaining: \(list.joined(separator: ", "))"
                ),
            fine: ("ContentHasNoFinalizers", "All content-preserving finalizers finished"))
        self.conditions = conditions.tree
    }
}
