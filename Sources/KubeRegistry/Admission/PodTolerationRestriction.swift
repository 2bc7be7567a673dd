public import KubeObject
import KubeSchema
import KubeStore

/// What a namespace's annotations say of its pods' tolerations: which ones they get, and which ones they may have.
///
/// Upstream has this off by default. Here it does nothing in a namespace that has neither annotation, which is the same.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#podtolerationrestriction
public struct PodTolerationRestriction: MutatingAdmissionPlugin, ValidatingAdmissionPlugin {
    private static let defaults = "scheduler.alpha.kubernetes.io/defaultTolerations"
    private static let allowed = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"
    /// Each is compared with each.
    private static let maximum = 500

    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard let annotations = Self.annotations(for: request) else { return }
        var added = request.operation == .create ? try Self.tolerations(Self.defaults, annotations) : []
        if QualityOfService.class(of: request.object["spec"] ?? [:]) != "BestEffort" {
            added.append(["key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"])
        }
        let present = request.object[path: "spec", "tolerations"]?.elements ?? []
        guard added.count + present.count <= Self.maximum else {
            throw StatusError(code: 500, reason: "", message: "the pod has more than \(Self.maximum) tolerations")
        }
        let merged = Self.merged(added, present)
        if merged != present { request.object[path: "spec", "tolerations"] = .array(merged) }
    }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard let annotations = Self.annotations(for: request) else { return }
        let allowed = try Self.tolerations(Self.allowed, annotations)
        guard !allowed.isEmpty else { return }
        let isAllowed = (request.object[path: "spec", "tolerations"]?.elements ?? []).allSatisfy { toleration in
            allowed.contains { Self.covers($0, toleration) }
        }
        guard isAllowed else {
            throw StatusError(
                code: 500, reason: "",
                message:
                    "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist")
        }
    }

    /// Those of the pod's namespace, if they say anything of tolerations.
    private static func annotations(for request: AdmissionRequest) -> JSON? {
        guard request.operation == .create || request.operation == .update, request.subresource.isEmpty,
            request.resource.plural == "pods", request.resource.group.isEmpty,
            let namespace = request.snapshot.get(Key(group: "", plural: "namespaces", name: request.namespace))
        else { return nil }
        guard let annotations = namespace.tree[path: "metadata", "annotations"] else { return nil }
        return annotations.has(defaults) || annotations.has(allowed) ? annotations : nil
    }

    private static func tolerations(_ key: String, _ annotations: JSON) throws(StatusError) -> [JSON] {
        let text = annotations.text(key)
        guard !text.isEmpty else { return [] }
        do {
            return try JSON(parsing: Array(text.utf8)).elements
        } catch {
            throw StatusError(code: 500, reason: "", message: "the namespace's annotation \(key): \(error)")
        }
    }

    /// Both, without those that another one says already.
    static func merged(_ first: [JSON], _ second: [JSON]) -> [JSON] {
        let all = first + second
        var merged: [JSON] = []
        for (index, toleration) in all.enumerated() {
            let isSaid =
                merged.contains { covers($0, toleration) }
                || all[(index + 1)...].contains { $0 != toleration && covers($0, toleration) }
            if !isSaid { merged.append(toleration) }
        }
        return merged
    }

    /// Whether one toleration tolerates all that another one does.
    static func covers(_ wide: JSON, _ narrow: JSON) -> Bool {
        if wide == narrow { return true }
        let isForAll = wide.text("key").isEmpty && wide.text("operator") == "Exists"
        guard wide.text("key") == narrow.text("key") || isForAll,
            wide.text("effect") == narrow.text("effect") || wide.text("effect").isEmpty
        else { return false }
        if wide.text("effect") == "NoExecute", let most = wide["tolerationSeconds"]?.int {
            guard let seconds = narrow["tolerationSeconds"]?.int, seconds <= most else { return false }
        }
        switch wide.text("operator") {
        case "", "Equal": return narrow.text("operator") == "Equal" && wide.text("value") == narrow.text("value")
        case "Exists": return true
        default: return false
        }
    }
}
