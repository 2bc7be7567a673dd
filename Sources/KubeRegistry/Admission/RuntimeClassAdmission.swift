public import KubeObject
import KubeSchema
import KubeStore

/// Pods get from their runtime class what it costs (`overhead`) and where it can be had (`scheduling`).
/// Source: https://kubernetes.io/docs/concepts/containers/runtime-class/
public struct RuntimeClassAdmission: MutatingAdmissionPlugin, ValidatingAdmissionPlugin {
    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard Self.concerns(request), let runtimeClass = try Self.runtimeClass(request) else { return }
        var spec = request.object["spec"] ?? [:]
        if let overhead = Self.overhead(runtimeClass) {
            if let given = spec.present("overhead"), ResourceAmounts(given) != ResourceAmounts(overhead) {
                throw Self.mismatch(request)
            }
            spec["overhead"] = overhead
        }
        if let scheduling = runtimeClass.present("scheduling") {
            try Self.addSelector(scheduling["nodeSelector"], to: &spec, request)
            let tolerations = Tolerations.merged(spec["tolerations"]?.elements ?? [], scheduling["tolerations"]?.elements ?? [])
            if !tolerations.isEmpty { spec["tolerations"] = .array(tolerations) }
        }
        request.object["spec"] = spec
    }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard Self.concerns(request) else { return }
        let overhead = try Self.runtimeClass(request).flatMap(Self.overhead)
        let given = request.object[path: "spec", "overhead"]
        if let overhead {
            if ResourceAmounts(given) != ResourceAmounts(overhead) { throw Self.mismatch(request) }
        } else if given?.object != nil {
            throw Self.refused(request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        }
    }

    private static func concerns(_ request: AdmissionRequest) -> Bool {
        request.operation == .create && request.subresource.isEmpty && request.resource.plural == "pods"
            && request.resource.group.isEmpty
    }

    /// The class that the pod names.
    private static func runtimeClass(_ request: AdmissionRequest) throws(StatusError) -> JSON? {
        let name = request.object[path: "spec", "runtimeClassName"]?.string ?? ""
        guard !name.isEmpty else { return nil }
        guard let found = request.snapshot.get(Key(group: "node.k8s.io", plural: "runtimeclasses", name: name)) else {
            throw refused(request, "pod rejected: RuntimeClass \"\(name)\" not found")
        }
        return found.tree
    }

    private static func overhead(_ runtimeClass: JSON) -> JSON? {
        runtimeClass.present("overhead").map { $0["podFixed"] ?? [:] }
    }

    private static func addSelector(_ wanted: JSON?, to spec: inout JSON, _ request: AdmissionRequest) throws(StatusError) {
        guard let wanted = wanted?.object, !wanted.isEmpty else { return }
        var selector = spec["nodeSelector"] ?? [:]
        for (key, value) in wanted {
            if let given = selector[key], given != value {
                throw refused(
                    request,
                    "conflict: runtimeClass.scheduling.nodeSelector[\(key)] = \(value.string ?? ""); "
                        + "pod.spec.nodeSelector[\(key)] = \(given.string ?? "")")
            }
            selector[key] = value
        }
        spec["nodeSelector"] = selector
    }

    private static func mismatch(_ request: AdmissionRequest) -> StatusError {
        refused(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
    }

    private static func refused(_ request: AdmissionRequest, _ why: String) -> StatusError {
        .forbidden(request.resource.groupResource, request.name, why)
    }
}

/// Lists of tolerations put together.
enum Tolerations {
    /// Both, without those that another one includes; of equal ones the first stays.
    static func merged(_ first: [JSON], _ second: [JSON]) -> [JSON] {
        let all = first + second
        var merged: [JSON] = []
        for (index, toleration) in all.enumerated() {
            let isIncluded =
                merged.contains { includes($0, toleration) }
                || all[(index + 1)...].contains { $0 != toleration && includes($0, toleration) }
            if !isIncluded { merged.append(toleration) }
        }
        return merged
    }

    private static func includes(_ wider: JSON, _ other: JSON) -> Bool {
        if wider == other { return true }
        func text(_ toleration: JSON, _ field: String) -> String { toleration[field]?.string ?? "" }
        let isExists = text(wider, "operator") == "Exists"
        guard text(wider, "key") == text(other, "key") || text(wider, "key").isEmpty && isExists else { return false }
        guard text(wider, "effect") == text(other, "effect") || text(wider, "effect").isEmpty else { return false }
        if text(wider, "effect") == "NoExecute", let seconds = wider["tolerationSeconds"]?.int {
            guard let others = other["tolerationSeconds"]?.int, others <= seconds else { return false }
        }
        if isExists { return true }
        return ["", "Equal"].contains(text(wider, "operator")) && ["", "Equal"].contains(text(other, "operator"))
            && text(wider, "value") == text(other, "value")
    }
}
