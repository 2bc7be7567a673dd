public import KubeObject
public import KubeRegistry
import KubeSchema
import KubeStore

/// What a virtual cluster must be, and the finalizer that keeps its object until the cluster itself is gone.
public struct VirtualClusterAdmission: MutatingAdmissionPlugin, ValidatingAdmissionPlugin {
    static let finalizer = "sampan.dev/cluster"
    static let maximumDescription = 1024

    /// The plugin where it belongs.
    ///
    /// - Parameters:
    ///   - authorizer: who may say what clusters may have.
    ///   - quotas: has the count of what the pods of teams' clusters have.
    ///   - arrivals: knows those that come back.
    public static func chain(_ authorizer: Authorizer, quotas: QuotaKeeper, arrivals: ArchivedArrivals) -> AdmissionChain {
        let plugin = Self(authorizer: authorizer, quotas: quotas, arrivals: arrivals)
        return AdmissionChain(mutating: [plugin], validating: [plugin])
    }

    private let authorizer: Authorizer
    private let quotas: QuotaKeeper
    private let arrivals: ArchivedArrivals

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard Self.concerns(request), [.create, .update].contains(request.operation) else { return }
        let team = Team(of: request.namespace, in: request.snapshot)
        if (request.object[path: "spec", "timeToLive"]?.string ?? "").isEmpty {
            // Leaving it out of an update asks for what leaving it out of a create does.
            request.object[path: "spec", "timeToLive"] = (team?.defaultLifetime ?? team?.maximumLifetimeText).map { .string($0) }
        }
        if (request.object[path: "spec", "sleep", "afterIdle"]?.string ?? "").isEmpty, let team,
            let idle = team.defaultIdle ?? team.maximumIdleText
        {
            request.object[path: "spec", "sleep", "afterIdle"] = .string(idle)
        }
        let isolation = request.object[path: "spec", "isolation"]?.string ?? ""
        let former = request.old?.tree["spec"] ?? formerSpec(request)
        // One that said nothing before is what it is, whatever the team's default is by now.
        let isLeft = former.map { ($0["isolation"]?.string ?? "").isEmpty } ?? false
        if isolation.isEmpty, !isLeft, let standing = team?.isolation.standing {
            request.object[path: "spec", "isolation"] = .string(standing.rawValue)
        }
        if request.operation == .update, !request.context.isInternal {
            // Leaving them out of an update doesn't take them away.
            for name in Self.ownAnnotations where request.object[path: "metadata", "annotations", name] == nil {
                guard let value = request.old?.tree[path: "metadata", "annotations", name] else { continue }
                request.object[path: "metadata", "annotations", name] = value
            }
        }
        // Only the platform takes it away: what it keeps of a deleted cluster would be lost.
        let isKept = request.old.map { $0.metadata.finalizers.contains(Self.finalizer) && !request.context.isInternal } ?? true
        let finalizers = request.object[path: "metadata", "finalizers"]?.strings ?? []
        if isKept, !finalizers.contains(Self.finalizer) {
            request.object[path: "metadata", "finalizers"] = JSON(finalizers + [Self.finalizer])
        }
        guard request.operation == .create else { return }
        request.object["status"] = ["phase": "Pending"]
    }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        if Self.concerns(request, subresource: "status") { return try await chargeWake(&request) }
        guard Self.concerns(request), request.operation != .delete else { return }
        var errors: [FieldError] = []
        if request.operation == .create, let error = Self.nameError(request.name, namespace: request.namespace) {
            errors.append(error)
        }
        if request.operation == .create,
            let error = Self.takenError(request.name, namespace: request.namespace, in: request.snapshot)
        {
            errors.append(error)
        }
        errors += annotationErrors(request)
        let team = Team(of: request.namespace, in: request.snapshot)
        errors += Self.lifetimeError(request, team).map { [$0] } ?? []
        let description = request.object[path: "spec", "description"]?.string ?? ""
        if description.utf8.count > Self.maximumDescription {
            errors.append(.tooLong("spec.description", maximum: Self.maximumDescription))
        }
        if let kept = request.object[path: "spec", "keepDeletedFor"]?.string, !kept.isEmpty, Lifetime.seconds(kept) ?? -1 < 0 {
            errors.append(.invalid("spec.keepDeletedFor", .string(kept), "must be a duration, such as 0s, 2h or 24h"))
        }
        errors += ClusterPolicies.errors(in: request.object["spec"] ?? [:])
        errors += ArchitectureSpec.errors(in: request.object["spec"] ?? [:], old: request.old.map { $0.tree["spec"] ?? [:] })
        errors += NodesSpec.errors(in: request.object["spec"] ?? [:], old: request.old.map { $0.tree["spec"] ?? [:] })
        // What was right once stays right when the team's limits change.
        if request.object[path: "spec", "sleep"] != request.old?.tree[path: "spec", "sleep"] {
            errors += SleepSpec.errors(in: request.object["spec"] ?? [:], maximumIdle: team?.maximumIdle)
        }
        guard errors.isEmpty else {
            throw .invalid(GroupKind(group: Platform.group, kind: "VirtualCluster"), request.name, errors)
        }
        let former = formerSpec(request)
        try ClusterPolicyGrant.check(request, former: former, authorizer)
        try checkIsolation(request, former: former, team)
        if request.operation == .create { try Self.charge(team, &request) }
    }

    /// By which the platform tells itself what goes on with a cluster.
    private static let ownAnnotations = [ArchivedArrivals.annotation, AuthorityHandler.annotation]

    private func annotationErrors(_ request: AdmissionRequest) -> [FieldError] {
        func annotation(_ name: String, _ object: JSON?) -> JSON? { object?[path: "metadata", "annotations", name] }
        if request.context.isInternal { return [] }
        if request.operation == .create, let id = annotation(ArchivedArrivals.annotation, request.object)?.string,
            arrivals.content(id) != nil
        {
            return []
        }
        return Self.ownAnnotations.compactMap { name in
            let value = annotation(name, request.object)
            guard value != annotation(name, request.old?.tree) else { return nil }
            return .forbidden("metadata.annotations[\(name)]", "is the platform's own")
        }
    }

    /// What a cluster that comes back was allowed before.
    private func formerSpec(_ request: AdmissionRequest) -> JSON? {
        guard request.operation == .create else { return nil }
        return (request.object[path: "metadata", "annotations", ArchivedArrivals.annotation]?.string).flatMap(arrivals.formerSpec)
    }

    /// Who may say what clusters may have may give one what its team doesn't allow.
    private func checkIsolation(_ request: AdmissionRequest, former: JSON?, _ team: Team?) throws(StatusError) {
        guard let team, !request.context.isInternal,
            let refusal = team.isolation.refusal(
                of: request.object["spec"] ?? [:], old: request.old?.tree["spec"] ?? former, team: team.name),
            !ClusterPolicyGrant.isGranted(
                to: request.context, namespace: request.namespace, name: request.name, authorizer)
        else { return }
        throw .forbidden(Platform.virtualClusters, request.name, refusal)
    }

    /// Before there were teams a cluster's name could have the separator in it: such a cluster keeps its name from a team's.
    static func takenError(_ name: String, namespace: String, in root: Snapshot) -> FieldError? {
        let logical = ClusterName.logical(namespace: namespace, name: name)
        let older = Key(
            group: Platform.group, plural: Platform.virtualClusters.resource, namespace: ClusterName.noTeam, name: logical)
        guard namespace != ClusterName.noTeam, root.get(older) != nil else { return nil }
        return .invalid(
            "metadata.name", .string(name), "an older cluster, which is no team's, is called \(logical); choose another name")
    }

    /// Only a time to live that is new is judged: what was right once stays right while time goes by.
    private static func lifetimeError(_ request: AdmissionRequest, _ team: Team?) -> FieldError? {
        let text = request.object[path: "spec", "timeToLive"]?.string ?? ""
        guard text != request.old?.tree[path: "spec", "timeToLive"]?.string ?? "" else { return nil }
        guard !text.isEmpty else { return nil }
        if request.old?.metadata.deletionTimestamp != nil {
            return .forbidden("spec.timeToLive", "the cluster is being deleted")
        }
        let now = Timestamp.seconds
        let created = request.old.flatMap { Timestamp.parse($0.metadata.creationTimestamp) } ?? now
        return Lifetime.error(text, created: created, now: now, maximum: team?.maximumLifetime)
    }

    /// Counts a new cluster as its team's, in the transaction that stores it, so that no two can take the same room.
    private static func charge(_ team: Team?, _ request: inout AdmissionRequest) throws(StatusError) {
        guard request.namespace != ClusterName.noTeam else { return }
        guard let team else {
            throw .forbidden(
                Platform.virtualClusters, request.name,
                "the namespace \(request.namespace) is no team's; virtual clusters belong to a team, whose namespace has its name, or in the namespace \(ClusterName.noTeam)"
            )
        }
        guard team.object.metadata.deletionTimestamp == nil else {
            throw .forbidden(Platform.virtualClusters, request.name, "the team \(team.name) is being deleted")
        }
        let charge = TeamCharge(team, in: request.snapshot)
        try charge.requireRoom(forCluster: request.name)
        try charge.requireRoom(forAwake: request.name)
        if !request.isDryRun { request.accompanying.append(try charge.write(clusters: 1, awake: 1)) }
    }

    /// Counts a cluster that wakes as one of its team's that are awake, and its pods with it.
    private func chargeWake(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .update, let old = request.old, !SleepState(old.tree).isAwake,
            SleepState(request.object).isAwake, let team = Team(of: request.namespace, in: request.snapshot)
        else { return }
        let charge = TeamCharge(team, in: request.snapshot)
        try charge.requireRoom(forAwake: request.name)
        let logical = ClusterName.logical(namespace: request.namespace, name: request.name)
        let reservation = try await quotas.reserveWake(of: logical, team)
        guard !request.isDryRun else { return }
        request.accompanying.append(try charge.write(clusters: 0, awake: 1))
        if let reservation { request.held.append(reservation) }
    }

    private static func concerns(_ request: AdmissionRequest, subresource: String = "") -> Bool {
        Platform.isPlatform(request.context.cluster) && request.resource.gvr.groupResource == Platform.virtualClusters
            && request.subresource == subresource
    }

    /// A cluster's name is a host name's first label and a part of paths.
    static func nameError(_ name: String, namespace: String) -> FieldError? {
        let logical = ClusterName.logical(namespace: namespace, name: name)
        if logical == Platform.rootCluster {
            return .invalid("metadata.name", .string(name), "the name is the platform's own; choose another")
        }
        if logical.utf8.count > ClusterName.maximumLength {
            let prefix = logical.utf8.count - name.utf8.count
            let reason = prefix == 0 ? "" : ", of which the team's name takes \(prefix)"
            return .invalid("metadata.name", .string(name), "must be no more than \(ClusterName.maximumLength) bytes\(reason)")
        }
        if name.contains(ClusterName.separator) || namespace.contains(ClusterName.separator) {
            let part = name.contains(ClusterName.separator) ? "metadata.name" : "metadata.namespace"
            return .invalid(
                part, .string(part == "metadata.name" ? name : namespace),
                "must not contain \"\(ClusterName.separator)\", which separates a team's name from its cluster's")
        }
        let isLabel = !name.contains(".") && LabelSyntax.isSubdomain(name)
        return isLabel
            ? nil
            : .invalid(
                "metadata.name", .string(name),
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            )
    }
}
