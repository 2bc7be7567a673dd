import KubeObject
import KubeRegistry

/// A FlowSchema as requests are matched by it.
/// Source: https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/flow-schema-v1/
struct FlowSchemaRule: Sendable {
    enum Distinguisher: Sendable {
        case none, user, namespace
    }

    let name: String
    let uid: String
    let level: String
    let precedence: Int64
    let distinguisher: Distinguisher
    private let rules: [Rule]

    init(_ object: Object) {
        let spec = object.tree["spec"] ?? [:]
        self.name = object.metadata.name
        self.uid = object.metadata.uid
        self.level = spec[path: "priorityLevelConfiguration", "name"]?.string ?? ""
        self.precedence = spec["matchingPrecedence"]?.int ?? 1000
        self.distinguisher =
            switch spec[path: "distinguisherMethod", "type"]?.string {
            case "ByUser": .user
            case "ByNamespace": .namespace
            default: .none
            }
        self.rules = (spec["rules"]?.elements ?? []).map(Rule.init)
    }

    func matches(_ info: RequestInfo, _ user: UserInfo) -> Bool {
        self.rules.contains { rule in
            guard rule.subjects.contains(where: { $0.matches(user) }) else { return false }
            return info.isResource
                ? rule.resources.contains { $0.matches(info) } : rule.paths.contains { $0.matches(info) }
        }
    }

    private struct Rule: Sendable {
        let subjects: [Subject]
        let resources: [ResourceRule]
        let paths: [PathRule]

        init(_ tree: JSON) {
            self.subjects = (tree["subjects"]?.elements ?? []).compactMap(Subject.init)
            self.resources = (tree["resourceRules"]?.elements ?? []).map(ResourceRule.init)
            self.paths = (tree["nonResourceRules"]?.elements ?? []).map(PathRule.init)
        }
    }

    private enum Subject: Sendable {
        case anybody
        case user(String)
        case group(String)
        /// A service account's user name, or what those of a namespace begin with.
        case account(String, isPrefix: Bool)

        init?(_ tree: JSON) {
            switch tree["kind"]?.string {
            case "User":
                guard let name = tree[path: "user", "name"]?.string else { return nil }
                self = name == "*" ? .anybody : .user(name)
            case "Group":
                guard let name = tree[path: "group", "name"]?.string else { return nil }
                self = name == "*" ? .anybody : .group(name)
            case "ServiceAccount":
                guard let account = tree["serviceAccount"], let name = account["name"]?.string,
                    let namespace = account["namespace"]?.string
                else { return nil }
                let prefix = "system:serviceaccount:\(namespace):"
                self = name == "*" ? .account(prefix, isPrefix: true) : .account(prefix + name, isPrefix: false)
            default: return nil
            }
        }

        func matches(_ user: UserInfo) -> Bool {
            switch self {
            case .anybody: true
            case .user(let name): user.name == name
            case .group(let name): user.groups.contains(name)
            case .account(let name, isPrefix: true): user.name.hasPrefix(name)
            case .account(let name, isPrefix: false): user.name == name
            }
        }
    }

    /// A list of which `*` alone means everything.
    private struct Choice: Sendable {
        private let values: [String]
        private let isAll: Bool

        init(_ tree: JSON?) {
            self.values = tree?.strings ?? []
            self.isAll = self.values == ["*"]
        }

        func contains(_ value: String) -> Bool { self.isAll || self.values.contains(value) }
    }

    private struct ResourceRule: Sendable {
        let verbs, groups, resources, namespaces: Choice
        let isClusterScope: Bool

        init(_ tree: JSON) {
            self.verbs = Choice(tree["verbs"])
            self.groups = Choice(tree["apiGroups"])
            self.resources = Choice(tree["resources"])
            self.namespaces = Choice(tree["namespaces"])
            self.isClusterScope = tree["clusterScope"]?.bool ?? false
        }

        func matches(_ info: RequestInfo) -> Bool {
            guard self.verbs.contains(info.verb), self.groups.contains(info.group),
                self.resources.contains(info.subresource.isEmpty ? info.resource : "\(info.resource)/\(info.subresource)")
            else { return false }
            return info.namespace.isEmpty ? self.isClusterScope : self.namespaces.contains(info.namespace)
        }
    }

    private struct PathRule: Sendable {
        let verbs: Choice
        let paths: [String]

        init(_ tree: JSON) {
            self.verbs = Choice(tree["verbs"])
            self.paths = tree["nonResourceURLs"]?.strings ?? []
        }

        func matches(_ info: RequestInfo) -> Bool {
            self.verbs.contains(info.verb)
                && self.paths.contains { path in
                    if path == "*" || path == info.path { return true }
                    let prefix = path.hasSuffix("*") ? String(path.dropLast()) : path
                    return info.path.hasPrefix(prefix.hasSuffix("/") ? prefix : prefix + "/")
                }
        }
    }
}
