import KubeAPI
public import KubeObject
public import KubeRegistry
public import KubeStore

/// Answers `virtualclusters/NAME/authority`: gives a cluster a new authority for its clients' certificates and a new key for its service
/// accounts' tokens, or ends the trust in those that it had.
///
/// The change is one commit. What follows from it (``VirtualClusterReconciler``) is written on the object, so that a kill in between
/// leaves something that has a next step.
public struct AuthorityHandler: SubresourceHandler {
    /// On a virtual cluster: until when something is trusted that its authority was.
    static let annotation = "sampan.dev/former-authority-trusted-until"
    static let defaultKeep: Int64 = 24 * 3600
    static let keeps: ClosedRange<Int64> = 1...365 * 86_400

    private let store: Store
    private let authorities: ClusterAuthorities

    /// - Parameter store: where the clusters are.
    public init(store: Store, authorities: ClusterAuthorities) {
        self.store = store
        self.authorities = authorities
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let action = body["action"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "Rotate"
        let keep = body["keepSeconds"]?.int ?? Self.defaultKeep
        var errors: [FieldError] = []
        if !["Rotate", "Retire"].contains(action) {
            errors.append(.notSupported("action", .string(action), ["Rotate", "Retire"]))
        }
        if !Self.keeps.contains(keep) {
            errors.append(
                .invalid(
                    "keepSeconds", .int(keep), "must be between \(Self.keeps.lowerBound) and \(Self.keeps.upperBound)"))
        }
        guard errors.isEmpty else {
            throw .invalid(GroupKind(group: Platform.group, kind: "AuthorityRotation"), name, errors)
        }
        let now = Timestamp.seconds
        let cluster = try await cluster(namespace, name, context.cluster)
        if options.dryRun { return Self.answer(action, keep, until: action == "Rotate" ? now + Double(keep) : nil) }
        let changed = try await change(cluster, keep: action == "Rotate" ? Double(keep) : nil, now)
        let until = changed.formerTrustedUntil(now: now)
        try await note(until: until ?? now, namespace, name, context.cluster)
        return Self.answer(action, keep, until: until)
    }

    /// - Parameter keep: how long former ones are believed, in seconds; nil to rotate nothing and to believe none.
    private func change(
        _ cluster: LogicalCluster, keep: Double?, _ now: Double
    ) async throws(StatusError) -> ClusterIdentity {
        do {
            return try await authorities.change(cluster) { identity in
                guard let keep else { return identity.retiring(everything: true, now: now) }
                return try identity.rotated(clusterName: cluster.name, keeping: keep, now: now)
            }
        } catch {
            if let error = error as? StatusError { throw error }
            if let error = error as? ClusterIdentity.RotationError {
                throw .conflict(Platform.virtualClusters, cluster.name, error.description)
            }
            throw .internalError("changing the authority of cluster \(cluster.name): \(error)")
        }
    }

    private func cluster(
        _ namespace: String, _ name: String, _ root: LogicalCluster
    ) async throws(StatusError) -> LogicalCluster {
        let logical = ClusterName.logical(namespace: namespace, name: name)
        let object = root.snapshot.get(Self.key(namespace, name))
        let found: LogicalCluster?
        do { found = try await store.cluster(logical) } catch { throw .internalError("loading the cluster: \(error)") }
        guard let object, let found, store.info(logical)?.uid == object.metadata.uid else {
            throw .notFound(Platform.virtualClusters, name)
        }
        return found
    }

    private static func key(_ namespace: String, _ name: String) -> Key {
        Key(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: namespace, name: name)
    }

    /// Notes on the object when trust is to be ended, by which the reconciler is told.
    private func note(until: Double, _ namespace: String, _ name: String, _ root: LogicalCluster) async throws(StatusError) {
        for _ in 0..<20 {
            // Deleted meanwhile: then the cluster goes too.
            guard let object = root.snapshot.get(Self.key(namespace, name)) else { return }
            var tree = object.tree
            tree[path: "metadata", "annotations", Self.annotation] = .string(Timestamp.format(until))
            do {
                _ = try await root.commit([
                    .put(try Draft(tree), at: Self.key(namespace, name), expect: .revision(object.metadata.resourceVersion))
                ])
                return
            } catch StoreError.conflict {
                continue
            } catch {
                throw .internalError("noting the change of authority of cluster \(name): \(error)")
            }
        }
    }

    private static func answer(_ action: String, _ keep: Int64, until: Double?) -> WriteResult {
        var tree: JSON = [
            "apiVersion": .string(Platform.version.apiVersion), "kind": "AuthorityRotation", "action": .string(action),
        ]
        if action == "Rotate" { tree["keepSeconds"] = .int(keep) }
        if let until { tree["formerTrustedUntil"] = .string(Timestamp.format(until)) }
        return WriteResult(.document(tree), code: 201)
    }
}
