public import KubeObject
public import KubeSchema
import KubeStore

extension Registry {
    /// Creates at a subresource: `binding`, `eviction` and `token`.
    ///
    /// - Throws: 404, 405, 409, 422, 429 in upstream's words.
    public func create(
        _ tree: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String,
        _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        guard let part = resource.subresource(subresource), part.verbs.contains("create") else {
            throw .methodNotSupported(
                GroupResource(group: resource.group, resource: "\(resource.plural)/\(subresource)"), "create")
        }
        var warnings: [String] = []
        // policy/v1 and v1beta1 are the same to an eviction.
        let version = tree.text("apiVersion")
        let gvk =
            subresource == "eviction" && version.hasPrefix("policy/")
            ? GroupVersion(apiVersion: version).kind(part.kind.kind) : part.kind
        var object = try Decoding.decode(
            tree, as: gvk, type: part.type, validation: options.fieldValidation, warnings: &warnings,
            complaints: options.complaints)
        object = try await admitted(
            object, resource, namespace: namespace, name: name, subresource: subresource, options, context)
        var result =
            switch subresource {
            case "binding": try await bind(object, namespace: namespace, pod: name, options, context.admitted)
            case "eviction": try await evict(object, namespace: namespace, pod: name, options, context.admitted)
            case "token": try await requestToken(object, namespace: namespace, account: name, context)
            default:
                try await handle(object, resource, namespace: namespace, name: name, subresource: subresource, options, context)
            }
        result.warnings = warnings + result.warnings
        return result
    }

    /// Asks who was given to the registry for a subresource that isn't Kubernetes' own.
    private func handle(
        _ body: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String,
        _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let address = GroupResource(group: resource.group, resource: "\(resource.plural)/\(subresource)")
        guard let handler = handlers[address] else { throw .methodNotSupported(address, "create") }
        return try await handler.create(body, namespace: namespace, name: name, options, context)
    }

    /// Puts a pod on a node: what a scheduler does.
    func bind(
        _ binding: JSON, namespace: String, pod name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        guard binding["metadata"]?.text("name") == name else {
            throw .badRequest("name in URL does not match name in Binding object")
        }
        let pods = try resource("pods")
        let node = binding["target"]?.text("name") ?? ""
        let kind = binding["target"]?.text("kind") ?? ""
        var errors = FieldErrors()
        if !kind.isEmpty, kind != "Node" { errors.notSupported("target.kind", .string(kind), ["Node", "<empty>"]) }
        if node.isEmpty { errors.required("target.name") }
        if !errors.isEmpty { throw .invalid(GroupKind(group: "", kind: "Binding"), name, errors.list) }
        let uid = binding["metadata"]?.text("uid") ?? ""
        let update = UpdateOptions(dryRun: options.dryRun)
        _ = try await change(
            pods, namespace: namespace, name: name, subresource: "binding", update, context
        ) { tree, current throws(StatusError) in
            func refuse(_ why: String) -> StatusError { .conflict(GroupResource(group: "", resource: "pods/binding"), name, why) }
            if !uid.isEmpty, uid != current.metadata.uid { throw .modified(pods.groupResource, name) }
            if current.metadata.deletionTimestamp != nil {
                throw refuse("pod \(name) is being deleted, cannot be assigned to a host")
            }
            let assigned = tree["spec"]?.text("nodeName") ?? ""
            if !assigned.isEmpty { throw refuse("pod \(name) is already assigned to node \(quoted(assigned))") }
            if tree["spec"]?.has("schedulingGates") ?? false {
                throw refuse("pod \(name) has non-empty .spec.schedulingGates")
            }
            tree[path: "spec", "nodeName"] = .string(node)
            for (key, value) in binding["metadata"]?["annotations"]?.object ?? [:] {
                tree[path: "metadata", "annotations", key] = value
            }
            PodTopologyLabels.merge(binding["metadata"]?["labels"], into: &tree)
            var conditions = (tree[path: "status", "conditions"]?.elements ?? []).filter { $0.text("type") != "PodScheduled" }
            conditions.append([
                "type": "PodScheduled", "status": "True", "lastProbeTime": .null, "lastTransitionTime": .string(Timestamp.now()),
            ])
            tree[path: "status", "conditions"] = .array(conditions)
            // It has been where it was expected (KEP-5278).
            tree[path: "status", "nominatedNodeName"] = nil
        }
        return WriteResult(.document(Self.success), code: 201)
    }

    /// Issues a token for a service account.
    private func requestToken(
        _ request: JSON, namespace: String, account name: String, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        guard let issuer = tokenIssuer else {
            throw .serviceUnavailable("tokens can't be issued: no token issuer is attached to this server")
        }
        let account = try get(try resource("serviceaccounts"), namespace: namespace, name: name, context)
        var spec = request["spec"] ?? [:]
        let seconds = spec["expirationSeconds"]?.int ?? 3600
        var errors = FieldErrors()
        if seconds < 600 {
            errors.invalid("spec.expirationSeconds", .int(seconds), "may not specify a duration less than 10 minutes")
        }
        if seconds > 1 << 32 {
            errors.invalid("spec.expirationSeconds", .int(seconds), "may not specify a duration larger than 2^32 seconds")
        }
        let kind = GroupKind(group: "authentication.k8s.io", kind: "TokenRequest")
        if !errors.isEmpty { throw .invalid(kind, "", errors.list) }
        var claims = TokenClaims(
            cluster: context.cluster, namespace: namespace, serviceAccount: name, serviceAccountUID: account.metadata.uid,
            audiences: spec["audiences"]?.strings ?? [], expirationSeconds: seconds)
        if let reference = spec["boundObjectRef"], !reference.isNull { try Self.bindToken(&claims, to: reference, kind) }
        let token = try await issuer.issue(claims)
        spec["audiences"] = JSON(token.audiences)
        spec["expirationSeconds"] = .int(seconds)
        spec.setDefault("boundObjectRef", .null)
        return WriteResult(
            .document([
                "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
                "metadata": [
                    "name": .string(name), "namespace": .string(namespace), "creationTimestamp": .string(Timestamp.now()),
                ],
                "spec": spec,
                "status": ["token": .string(token.token), "expirationTimestamp": .string(token.expirationTimestamp)],
            ]), code: 201)
    }

    private static func bindToken(_ claims: inout TokenClaims, to reference: JSON, _ kind: GroupKind) throws(StatusError) {
        let name = reference.text("name")
        let plural: String
        switch (reference.text("apiVersion"), reference.text("kind")) {
        case ("v1", "Pod"): plural = "pods"
        case ("v1", "Secret"): plural = "secrets"
        case ("v1", "Node"): plural = "nodes"
        case (_, let other):
            throw .badRequest(
                "cannot bind token for serviceaccount \(quoted(claims.serviceAccount)) to api version \(quoted(reference.text("apiVersion"))), kind \(quoted(other))"
            )
        }
        let snapshot = claims.cluster.snapshot
        let key = Key(group: "", plural: plural, namespace: plural == "nodes" ? "" : claims.namespace, name: name)
        guard let object = snapshot.get(key) else { throw .notFound(GroupResource(group: "", resource: plural), name) }
        let uid = reference.text("uid")
        if !uid.isEmpty, uid != object.metadata.uid {
            throw .conflict(
                GroupResource(group: "", resource: plural), name,
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have been deleted "
                    + "and then recreated")
        }
        if plural == "pods" {
            let account = object.tree["spec"]?.text("serviceAccountName") ?? ""
            if account != claims.serviceAccount {
                throw .badRequest(
                    "cannot bind token for serviceaccount \(quoted(claims.serviceAccount)) to pod running with different serviceaccount name."
                )
            }
            let node = object.tree["spec"]?.text("nodeName") ?? ""
            if let found = snapshot.get(Key(group: "", plural: "nodes", name: node)) { claims.node = (node, found.metadata.uid) }
        }
        claims.boundObject = TokenBinding(kind: reference.text("kind"), name: name, uid: object.metadata.uid)
    }

    static let success: JSON = ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201]
}
