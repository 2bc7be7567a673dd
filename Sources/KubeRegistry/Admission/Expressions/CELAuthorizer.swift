import KubeObject
import KubeSchema
import KubeStore

/// `authorizer`: lets expressions ask what the requester, or a service account, may do.
/// Source: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-authorizer-library
struct CELAuthorizer: CELOpaque {
    private let authorizer: Authorizer
    private let cluster: LogicalCluster
    private let user: UserInfo
    private let request: AccessAttributes

    init(_ authorizer: Authorizer, _ request: AdmissionRequest, _ target: AdmissionTarget) {
        self.authorizer = authorizer
        cluster = request.context.cluster
        user = request.context.user
        self.request = AccessAttributes(
            user: request.context.user, verb: "", apiGroup: target.resource.group, apiVersion: target.resource.version,
            resource: target.resource.plural, subresource: request.subresource, namespace: request.reviewedNamespace,
            name: request.name)
    }

    private init(authorizer: Authorizer, cluster: LogicalCluster, user: UserInfo, request: AccessAttributes) {
        self.authorizer = authorizer
        self.cluster = cluster
        self.user = user
        self.request = request
    }

    var typeName: String { "kubernetes.authorization.Authorizer" }

    /// `authorizer.requestResource`: what the request itself is about.
    func member(_ name: String) throws(CELError) -> CELValue? {
        name == "requestResource" ? .opaque(check(request)) : nil
    }

    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue {
        switch (function, arguments.count) {
        case ("path", 1):
            let path = try CELArguments.text(function, arguments, 0)
            if path.isEmpty { throw CELError("path must not be empty") }
            return .opaque(check(AccessAttributes(user: user, verb: "", path: path)))
        case ("group", 1):
            return .opaque(
                CELGroupCheck(
                    check: check(
                        AccessAttributes(
                            user: user, verb: "", apiGroup: try CELArguments.text(function, arguments, 0), apiVersion: "*",
                            resource: ""))))
        case ("serviceAccount", 2):
            let namespace = try CELArguments.text(function, arguments, 0)
            let name = try CELArguments.text(function, arguments, 1)
            for problem in Names.subdomain(name) { throw CELError("Invalid service account name: \(problem)") }
            for problem in Names.label(namespace) { throw CELError("Invalid service account namespace: \(problem)") }
            return .opaque(
                CELAuthorizer(
                    authorizer: authorizer, cluster: cluster, user: .serviceAccount(namespace: namespace, name: name),
                    request: request))
        default: throw .init("no such overload: \(function)")
        }
    }

    private func check(_ attributes: AccessAttributes) -> CELAccessCheck {
        CELAccessCheck(authorizer: authorizer, cluster: cluster, attributes: attributes)
    }
}

/// `authorizer.group(…)`, which a resource must follow.
private struct CELGroupCheck: CELOpaque {
    let check: CELAccessCheck

    var typeName: String { "kubernetes.authorization.GroupCheck" }

    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue {
        guard function == "resource", arguments.count == 1 else { throw CELError("no such overload: \(function)") }
        var check = check
        check.attributes.resource = try CELArguments.text(function, arguments, 0)
        return .opaque(check)
    }
}

/// A question for access, whose verb is still to be said.
private struct CELAccessCheck: CELOpaque {
    /// What one question costs, in upstream's units.
    private static let questionCost = 350_000

    let authorizer: Authorizer
    let cluster: LogicalCluster
    var attributes: AccessAttributes

    var typeName: String {
        attributes.path.isEmpty ? "kubernetes.authorization.ResourceCheck" : "kubernetes.authorization.PathCheck"
    }

    func cost(of function: String) -> Int { function == "check" ? Self.questionCost : 1 }

    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue {
        guard arguments.count == 1 else { throw CELError("no such overload: \(function)") }
        var check = self
        let text = try CELArguments.text(function, arguments, 0)
        switch function {
        case "check":
            check.attributes.verb = text
            return .opaque(CELDecision(decision: authorizer.decide(check.attributes, in: cluster)))
        case "subresource" where attributes.path.isEmpty: check.attributes.subresource = text
        case "namespace" where attributes.path.isEmpty: check.attributes.namespace = text
        case "name" where attributes.path.isEmpty: check.attributes.name = text
        // RBAC decides without selectors.
        case "fieldSelector" where attributes.path.isEmpty, "labelSelector" where attributes.path.isEmpty: break
        default: throw CELError("no such overload: \(function)")
        }
        return .opaque(check)
    }
}

/// The answer to a question for access.
private struct CELDecision: CELOpaque {
    let decision: Authorizer.Decision

    var typeName: String { "kubernetes.authorization.Decision" }

    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue {
        switch (function, arguments.count) {
        case ("allowed", 0): return .bool(decision.isAllowed)
        case ("reason", 0): return .string(decision.reason)
        case ("errored", 0): return .bool(false)
        case ("error", 0): return .string("")
        default: throw CELError("no such overload: \(function)")
        }
    }
}

enum CELArguments {
    static func text(_ function: String, _ arguments: [CELValue], _ index: Int) throws(CELError) -> String {
        guard case .string(let text) = arguments[index] else { throw CELError("no such overload: \(function)") }
        return text
    }
}
