import KubeObject
import KubeSchema
import KubeStore

/// A ValidatingAdmissionPolicy or MutatingAdmissionPolicy, compiled.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
struct AdmissionPolicy: Sendable {
    struct Validation: Sendable {
        let expression: AdmissionExpression
        let message: String
        let messageExpression: AdmissionExpression?
        /// A `Status`' reason.
        let reason: String
    }

    struct Annotation: Sendable {
        let key: String
        let expression: AdmissionExpression
    }

    struct Mutation: Sendable {
        /// A JSON patch, or a configuration to apply.
        let isPatch: Bool
        let expression: AdmissionExpression
    }

    let name: String
    let criteria: MatchCriteria
    let conditions: ConditionSet
    let variables: [(name: String, expression: AdmissionExpression)]
    let validations: [Validation]
    let annotations: [Annotation]
    let mutations: [Mutation]
    /// Of the objects that bindings choose for the expressions to read.
    let paramKind: GroupVersionKind?
    /// Whether a request passes when an expression has no value.
    let ignoresFailures: Bool
    let isReinvocable: Bool

    init(_ object: Object) {
        let spec = object.tree["spec"] ?? [:]
        name = object.metadata.name
        criteria = MatchCriteria(resources: spec["matchConstraints"])
        conditions = ConditionSet(spec["matchConditions"])
        variables = (spec["variables"]?.elements ?? []).map {
            ($0.text("name"), AdmissionExpression($0.text("expression")))
        }
        validations = (spec["validations"]?.elements ?? []).map { tree in
            let reason = tree.text("reason")
            return Validation(
                expression: AdmissionExpression(tree.text("expression")), message: tree.text("message"),
                messageExpression: tree.has("messageExpression") ? AdmissionExpression(tree.text("messageExpression")) : nil,
                reason: reason.isEmpty ? "Invalid" : reason)
        }
        annotations = (spec["auditAnnotations"]?.elements ?? []).map {
            Annotation(key: $0.text("key"), expression: AdmissionExpression($0.text("valueExpression")))
        }
        mutations = (spec["mutations"]?.elements ?? []).map { tree in
            let isPatch = tree.text("patchType") == "JSONPatch"
            let patch = tree[isPatch ? "jsonPatch" : "applyConfiguration"]
            return Mutation(isPatch: isPatch, expression: AdmissionExpression(patch?.text("expression") ?? ""))
        }
        paramKind = spec.present("paramKind").map {
            GroupVersion(apiVersion: $0.text("apiVersion")).kind($0.text("kind"))
        }
        ignoresFailures = spec.text("failurePolicy") == "Ignore"
        isReinvocable = spec.text("reinvocationPolicy") == "IfNeeded"
    }
}

/// What puts a policy into force: for which requests, with which parameters, to which effect.
struct AdmissionPolicyBinding: Sendable {
    let name: String
    let policy: String
    let criteria: MatchCriteria
    /// Null or missing when the policy's expressions read no parameters.
    let paramRef: JSON?
    /// `Deny`, `Warn`, `Audit`.
    let actions: [String]

    init(_ object: Object) {
        let spec = object.tree["spec"] ?? [:]
        name = object.metadata.name
        policy = spec.text("policyName")
        criteria = MatchCriteria(resources: spec["matchResources"])
        paramRef = spec.present("paramRef")
        actions = spec["validationActions"]?.strings ?? []
    }
}

/// The policies of one kind that are in force, with their bindings, by names.
struct PoliciesInForce: Sendable {
    private let policies = CompiledObjects<AdmissionPolicy>()
    private let bindings = CompiledObjects<AdmissionPolicyBinding>()
    let policyPrefix: String
    let bindingPrefix: String

    /// Those of a request's cluster; none for requests about policies and webhooks themselves.
    func of(_ request: AdmissionRequest) -> [(policy: AdmissionPolicy, bindings: [AdmissionPolicyBinding])] {
        guard request.snapshot.count(prefix: bindingPrefix) > 0, !Self.isExempt(request) else { return [] }
        var byPolicy: [String: [AdmissionPolicyBinding]] = [:]
        for object in request.snapshot.objects(prefix: bindingPrefix) {
            let binding = bindings.value(of: object, AdmissionPolicyBinding.init)
            byPolicy[binding.policy, default: []].append(binding)
        }
        return request.snapshot.objects(prefix: policyPrefix).compactMap { object in
            guard let bindings = byPolicy[object.metadata.name] else { return nil }
            return (policies.value(of: object, AdmissionPolicy.init), bindings)
        }
    }

    /// Policies may be about webhooks, but not about policies: a bad one couldn't be mended.
    private static func isExempt(_ request: AdmissionRequest) -> Bool {
        request.resource.group == AdmissionConfigurations.group && request.resource.plural.contains("admissionpolic")
    }
}
