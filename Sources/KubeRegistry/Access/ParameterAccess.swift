import KubeObject
import KubeSchema
import KubeStore

/// Nobody reads by a policy what they may not read themselves: who makes a policy must be allowed to read the kind of its parameters, and
/// who binds one the parameters that the binding chooses.
enum ParameterAccess {
    /// - Throws: 422, as upstream.
    static func check(
        _ object: JSON, old: JSON?, _ resource: ResourceType, _ context: RequestContext, _ registry: Registry
    ) throws(StatusError) {
        guard resource.group == AdmissionConfigurations.group, !context.isInternal,
            !context.user.groups.contains("system:masters")
        else { return }
        let name = object["metadata"]?.text("name") ?? ""
        let problem: FieldError?
        switch resource.plural {
        case "validatingadmissionpolicies", "mutatingadmissionpolicies":
            guard let kind = object[path: "spec", "paramKind"], !kind.isNull, kind != old?[path: "spec", "paramKind"] else {
                return
            }
            problem = policyProblem(kind, context, registry)
        case "validatingadmissionpolicybindings", "mutatingadmissionpolicybindings":
            let spec = object["spec"] ?? [:]
            guard let reference = spec.present("paramRef"),
                reference != old?[path: "spec", "paramRef"] || spec["policyName"] != old?[path: "spec", "policyName"]
            else { return }
            problem = bindingProblem(reference, spec.text("policyName"), resource, context, registry)
        default: return
        }
        if let problem { throw .invalid(resource.groupKind, name, [problem]) }
    }

    private static func policyProblem(_ kind: JSON, _ context: RequestContext, _ registry: Registry) -> FieldError? {
        let attributes = attributes(verb: "get", kind, name: "*", namespace: "*", context, registry)
        if registry.authorizer.decide(attributes, in: context.cluster).isAllowed { return nil }
        return .forbidden(
            "spec.paramKind",
            "user \(context.user.name) must have \"get\" permission on all objects of the referenced paramKind "
                + "(kind=\(kind.text("kind")), apiVersion=\(kind.text("apiVersion")))")
    }

    private static func bindingProblem(
        _ reference: JSON, _ policy: String, _ resource: ResourceType, _ context: RequestContext, _ registry: Registry
    ) -> FieldError? {
        let policies = resource.plural.hasPrefix("validating") ? "validatingadmissionpolicies" : "mutatingadmissionpolicies"
        let key = Key(group: AdmissionConfigurations.group, plural: policies, name: policy)
        let kind = context.cluster.snapshot.get(key)?.tree[path: "spec", "paramKind"]
        let name = reference.text("name")
        let verb = name.isEmpty ? "list" : "get"
        let attributes = attributes(
            verb: verb, kind, name: name, namespace: reference.text("namespace"), context, registry)
        if registry.authorizer.decide(attributes, in: context.cluster).isAllowed { return nil }
        return .forbidden(
            "spec.paramRef",
            "user \(context.user.name) does not have \"\(verb)\" permission on the object referenced by paramRef")
    }

    /// Of a kind that nobody knows, everything must be allowed.
    private static func attributes(
        verb: String, _ kind: JSON?, name: String, namespace: String, _ context: RequestContext, _ registry: Registry
    ) -> AccessAttributes {
        var attributes = AccessAttributes(
            user: context.user, verb: verb, apiGroup: "*", apiVersion: "*", resource: "*", namespace: namespace, name: name)
        guard let kind, !kind.isNull else { return attributes }
        let version = GroupVersion(apiVersion: kind.text("apiVersion"))
        attributes.apiGroup = version.group
        attributes.apiVersion = version.version
        if let found = registry.schema(of: context.cluster).resource(forKind: version.kind(kind.text("kind"))) {
            attributes.resource = found.plural
        }
        return attributes
    }
}
