public import KubeObject
import KubeRegistry

/// Which requests are written to the audit log, and how much of them.
/// Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Policy
public struct AuditPolicy: Sendable {
    /// How much of a request is noted.
    enum Level: String, Sendable, Comparable, CaseIterable {
        case none = "None"
        case metadata = "Metadata"
        case request = "Request"
        case requestResponse = "RequestResponse"

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
        static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
    }

    /// When a request is noted.
    enum Stage: String, Sendable {
        case requestReceived = "RequestReceived"
        case responseStarted = "ResponseStarted"
        case responseComplete = "ResponseComplete"
        case panic = "Panic"
    }

    /// What is wrong with a policy.
    public struct Failure: Error, CustomStringConvertible {
        /// Which field, and why.
        public let description: String

        /// See the property.
        public init(description: String) { self.description = description }
    }

    /// What the first rule that a request matches says.
    struct Verdict: Sendable, Equatable {
        var level: Level
        var omittedStages: Set<Stage>
        var omitsManagedFields: Bool

        func notes(_ stage: Stage) -> Bool { level != .none && !omittedStages.contains(stage) }
    }

    private let rules: [AuditRule]
    private let omittedStages: Set<Stage>
    private let omitsManagedFields: Bool

    /// Reads a `Policy` of `audit.k8s.io/v1`.
    public init(_ tree: JSON) throws(Failure) {
        guard tree["kind"]?.string == "Policy", tree["apiVersion"]?.string == "audit.k8s.io/v1" else {
            throw Failure(description: "it isn't a Policy of audit.k8s.io/v1")
        }
        self.omittedStages = try AuditRule.stages(tree["omitStages"], "omitStages")
        self.omitsManagedFields = tree["omitManagedFields"]?.bool ?? false
        var rules: [AuditRule] = []
        for (index, rule) in (tree["rules"]?.elements ?? []).enumerated() {
            rules.append(try AuditRule(rule, "rules[\(index)]"))
        }
        guard !rules.isEmpty else { throw Failure(description: "rules: must have at least one") }
        self.rules = rules
    }

    /// Secrets, tokens and what is asked about tokens are never noted with their contents, whatever the rules say.
    func verdict(on request: AccessAttributes) -> Verdict {
        guard let rule = self.rules.first(where: { $0.matches(request) }) else {
            return Verdict(level: .none, omittedStages: [], omitsManagedFields: false)
        }
        let isConfidential =
            (request.apiGroup.isEmpty
                && (request.resource == "secrets" || (request.resource == "serviceaccounts" && request.subresource == "token")))
            || (request.apiGroup == "authentication.k8s.io" && request.resource == "tokenreviews")
            || (request.apiGroup == "sampan.dev" && ["export", "import", "kubeconfig"].contains(request.subresource))
        return Verdict(
            level: isConfidential ? min(rule.level, .metadata) : rule.level,
            omittedStages: self.omittedStages.union(rule.omittedStages),
            omitsManagedFields: rule.omitsManagedFields ?? self.omitsManagedFields)
    }
}

/// One rule of a policy.
struct AuditRule: Sendable {
    let level: AuditPolicy.Level
    let omittedStages: Set<AuditPolicy.Stage>
    let omitsManagedFields: Bool?
    private let users: [String]
    private let groups: [String]
    private let verbs: [String]
    private let resources: [(group: String, resources: [String], names: [String])]
    private let namespaces: [String]
    private let paths: [String]

    init(_ tree: JSON, _ path: String) throws(AuditPolicy.Failure) {
        guard let level = AuditPolicy.Level(rawValue: tree["level"]?.string ?? "") else {
            throw AuditPolicy.Failure(
                description: "\(path).level: must be one of None, Metadata, Request, RequestResponse")
        }
        self.level = level
        self.omittedStages = try Self.stages(tree["omitStages"], "\(path).omitStages")
        self.omitsManagedFields = tree["omitManagedFields"]?.bool
        self.users = tree["users"]?.strings ?? []
        self.groups = tree["userGroups"]?.strings ?? []
        self.verbs = tree["verbs"]?.strings ?? []
        self.resources = (tree["resources"]?.elements ?? []).map {
            ($0["group"]?.string ?? "", $0["resources"]?.strings ?? [], $0["resourceNames"]?.strings ?? [])
        }
        self.namespaces = tree["namespaces"]?.strings ?? []
        self.paths = tree["nonResourceURLs"]?.strings ?? []
        if !self.paths.isEmpty, !self.resources.isEmpty || !self.namespaces.isEmpty {
            throw AuditPolicy.Failure(
                description: "\(path).nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs")
        }
    }

    static func stages(_ tree: JSON?, _ path: String) throws(AuditPolicy.Failure) -> Set<AuditPolicy.Stage> {
        var stages: Set<AuditPolicy.Stage> = []
        for name in tree?.strings ?? [] {
            guard let stage = AuditPolicy.Stage(rawValue: name) else {
                throw AuditPolicy.Failure(description: "\(path): \(name) is no stage")
            }
            stages.insert(stage)
        }
        return stages
    }

    func matches(_ request: AccessAttributes) -> Bool {
        if !self.users.isEmpty, !self.users.contains(request.user.name) { return false }
        if !self.groups.isEmpty, !self.groups.contains(where: request.user.groups.contains) { return false }
        if !self.verbs.isEmpty, !self.verbs.contains(request.verb) { return false }
        if !self.namespaces.isEmpty || !self.resources.isEmpty {
            guard request.isResourceRequest else { return false }
            if !self.namespaces.isEmpty, !self.namespaces.contains(request.namespace) { return false }
            return self.resources.isEmpty || self.resources.contains { Self.matches(request, $0) }
        }
        if !self.paths.isEmpty {
            guard !request.isResourceRequest else { return false }
            return self.paths.contains { path in
                path == "*" || path == request.path
                    || (path.hasSuffix("*") && request.path.hasPrefix(path.dropLast().trimmingSuffix("/")))
            }
        }
        return true
    }

    private static func matches(
        _ request: AccessAttributes, _ entry: (group: String, resources: [String], names: [String])
    ) -> Bool {
        guard entry.group == request.apiGroup else { return false }
        if entry.resources.isEmpty { return true }
        guard entry.names.isEmpty || entry.names.contains(request.name) else { return false }
        let combined = request.subresource.isEmpty ? request.resource : "\(request.resource)/\(request.subresource)"
        return entry.resources.contains { pattern in
            if pattern == "*" || pattern == combined { return true }
            if request.subresource.isEmpty { return false }
            return pattern == "*/\(request.subresource)" || pattern == "\(request.resource)/*"
        }
    }
}

extension Substring {
    fileprivate func trimmingSuffix(_ suffix: String) -> Substring { hasSuffix(suffix) ? dropLast(suffix.count) : self }
}
