public import KubeObject
import KubeSchema
import KubeStore

/// Pods get the number that their priority class stands for; at most one class is the default.
public struct PriorityAdmission: MutatingAdmissionPlugin, ValidatingAdmissionPlugin {
    private static let prefix = Key.prefix(group: "scheduling.k8s.io", plural: "priorityclasses", namespace: "")

    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create, request.subresource.isEmpty, request.resource.plural == "pods",
            request.resource.group.isEmpty
        else { return }
        var spec = request.object["spec"] ?? [:]
        let name = spec.text("priorityClassName")
        let found: JSON?
        if name.isEmpty {
            found = Self.defaultClass(in: request.snapshot)?.tree
            if let found { spec["priorityClassName"] = found[path: "metadata", "name"] }
        } else {
            let key = Key(group: "scheduling.k8s.io", plural: "priorityclasses", name: name)
            guard let known = request.snapshot.get(key) else {
                throw .forbidden(
                    request.resource.groupResource, request.name, "no PriorityClass with name \(name) was found")
            }
            found = known.tree
        }
        let priority = found?["value"]?.int ?? 0
        if let given = spec["priority"]?.int, given != priority {
            throw .forbidden(
                request.resource.groupResource, request.name,
                "the integer value of priority (\(given)) must not be provided in pod spec; priority admission controller computed "
                    + "\(priority) from the given PriorityClass name")
        }
        spec["priority"] = .int(priority)
        let policy = found?.text("preemptionPolicy") ?? ""
        spec.setDefaultText("preemptionPolicy", policy.isEmpty ? "PreemptLowerPriority" : policy)
        request.object["spec"] = spec
    }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create || request.operation == .update, request.resource.plural == "priorityclasses",
            request.object["globalDefault"]?.bool == true, let current = Self.defaultClass(in: request.snapshot),
            current.metadata.name != request.name
        else { return }
        throw .forbidden(
            request.resource.groupResource, request.name,
            "PriorityClass \(current.metadata.name) is already marked as default. Only one default can exist")
    }

    private static func defaultClass(in snapshot: Snapshot) -> Object? {
        snapshot.list(prefix: prefix).filter { $0.tree["globalDefault"]?.bool == true }
            .min { ($0.tree["value"]?.int ?? 0) < ($1.tree["value"]?.int ?? 0) }
    }
}
