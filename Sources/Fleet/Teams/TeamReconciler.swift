public import KubeControllers
import KubeObject
public import KubeSchema
public import KubeStore

/// Gives each team its namespace and its members their permissions in it, and counts its clusters.
public struct TeamReconciler: Reconciler {
    private let teams: ResourceType
    private let namespaces: ResourceType
    private let access: [GroupResource: ResourceType]

    /// - Parameter schema: the root cluster's; nil is answered when it has no teams.
    public init?(schema: Schema) {
        let kinds = [TeamObjects.roleBindings, TeamObjects.clusterRoles, TeamObjects.clusterRoleBindings]
        guard let teams = schema.resource(Platform.teams),
            let namespaces = schema.resource(GroupResource(group: "", resource: "namespaces"))
        else { return nil }
        var access: [GroupResource: ResourceType] = [:]
        for kind in kinds {
            guard let resource = schema.resource(kind) else { return nil }
            access[kind] = resource
        }
        self.teams = teams
        self.namespaces = namespaces
        self.access = access
    }

    public var name: String { "team-controller" }
    public var watched: [String] {
        [
            Platform.teams, Platform.virtualClusters, TeamObjects.roleBindings, TeamObjects.clusterRoles,
            TeamObjects.clusterRoleBindings,
        ]
        .map { Key.prefix(group: $0.group, plural: $0.resource, namespace: nil) }
            + [Key.prefix(group: "", plural: "namespaces", namespace: nil)]
    }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        guard cluster.name == Platform.rootCluster else { return [] }
        switch (event.key.group, event.key.plural) {
        case (Platform.group, Platform.teams.resource): return [ObjectName(name: event.key.name)]
        case (Platform.group, _):
            // Only how many there are matters, and how many of them are awake.
            guard event.key.namespace != ClusterName.noTeam else { return [] }
            if event.type == .modified, let previous = event.previous,
                SleepState(previous.tree).isAwake == SleepState(event.object.tree).isAwake
            {
                return []
            }
            return [ObjectName(name: event.key.namespace)]
        default:
            // What belongs to a team says so; somebody else's change of it is undone.
            return event.object.metadata.ownerReferences.filter {
                $0.kind == "Team" && $0.apiVersion == Platform.version.apiVersion
            }
            .map { ObjectName(name: $0.name) }
        }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let object = work.object(teams), object.metadata.deletionTimestamp == nil else { return .done }
        let team = Team(object)
        guard try await hasNamespace(team, work) else { return Outcome(after: .seconds(2)) }
        for wanted in TeamObjects.access(team) {
            guard let resource = access[wanted.resource] else { continue }
            try await bring(wanted, resource, work)
        }
        try await report(team, work, problem: nil)
        return .done
    }

    /// Makes the namespace; false when it isn't the team's, or is going away.
    private func hasNamespace(_ team: Team, _ work: Work) async throws -> Bool {
        guard let namespace = work.snapshot.get(Key(group: "", plural: "namespaces", name: team.name)) else {
            try await work.create(TeamObjects.namespace(team), namespaces)
            return true
        }
        let isOurs = namespace.metadata.ownerReferences.contains { $0.uid == team.object.metadata.uid }
        if isOurs, namespace.metadata.deletionTimestamp == nil { return true }
        let problem =
            isOurs || namespace.metadata.deletionTimestamp != nil
            ? ("NamespaceTerminating", "The namespace \(team.name) is being deleted; it is made anew afterwards.")
            : ("NamespaceTaken", "The namespace \(team.name) is not the team's. Delete it, or give the team another name.")
        try await report(team, work, problem: problem)
        return false
    }

    private func bring(_ wanted: TeamObjects.Wanted, _ resource: ResourceType, _ work: Work) async throws {
        let key = Key(
            group: wanted.resource.group, plural: wanted.resource.resource, namespace: wanted.namespace, name: wanted.name)
        guard let existing = work.snapshot.get(key) else {
            try await work.create(wanted.object, resource, namespace: wanted.namespace)
            return
        }
        let fields = ["rules", "subjects"].filter { existing.tree[$0] ?? .array([]) != wanted.object[$0] ?? .array([]) }
        guard !fields.isEmpty else { return }
        try await work.change(resource, existing.metadata) { tree in
            for field in fields { tree[field] = wanted.object[field] }
        }
    }

    /// Says how the team is, over what others say of it.
    private func report(_ team: Team, _ work: Work, problem: (reason: String, message: String)?) async throws {
        let charge = TeamCharge(team, in: work.cluster.snapshot)
        let time = Timestamp.format(work.now)
        func bring(_ status: inout JSON) {
            let ready = Condition(
                "Ready", problem == nil ? .true : .false, reason: problem?.reason ?? "Created",
                message: problem?.message ?? "The team's namespace and its members' permissions are there.")
            var conditions = (status["conditions"]?.elements ?? []).map(Condition.init)
            let known = conditions.first { $0.type == "Ready" }
            if known?.status != ready.status || known?.reason != ready.reason || known?.message != ready.message {
                conditions.removeAll { $0.type == "Ready" }
                var ready = ready
                ready.lastTransitionTime = known?.status == ready.status ? known?.lastTransitionTime : time
                conditions.append(ready)
            }
            status["namespace"] = .string(team.name)
            status["observedGeneration"] = .int(team.object.metadata.generation)
            status["clusters"] = .int(Int64(charge.clusters.count))
            status["awakeClusters"] = .int(Int64(charge.awake.count))
            status["conditions"] = .array(conditions.map(\.tree))
        }
        var status = team.object.tree["status"] ?? [:]
        bring(&status)
        guard status != team.object.tree["status"] else { return }
        try await work.change(teams, team.object.metadata, subresource: "status") { tree in
            var status = tree["status"] ?? [:]
            bring(&status)
            tree["status"] = status
        }
    }
}
