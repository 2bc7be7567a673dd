public import KubeObject
import KubeSchema
import KubeStore

/// Pods are no more than their namespace's labels allow; who makes what will make such pods is warned.
public struct PodSecurityAdmission: ValidatingAdmissionPlugin {
    private static let auditPrefix = PodSecurityPolicy.prefix
    static let ignoredSubresources: Set<String> = [
        "exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status",
    ]
    /// How many of a namespace's pods are looked at when its labels change.
    private static let maximumPods = 3000

    /// Where the kinds that make pods have their template.
    static let templates: [GroupResource: [String]] = [
        GroupResource(group: "", resource: "replicationcontrollers"): ["spec", "template"],
        GroupResource(group: "", resource: "podtemplates"): ["template"],
        GroupResource(group: "apps", resource: "replicasets"): ["spec", "template"],
        GroupResource(group: "apps", resource: "deployments"): ["spec", "template"],
        GroupResource(group: "apps", resource: "statefulsets"): ["spec", "template"],
        GroupResource(group: "apps", resource: "daemonsets"): ["spec", "template"],
        GroupResource(group: "batch", resource: "jobs"): ["spec", "template"],
        GroupResource(group: "batch", resource: "cronjobs"): ["spec", "jobTemplate", "spec", "template"],
    ]

    public init() {}

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create || request.operation == .update else { return }
        let resource = request.resource.storedResource
        if resource == GroupResource(group: "", resource: "namespaces") { return try checkNamespace(request) }
        let isPod = resource == GroupResource(group: "", resource: "pods")
        guard isPod || Self.templates[resource] != nil, let policy = Self.policy(of: request.namespace, request.snapshot) else {
            return
        }
        if isPod {
            guard !Self.ignoredSubresources.contains(request.subresource), !policy.isPrivileged else { return }
            if let old = request.old, !Self.isSignificant(request.object, old.tree) { return }
            try evaluate(policy, metadata: request.object["metadata"], spec: request.object["spec"], request, enforces: true)
        } else if request.subresource.isEmpty, !policy.asksNothingOfControllers {
            guard let template = request.object[keys: Self.templates[resource]?[...] ?? []], !template.isNull else { return }
            try evaluate(policy, metadata: template["metadata"], spec: template["spec"], request, enforces: false)
        }
    }

    /// Nil when the namespace says nothing, as most do.
    private static func policy(of namespace: String, _ snapshot: Snapshot) -> PodSecurityPolicy? {
        guard let found = snapshot.get(Key(group: "", plural: "namespaces", name: namespace)) else { return nil }
        let labels = found.metadata.labels
        guard labels.keys.contains(where: { $0.hasPrefix(PodSecurityPolicy.prefix) }) else { return nil }
        return PodSecurityPolicy(labels: labels)
    }

    private func evaluate(
        _ policy: PodSecurityPolicy, metadata: JSON?, spec: JSON?, _ request: AdmissionRequest, enforces: Bool
    ) throws(StatusError) {
        let notes = request.context.notes
        func violations(_ standard: PodSecurityStandard) -> String {
            PodSecurityCheck.text(
                PodSecurityCheck.violations(of: standard, metadata: metadata ?? [:], spec: spec ?? [:]))
        }
        if let first = policy.problems.first {
            notes?.annotate("\(Self.auditPrefix)error", "Failed to parse policy: \(first.description)")
        }
        let enforced = enforces ? violations(policy.enforce) : ""
        if enforces { notes?.annotate("\(Self.auditPrefix)enforce-policy", policy.enforce.description) }
        let audited = policy.audit == policy.enforce && enforces ? enforced : violations(policy.audit)
        if !audited.isEmpty {
            notes?.annotate(
                "\(Self.auditPrefix)audit-violations", "would violate PodSecurity \(quoted(policy.audit.description)): \(audited)"
            )
        }
        if !enforced.isEmpty {
            throw .forbidden(
                request.resource.groupResource, request.name,
                "violates PodSecurity \(quoted(policy.enforce.description)): \(enforced)")
        }
        guard let notes else { return }
        let warned = violations(policy.warn)
        if !warned.isEmpty {
            notes.warn("would violate PodSecurity \(quoted(policy.warn.description)): \(warned)")
        }
    }

    /// Whether an update changes anything that a standard is about. Images aren't.
    static func isSignificant(_ pod: JSON, _ old: JSON) -> Bool {
        func relevant(_ tree: JSON) -> JSON {
            var spec = tree["spec"] ?? [:]
            for key in ["initContainers", "containers", "ephemeralContainers"] { spec.editEach(key) { $0["image"] = nil } }
            let annotations = (tree[path: "metadata", "annotations"]?.stringMap ?? [:]).filter {
                $0.key.contains("seccomp.security.") || $0.key.contains("apparmor.security.")
            }
            return ["spec": spec, "annotations": JSON(annotations)]
        }
        return relevant(pod) != relevant(old)
    }

    // MARK: Namespaces

    private func checkNamespace(_ request: AdmissionRequest) throws(StatusError) {
        guard request.subresource.isEmpty else { return }
        let labels = request.object[path: "metadata", "labels"]?.stringMap ?? [:]
        let before = request.old?.metadata.labels
        if labels == before { return }
        let policy = PodSecurityPolicy(labels: labels)
        let known = before.map { PodSecurityPolicy(labels: $0) }
        if !policy.problems.isEmpty, policy.problems != known?.problems {
            let texts = policy.problems.map(\.description)
            var error = StatusError.forbidden(
                request.resource.groupResource, request.name,
                texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]")
            error.code = 422
            error.reason = "Invalid"
            throw error
        }
        guard let known, let notes = request.context.notes, policy.enforce != known.enforce,
            policy.enforce.level != .privileged,
            policy.enforce.minor != known.enforce.minor || policy.enforce.level.rank > known.enforce.level.rank
        else { return }
        for warning in Self.warnings(about: request.name, policy.enforce, request.snapshot) { notes.warn(warning) }
    }

    /// Which living pods a namespace would refuse by now.
    private static func warnings(
        about namespace: String, _ standard: PodSecurityStandard, _ snapshot: Snapshot
    ) -> [String] {
        var found: [(text: String, pod: String, count: Int)] = []
        let prefix = Key.prefix(group: "", plural: "pods", namespace: namespace)
        for pod in snapshot.objects(prefix: prefix, limit: maximumPods) {
            let tree = pod.tree
            let violations = PodSecurityCheck.violations(
                of: standard, metadata: tree["metadata"] ?? [:], spec: tree["spec"] ?? [:])
            if violations.isEmpty { continue }
            let text = violations.map(\.reason).joined(separator: ", ")
            if let index = found.firstIndex(where: { $0.text == text }) {
                found[index].count += 1
            } else {
                found.append((text, pod.metadata.name, 1))
            }
        }
        if found.isEmpty { return [] }
        return [
            "existing pods in namespace \(quoted(namespace)) violate the new PodSecurity enforce level \(quoted(standard.description))"
        ]
            + found.map { text, pod, count in
                switch count {
                case 1: "\(pod): \(text)"
                case 2: "\(pod) (and 1 other pod): \(text)"
                default: "\(pod) (and \(count - 1) other pods): \(text)"
                }
            }
    }
}
