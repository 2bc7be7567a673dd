import KubeObject
import KubeSchema

extension Registry {
    /// Answers what is created only to be asked: reviews of access, of tokens and of oneself, and bindings of pods.
    func createUnstored(
        _ object: JSON, _ resource: ResourceType, namespace: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        var object = object
        switch resource.kind {
        case "SelfSubjectAccessReview", "SubjectAccessReview", "LocalSubjectAccessReview":
            try Self.matchNamespace(&object, resource, namespace)
            try AccessReviewRules.check(object, resource, namespace: namespace)
            let spec = object["spec"] ?? [:]
            object["status"] = review(
                spec, of: resource.kind == "SelfSubjectAccessReview" ? context.user : Self.subject(of: spec), context)
        case "SelfSubjectRulesReview": object["status"] = try rules(object["spec"] ?? [:], context)
        case "SelfSubjectReview": object["status"] = ["userInfo": Self.tree(of: context.user)]
        case "TokenReview": object["status"] = try await reviewToken(object["spec"] ?? [:], context)
        case "Binding":
            let name = object["metadata"]?.text("name") ?? ""
            return try await bind(object, namespace: namespace, pod: name, options, context)
        default: throw .methodNotSupported(resource.groupResource, "create")
        }
        object.setDefault("metadata", [:])
        return WriteResult(.document(object), code: 201)
    }

    /// - Parameter spec: what `AccessReviewRules` has nothing against.
    private func review(_ spec: JSON, of user: UserInfo, _ context: RequestContext) -> JSON {
        var attributes: AccessAttributes
        if let asked = spec["resourceAttributes"], asked.object != nil {
            attributes = AccessAttributes(
                user: user, verb: asked.text("verb"), apiGroup: asked.text("group"), apiVersion: asked.text("version"),
                resource: asked.text("resource"), subresource: asked.text("subresource"), namespace: asked.text("namespace"),
                name: asked.text("name"))
            attributes.fieldSelector = Self.fieldSelector(asked["fieldSelector"])
        } else {
            let asked = spec["nonResourceAttributes"] ?? [:]
            attributes = AccessAttributes(user: user, verb: asked.text("verb"), path: asked.text("path"))
        }
        let decision = authorizer.decide(attributes, in: context.cluster)
        var status: JSON = ["allowed": .bool(decision.isAllowed)]
        if !decision.reason.isEmpty { status["reason"] = .string(decision.reason) }
        return status
    }

    /// A selector that is asked about, as a request would have it.
    private static func fieldSelector(_ tree: JSON?) -> String {
        let raw = tree?.text("rawSelector") ?? ""
        if !raw.isEmpty { return raw }
        return (tree?["requirements"]?.elements ?? []).compactMap { requirement in
            guard requirement.text("operator") == "In", let values = requirement["values"]?.strings, values.count == 1 else {
                return nil
            }
            return "\(requirement.text("key"))=\(values[0])"
        }.joined(separator: ",")
    }

    private static func subject(of spec: JSON) -> UserInfo {
        UserInfo(
            name: spec.text("user"), uid: spec.text("uid"), groups: spec["groups"]?.strings ?? [],
            extra: (spec["extra"]?.object ?? [:]).reduce(into: [:]) { $0[$1.key] = $1.value.strings })
    }

    private func rules(_ spec: JSON, _ context: RequestContext) throws(StatusError) -> JSON {
        let namespace = spec.text("namespace")
        if namespace.isEmpty { throw .badRequest("no namespace on request") }
        var resources: [JSON] = []
        var paths: [JSON] = []
        for rule in authorizer.rules(of: context.user, in: namespace, of: context.cluster) {
            let tree = rule.tree
            if !rule.resources.isEmpty, !resources.contains(tree) { resources.append(tree) }
            if !rule.nonResourceURLs.isEmpty, !paths.contains(tree) { paths.append(tree) }
        }
        var status: JSON = ["resourceRules": .array(resources), "nonResourceRules": .array(paths), "incomplete": false]
        if NodeIdentity(context.user) != nil {
            status["incomplete"] = true
            status["evaluationError"] = "node authorizer does not support user rule resolution"
        }
        return status
    }

    private func reviewToken(_ spec: JSON, _ context: RequestContext) async throws(StatusError) -> JSON {
        guard let reviewer = tokenReviewer else {
            throw .serviceUnavailable("tokens can't be reviewed: no token reviewer is attached to this server")
        }
        let token = spec.text("token")
        if token.isEmpty { throw .badRequest("token is required for TokenReview in authentication") }
        let audiences = spec["audiences"]?.strings ?? []
        switch try await reviewer.review(token: token, audiences: audiences, cluster: context.cluster) {
        case .invalid(let reason):
            return ["user": [:], "error": .string("[invalid bearer token\(reason.isEmpty ? "" : ", \(reason)")]")]
        case .valid(let user, let audiences):
            var status: JSON = ["authenticated": true, "user": Self.tree(of: user)]
            if !audiences.isEmpty { status["audiences"] = JSON(audiences) }
            return status
        }
    }

    static func tree(of user: UserInfo) -> JSON {
        var tree: JSON = ["username": .string(user.name)]
        if !user.uid.isEmpty { tree["uid"] = .string(user.uid) }
        if !user.groups.isEmpty { tree["groups"] = JSON(user.groups) }
        if !user.extra.isEmpty {
            tree["extra"] = .object(JSONObject(user.extra.map { ($0.key, JSON($0.value)) }))
        }
        return tree
    }
}
