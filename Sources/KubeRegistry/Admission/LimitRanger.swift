public import KubeObject
import KubeSchema
import KubeStore

/// Containers get the requests and limits that the namespace's limit ranges give by default, and keep to their bounds.
public struct LimitRanger: MutatingAdmissionPlugin {
    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard Self.concerns(request) else { return }
        let limits = Self.limits(in: request)
        guard !limits.isEmpty else { return }
        let defaults = limits.filter { $0.text("type") == "Container" }
        request.object.edit("spec") { spec in
            for key in ["initContainers", "containers"] {
                spec.editEach(key) { container in
                    for limit in defaults {
                        Self.fill(&container, "limits", limit["default"])
                        Self.fill(&container, "requests", limit["defaultRequest"])
                    }
                }
            }
        }
        var problems: [String] = []
        let spec = request.object["spec"] ?? [:]
        let containers = (spec["containers"]?.elements ?? []) + (spec["initContainers"]?.elements ?? [])
        for limit in limits {
            switch limit.text("type") {
            case "Container":
                for container in containers {
                    problems += Self.check(
                        limit, "Container", requests: PodUsage.amounts(container[path: "resources", "requests"]),
                        limits: PodUsage.amounts(container[path: "resources", "limits"]))
                }
            case "Pod":
                problems += Self.check(
                    limit, "Pod", requests: PodUsage.total(of: request.object, "requests"),
                    limits: PodUsage.total(of: request.object, "limits"))
            default: break
            }
        }
        guard !problems.isEmpty else { return }
        throw .forbidden(
            request.resource.groupResource, request.name,
            problems.count == 1 ? problems[0] : "[\(problems.joined(separator: ", "))]")
    }

    private static func concerns(_ request: AdmissionRequest) -> Bool {
        request.operation == .create && request.subresource.isEmpty && request.resource.plural == "pods"
            && request.resource.group.isEmpty
    }

    private static func limits(in request: AdmissionRequest) -> [JSON] {
        request.snapshot.list(prefix: Key.prefix(group: "", plural: "limitranges", namespace: request.namespace))
            .flatMap { $0.tree[path: "spec", "limits"]?.elements ?? [] }
    }

    private static func fill(_ container: inout JSON, _ list: String, _ defaults: JSON?) {
        for (name, value) in defaults?.object ?? [:] where container[path: "resources", list, name] == nil {
            container[path: "resources", list, name] = value
        }
    }

    private static func check(
        _ limit: JSON, _ type: String, requests: [String: Quantity], limits: [String: Quantity]
    ) -> [String] {
        var problems: [String] = []
        for (name, bound) in PodUsage.amounts(limit["min"]).sorted(by: { $0.key < $1.key }) {
            let text = "minimum \(name) usage per \(type) is \(bound.description)"
            if let request = requests[name] {
                if request < bound { problems.append("\(text), but request is \(request.description)") }
            } else {
                problems.append("\(text).  No request is specified")
            }
            if let given = limits[name], given < bound { problems.append("\(text), but limit is \(given.description)") }
        }
        for (name, bound) in PodUsage.amounts(limit["max"]).sorted(by: { $0.key < $1.key }) {
            let text = "maximum \(name) usage per \(type) is \(bound.description)"
            if let given = limits[name] {
                if given > bound { problems.append("\(text), but limit is \(given.description)") }
            } else {
                problems.append("\(text).  No limit is specified")
            }
            if let request = requests[name], request > bound {
                problems.append("\(text), but request is \(request.description)")
            }
        }
        return problems
    }
}
