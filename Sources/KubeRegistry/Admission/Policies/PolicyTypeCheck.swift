public import KubeObject
public import KubeSchema

/// What is wrong with the types in a ValidatingAdmissionPolicy's expressions, for the kinds that it names: told in its status, and
/// nothing that keeps it from being used.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking
public enum PolicyTypeCheck {
    static let maximumKinds = 10

    /// The `expressionWarnings` of a policy; empty when its types agree, or nothing can be checked.
    public static func warnings(of policy: JSON, in schema: Schema) -> [JSON] {
        let spec = policy["spec"] ?? [:]
        var types = CELObjectTypes(schema)
        let parameters = parameterKind(spec).flatMap { schema.resource(forKind: $0) }.flatMap { types.type(of: $0) }
        let environments = kinds(spec, schema).compactMap { resource -> (kind: GroupVersionKind, environment: CELEnvironment)? in
            guard let object = types.type(of: resource) else { return nil }
            return (resource.gvk, environment(object, parameters, types, spec))
        }
        // Types of later kinds count for earlier ones too: an environment has all.
        var warnings: [JSON] = []
        for (index, validation) in (spec["validations"]?.elements ?? []).enumerated() {
            for field in ["expression", "messageExpression"] {
                let source = validation.text(field)
                if source.isEmpty { continue }
                let texts = environments.compactMap { kind, environment in
                    problem(source, environment).map { "\(kind.group)/\(kind.version), Kind=\(kind.kind): \($0)\n" }
                }
                if texts.isEmpty { continue }
                warnings.append([
                    "fieldRef": .string("spec.validations[\(index)].\(field)"), "warning": .string(texts.joined(separator: "\n")),
                ])
            }
        }
        return warnings
    }

    private static func problem(_ source: String, _ environment: CELEnvironment) -> String? {
        do throws(CELIssues) {
            _ = try CELProgram.checked(source, in: environment)
            return nil
        } catch {
            return error.description
        }
    }

    // MARK: Which kinds

    private static func parameterKind(_ spec: JSON) -> GroupVersionKind? {
        guard let kind = spec["paramKind"], kind.object != nil else { return nil }
        return GroupVersion(apiVersion: kind.text("apiVersion")).kind(kind.text("kind"))
    }

    /// Those that rules name, without rules that name any; in order, and not too many.
    static func kinds(_ spec: JSON, _ schema: Schema) -> [ResourceType] {
        var found: [GroupVersionKind: ResourceType] = [:]
        for rule in spec[path: "matchConstraints", "resourceRules"]?.elements ?? [] {
            let groups = rule["apiGroups"]?.strings ?? []
            let versions = rule["apiVersions"]?.strings ?? []
            if (groups + versions).contains(where: { $0.contains("*") }) { continue }
            let resources = (rule["resources"]?.strings ?? []).filter { !$0.contains("*") && !$0.contains("/") }
            var count = 0
            for group in groups.sorted() {
                for version in versions.sorted() {
                    for plural in resources.sorted() {
                        guard let resource = schema.resource(group: group, version: version, plural: plural) else { continue }
                        found[resource.gvk] = resource
                        count += 1
                        if count == maximumKinds { return sorted(found) }
                    }
                }
            }
        }
        return sorted(found)
    }

    private static func sorted(_ found: [GroupVersionKind: ResourceType]) -> [ResourceType] {
        found.values.sorted { ($0.gvk.group, $0.gvk.version, $0.gvk.kind) < ($1.gvk.group, $1.gvk.version, $1.gvk.kind) }
    }

    // MARK: What expressions see

    private static func environment(
        _ object: CELType, _ parameters: CELType?, _ types: CELObjectTypes, _ spec: JSON
    ) -> CELEnvironment {
        var environment = CELEnvironment(
            variables: [
                "object": object, "oldObject": object, "request": .object("kubernetes.AdmissionRequest"),
                "namespaceObject": .object("kubernetes.Namespace"), "authorizer": .object("kubernetes.authorization.Authorizer"),
                "authorizer.requestResource": .object("kubernetes.authorization.ResourceCheck"),
            ],
            objects: types.objects.merging(ownTypes) { first, _ in first })
        if let parameters { environment.variables["params"] = parameters }
        let variables = spec["variables"]?.elements ?? []
        guard !variables.isEmpty else { return environment }
        let name = "kubernetes.variables"
        environment.variables["variables"] = .object(name)
        environment.objects[name] = [:]
        for variable in variables {
            guard let field = CELNames.escape(variable.text("name")) else { continue }
            // What is wrong with a variable is told where it is written.
            let type = Result { () throws(CELIssues) in
                try CELProgram.checked(variable.text("expression"), in: environment).checked.type
            }
            environment.objects[name]?[field] = type.value ?? .dyn
        }
        return environment
    }

    private static let ownTypes: [String: [String: CELType]] = {
        let texts: (CELType, [String]) -> [String: CELType] = { type, names in
            Dictionary(uniqueKeysWithValues: names.map { ($0, type) })
        }
        let kind = CELType.object("kubernetes.GroupVersionKind")
        let resource = CELType.object("kubernetes.GroupVersionResource")
        var request = texts(.string, ["subResource", "requestSubResource", "name", "operation"])
        request[CELNames.escape("namespace") ?? "namespace"] = .string
        request.merge([
            "kind": kind, "requestKind": kind, "resource": resource, "requestResource": resource,
            "userInfo": .object("kubernetes.UserInfo"), "dryRun": .bool, "options": .dyn,
        ]) { _, last in last }
        var metadata = texts(.string, ["name", "generateName", "resourceVersion", "UID"])
        metadata[CELNames.escape("namespace") ?? "namespace"] = .string
        metadata.merge([
            "labels": .map(.string, .string), "annotations": .map(.string, .string), "creationTimestamp": .timestamp,
            "deletionGracePeriodSeconds": .int, "deletionTimestamp": .timestamp, "generation": .int, "finalizers": .list(.string),
        ]) { _, last in last }
        return [
            "kubernetes.AdmissionRequest": request,
            "kubernetes.GroupVersionKind": texts(.string, ["group", "version", "kind"]),
            "kubernetes.GroupVersionResource": texts(.string, ["group", "version", "resource"]),
            "kubernetes.UserInfo": [
                "username": .string, "uid": .string, "groups": .list(.string), "extra": .map(.string, .list(.string)),
            ],
            "kubernetes.Namespace": [
                "metadata": .object("kubernetes.NamespaceMetadata"), "spec": .object("kubernetes.NamespaceSpec"),
                "status": .object("kubernetes.NamespaceStatus"),
            ],
            "kubernetes.NamespaceMetadata": metadata, "kubernetes.NamespaceSpec": ["finalizers": .list(.string)],
            "kubernetes.NamespaceStatus": ["phase": .string],
        ]
    }()
}
