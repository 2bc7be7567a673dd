public import KubeObject
import KubeSchema
import KubeStore

/// Nothing is created that the namespace's quotas have no room for.
///
/// What the object counts for is added to the quota's `status.used` in the transaction that stores the object, so that no two
/// creates can take the same room; the quota controller takes away what was deleted.
public struct ResourceQuotaAdmission: ValidatingAdmissionPlugin {
    public init() {}

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create, request.subresource.isEmpty, !request.namespace.isEmpty else { return }
        let prefix = Key.prefix(group: "", plural: "resourcequotas", namespace: request.namespace)
        let quotas = request.snapshot.list(prefix: prefix)
        guard !quotas.isEmpty else { return }
        let usage = QuotaUsage.of(request.object, request.resource.storedResource, now: Timestamp.seconds)
        let isPod = request.resource.storedResource == GroupResource(group: "", resource: "pods")
        for quota in quotas {
            let counts =
                isPod ? QuotaUsage.matchesScopes(quota.tree, pod: request.object) : !QuotaUsage.hasScopes(quota.tree)
            guard counts else { continue }
            let write = try Self.charge(quota, usage, request)
            if let write, !request.isDryRun { request.accompanying.append(write) }
        }
    }

    /// The quota with the object counted; nil when it doesn't count.
    private static func charge(
        _ quota: Object, _ usage: [String: Quantity], _ request: AdmissionRequest
    ) throws(StatusError) -> Write? {
        let name = quota.metadata.name
        func refuse(_ why: String) -> StatusError { .forbidden(request.resource.groupResource, request.name, why) }
        let hard = PodUsage.amounts(quota.tree[path: "spec", "hard"])
        let missing = Self.missing(hard, in: request.object, request.resource)
        if !missing.isEmpty { throw refuse("failed quota: \(name): must specify \(missing.joined(separator: "; "))") }
        let charged = usage.filter { hard[$0.key] != nil && $0.value > Quantity(0) }
        guard !charged.isEmpty else { return nil }

        let used = PodUsage.amounts(quota.tree[path: "status", "used"])
        let unknown = charged.keys.filter { used[$0] == nil }.sorted()
        if !unknown.isEmpty {
            // The quota is new: its controller counts what is there at any moment.
            throw refuse("status unknown for quota: \(name), resources: \(unknown.joined(separator: ","))")
        }
        var tree = quota.tree
        var exceeded: [String] = []
        for (resource, amount) in charged {
            let total = (used[resource] ?? Quantity(0)) + amount
            if let limit = hard[resource], total > limit { exceeded.append(resource) }
            tree[path: "status", "used", resource] = .string(total.description)
        }
        if !exceeded.isEmpty {
            exceeded.sort()
            func list(_ amounts: [String: Quantity]) -> String {
                exceeded.map { "\($0)=\((amounts[$0] ?? Quantity(0)).description)" }.joined(separator: ",")
            }
            throw refuse(
                "exceeded quota: \(name), requested: \(list(charged)), used: \(list(used)), limited: \(list(hard))")
        }
        let key = Key(group: "", plural: "resourcequotas", namespace: quota.metadata.namespace, name: name)
        return .put(
            try Registry.draft(tree, request.resource), at: key, expect: .revision(quota.metadata.resourceVersion))
    }

    /// Compute resources that the quota limits and that every container must therefore say.
    private static func missing(_ hard: [String: Quantity], in object: JSON, _ resource: ResourceType) -> [String] {
        guard resource.storedResource == GroupResource(group: "", resource: "pods") else { return [] }
        let containers =
            (object[path: "spec", "containers"]?.elements ?? []) + (object[path: "spec", "initContainers"]?.elements ?? [])
        var missing: [String] = []
        for name in hard.keys.sorted() {
            let parts = name.split(separator: ".")
            let amount = String(parts.last ?? "")
            guard ["cpu", "memory"].contains(amount), parts.count < 3 else { continue }
            let list = parts.count == 1 ? "requests" : String(parts[0])
            guard list == "requests" || list == "limits" else { continue }
            let silent = containers.filter { $0[path: "resources", list, amount] == nil }.map { $0.text("name") }
            if !silent.isEmpty { missing.append("\(name) for: \(silent.joined(separator: ","))") }
        }
        return missing
    }
}
