import KubeObject
import KubeSchema
import KubeStore

/// What the expressions of webhooks' conditions and of policies can read.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#validation-expression
struct AdmissionVariables: Sendable {
    private(set) var values = CELVariables()
    /// The policy's own variables.
    private(set) var composed: ComposedVariables?

    /// - Parameters:
    ///   - object: in the target's version, or null.
    ///   - old: likewise.
    ///   - authorizer: nil where expressions may not ask for access.
    init(_ request: AdmissionRequest, _ target: AdmissionTarget, object: JSON, old: JSON, authorizer: Authorizer?) {
        values["object"] = CELValue(object)
        values["oldObject"] = CELValue(old)
        values.set("request") { CELValue(request.celRequest(as: target)) }
        if let authorizer { values["authorizer"] = .opaque(CELAuthorizer(authorizer, request, target)) }
        values["namespaceObject"] = .null
    }

    /// The namespace that the request is in; a namespace is in none.
    mutating func setNamespace(_ namespace: Object?) {
        guard let namespace else { return }
        values["namespaceObject"] = nil
        values.set("namespaceObject") { CELValue(Self.exposed(namespace.tree)) }
    }

    mutating func setParameters(_ parameters: JSON?) { values["params"] = parameters.map { CELValue($0) } ?? .null }

    mutating func setObject(_ object: JSON) { values["object"] = CELValue(object) }

    /// Lets expressions read `variables`, each made when it is first read.
    mutating func compose(_ definitions: [(name: String, expression: AdmissionExpression)]) {
        guard !definitions.isEmpty else {
            values["variables"] = .map([])
            return
        }
        let composed = ComposedVariables(definitions, base: values)
        self.composed = composed
        values["variables"] = .opaque(composed)
    }

    /// Without the books of who owns what, which upstream doesn't show either.
    private static func exposed(_ namespace: JSON) -> JSON {
        var namespace = namespace
        namespace.edit("metadata") { metadata in
            for key in ["managedFields", "ownerReferences", "selfLink"] { metadata[key] = nil }
        }
        return namespace
    }
}

extension AdmissionRequest {
    /// The request's `AdmissionRequest`, without its objects.
    func review(as target: AdmissionTarget) -> JSON {
        func kind(_ kind: GroupVersionKind) -> JSON {
            ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)]
        }
        func resource(_ resource: ResourceType) -> JSON {
            ["group": .string(resource.group), "version": .string(resource.version), "resource": .string(resource.plural)]
        }
        var tree: JSON = [
            "kind": kind(target.kind), "resource": resource(target.resource), "requestKind": kind(self.kind),
            "requestResource": resource(self.resource), "operation": .string(operation.rawValue),
            "userInfo": Registry.tree(of: context.user), "dryRun": .bool(isDryRun), "options": options.tree(operation, context),
        ]
        if !subresource.isEmpty {
            tree["subResource"] = .string(subresource)
            tree["requestSubResource"] = .string(subresource)
        }
        if !name.isEmpty { tree["name"] = .string(name) }
        if !reviewedNamespace.isEmpty { tree["namespace"] = .string(reviewedNamespace) }
        return tree
    }

    /// As expressions see it: texts that aren't given are empty.
    fileprivate func celRequest(as target: AdmissionTarget) -> JSON {
        var tree = review(as: target)
        for key in ["subResource", "requestSubResource", "name", "namespace"] { tree.setDefault(key, "") }
        return tree
    }
}

extension AdmissionRequest.Options {
    /// `CreateOptions`, `UpdateOptions` or `DeleteOptions`; null for a connection.
    func tree(_ operation: AdmissionRequest.Operation, _ context: RequestContext) -> JSON {
        var tree: JSON = ["apiVersion": "meta.k8s.io/v1"]
        switch self {
        case .none: return .null
        case .write(let options):
            tree["kind"] = operation == .create ? "CreateOptions" : "UpdateOptions"
            if options.dryRun { tree["dryRun"] = ["All"] }
            if !options.fieldManager.isEmpty { tree["fieldManager"] = .string(options.fieldManager) }
            switch options.fieldValidation {
            case .strict: tree["fieldValidation"] = "Strict"
            case .ignore where !context.isInternal: tree["fieldValidation"] = "Ignore"
            default: break
            }
        case .delete(let options):
            tree["kind"] = "DeleteOptions"
            if options.dryRun { tree["dryRun"] = ["All"] }
            tree["gracePeriodSeconds"] = options.gracePeriodSeconds.map { .int($0) }
            tree["propagationPolicy"] = options.propagationPolicy.map { .string($0.rawValue) }
            tree["orphanDependents"] = options.orphanDependents.map { .bool($0) }
            if let uid = options.preconditionUID { tree[path: "preconditions", "uid"] = .string(uid) }
            if let version = options.preconditionResourceVersion {
                tree[path: "preconditions", "resourceVersion"] = .string(version)
            }
        }
        return tree
    }
}
