public import KubeObject
import KubeSchema

/// Changes objects as the cluster's mutating policies say.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
public struct MutatingPolicies: MutatingAdmissionPlugin {
    private static let plugin = "MutatingAdmissionPolicy"

    private let policies = PoliciesInForce(
        policyPrefix: AdmissionConfigurations.mutatingPolicies, bindingPrefix: AdmissionConfigurations.mutatingBindings)

    public init() {}

    /// One policy with one binding and one set of parameters.
    private struct Invocation {
        var policy: AdmissionPolicy
        var binding: String
        var target: AdmissionTarget
        var parameters: JSON?
        var id: String
    }

    private struct Problem {
        var policy: AdmissionPolicy
        var binding: String?
        var text: String
        /// Empty for one of configuration.
        var reason = ""

        var message: String {
            binding.map { "policy '\(policy.name)' with binding '\($0)' denied request: \(text)" }
                ?? "policy \(quoted(policy.name)) denied request: \(text)"
        }
    }

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        let inForce = policies.of(request)
        if inForce.isEmpty { return }
        var problems: [Problem] = []
        var invocations: [Invocation] = []
        for (policy, bindings) in inForce {
            do throws(StatusError) {
                guard let target = try policy.criteria.match(request) else { continue }
                for binding in bindings {
                    await Self.add(policy, binding, target, request, &invocations, &problems)
                }
            } catch {
                problems.append(Problem(policy: policy, text: "failed to configure policy: \(error.message)"))
            }
        }
        if !invocations.isEmpty {
            request.reinvocation.begin(Self.plugin, request.object)
            let namespace = try request.namespaceObject()
            for invocation in invocations { try await Self.run(invocation, namespace, &request, &problems) }
            request.reinvocation.end(Self.plugin, request.object)
        }
        problems.removeAll { $0.policy.ignoresFailures }
        guard let first = problems.first else { return }
        var error = request.refusal(first.message, reason: first.reason.isEmpty ? "Forbidden" : first.reason, code: 403)
        error.message = first.message
        error.details?["causes"] = .array(problems.map { ["message": .string($0.message)] })
        throw error
    }

    private static func add(
        _ policy: AdmissionPolicy, _ binding: AdmissionPolicyBinding, _ target: AdmissionTarget, _ request: AdmissionRequest,
        _ invocations: inout [Invocation], _ problems: inout [Problem]
    ) async {
        do {
            guard try binding.criteria.match(request) != nil else { return }
            for parameters in try await PolicyParameters(policy: policy, binding: binding).collect(for: request) {
                let metadata = parameters?["metadata"]
                let id =
                    "\(policy.name)/\(binding.name)/\(metadata?.text("namespace") ?? "")/\(metadata?.text("name") ?? "")"
                invocations.append(
                    Invocation(policy: policy, binding: binding.name, target: target, parameters: parameters, id: id))
            }
        } catch let error as PolicyParameters.Failure {
            let what = error.isOfPolicy ? "policy" : "binding"
            problems.append(
                Problem(
                    policy: policy, binding: error.isOfPolicy ? nil : binding.name,
                    text: "failed to configure \(what): \(error.text)"))
        } catch {
            problems.append(Problem(policy: policy, binding: binding.name, text: "failed to configure binding: \(error)"))
        }
    }

    private static func run(
        _ invocation: Invocation, _ namespace: Object?, _ request: inout AdmissionRequest, _ problems: inout [Problem]
    ) async throws(StatusError) {
        let policy = invocation.policy
        let target = invocation.target
        var object = try await request.object(as: target)
        var variables = AdmissionVariables(
            request, target, object: object, old: try await request.oldObject(as: target),
            authorizer: request.registry.authorizer)
        variables.setNamespace(namespace)
        variables.setParameters(invocation.parameters)
        if !policy.conditions.isEmpty {
            switch policy.conditions.evaluate(variables, ignoresFailures: policy.ignoresFailures) {
            case .matches: break
            case .doesNotMatch: return
            case .failure(let why):
                return problems.append(
                    Problem(policy: policy, binding: invocation.binding, text: why, reason: "Invalid"))
            }
        }
        guard request.reinvocation.asks(plugin, invocation.id) else { return }
        let before = request.object
        let type = target.resource.type
        for mutation in policy.mutations where !object.isNull {
            var composed = variables
            composed.setObject(object)
            composed.compose(policy.variables)
            var budget = AdmissionBudget(AdmissionBudget.perPolicy)
            let changed: JSON
            do throws(PolicyMutation.Failure) {
                changed = try PolicyMutation.apply(mutation, to: object, composed, type: type, &budget)
            } catch {
                problems.append(Problem(policy: policy, binding: invocation.binding, text: error.text, reason: "Invalid"))
                continue
            }
            if changed == object { continue }
            try await request.replaceObject(with: changed, as: target)
            object = try await request.object(as: target)
        }
        request.reinvocation.note(
            plugin, invocation.id, isChanged: request.object != before, isWilling: policy.isReinvocable)
    }
}
