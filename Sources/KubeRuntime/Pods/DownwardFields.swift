import KubeObject

/// What a pod may learn about itself (`fieldRef`, `resourceFieldRef`).
struct DownwardFields: Sendable {
    let pod: Pod
    var podIPs: [String]
    var hostIPs: [String]
    /// What stands for a limit that isn't set: the node's allocatable.
    var nodeCPUs: Quantity
    var nodeMemory: Int64

    /// What the pod's volumes show of it that may change; nil when they show nothing of the kind.
    static func shownInVolumes(of pod: Pod) -> JSON? {
        let volumes = pod.spec["volumes"]?.elements ?? []
        let sources = volumes + volumes.flatMap { $0[path: "projected", "sources"]?.elements ?? [] }
        var shown: JSON = [:]
        for item in sources.flatMap({ $0[path: "downwardAPI", "items"]?.elements ?? [] }) {
            let path = item[path: "fieldRef", "fieldPath"]?.string ?? ""
            for field in ["labels", "annotations"] where path.hasPrefix("metadata." + field) {
                shown[field] = pod.tree[path: "metadata", field] ?? [:]
            }
            if item["resourceFieldRef"]?.object != nil {
                shown["resources"] = .array(pod.allContainers.map { $0.tree["resources"] ?? [:] })
            }
        }
        return shown.object?.isEmpty == false ? shown : nil
    }

    func field(_ path: String) throws(ContainerFailure) -> String {
        if let key = subscripted(path, "metadata.labels") { return pod.metadata.labels[key] ?? "" }
        if let key = subscripted(path, "metadata.annotations") { return pod.annotations[key] ?? "" }
        switch path {
        case "metadata.name": return pod.name
        case "metadata.namespace": return pod.namespace
        case "metadata.uid": return pod.uid
        case "metadata.labels": return Self.map(pod.metadata.labels)
        case "metadata.annotations": return Self.map(pod.annotations)
        case "spec.nodeName": return pod.nodeName
        case "spec.serviceAccountName": return pod.spec["serviceAccountName"]?.string ?? ""
        case "status.podIP": return podIPs.first ?? ""
        case "status.podIPs": return podIPs.joined(separator: ",")
        case "status.hostIP": return hostIPs.first ?? ""
        case "status.hostIPs": return hostIPs.joined(separator: ",")
        default: throw .config("unsupported fieldPath: \(path)")
        }
    }

    /// `limits.cpu` and the like, in units of the divisor, rounded up.
    func resource(_ reference: JSON, of containerName: String) throws(ContainerFailure) -> String {
        let name = reference["containerName"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? containerName
        let path = reference["resource"]?.string ?? ""
        let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
        guard let container = pod.container(name), parts.count == 2, parts[0] == "limits" || parts[0] == "requests" else {
            throw .config("unsupported container resource : \(path)")
        }
        let (kind, resource) = (parts[0], parts[1])
        let text = container.tree[path: "resources", kind, resource]?.string
        var amount = text.flatMap { try? Quantity($0) }
        if amount == nil && kind == "limits" {
            if resource == "cpu" { amount = nodeCPUs }
            if resource == "memory" { amount = Quantity(nodeMemory) }
        }
        let divisor = (reference["divisor"]?.string).flatMap { try? Quantity($0) }
        let value = amount ?? Quantity(0)
        let unit = divisor.map { $0.nanos == 0 ? Quantity(1) : $0 } ?? Quantity(1)
        let quotient = value.nanos / unit.nanos + (value.nanos % unit.nanos > 0 ? 1 : 0)
        return "\(quotient)"
    }

    /// `key="value"` lines, sorted, with the value quoted as Go does.
    static func map(_ values: [String: String]) -> String {
        values.sorted { $0.key < $1.key }.map { "\($0.key)=\(quoted($0.value))" }.joined(separator: "\n")
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case "\r": out += "\\r"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    private func subscripted(_ path: String, _ base: String) -> String? {
        guard path.hasPrefix(base + "['"), path.hasSuffix("']") else { return nil }
        return String(path.dropFirst(base.count + 2).dropLast(2))
    }
}
