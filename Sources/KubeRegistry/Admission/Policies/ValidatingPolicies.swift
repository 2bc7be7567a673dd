public import KubeObject
import KubeSchema

/// Refuses, warns of or notes what the cluster's validating policies don't allow.
public struct ValidatingPolicies: ValidatingAdmissionPlugin {
    private static let failureKey = "validation.policy.admission.k8s.io/validation_failure"

    private let policies = PoliciesInForce(
        policyPrefix: AdmissionConfigurations.validatingPolicies, bindingPrefix: AdmissionConfigurations.validatingBindings)

    public init() {}

    private struct Refusal {
        var policy: String
        /// Nil when the policy itself is wrong.
        var binding: String?
        var message: String
        var reason = ""
    }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        var refusals: [Refusal] = []
        for (policy, bindings) in policies.of(request) {
            guard let target = try await Self.target(of: policy, request, &refusals) else { continue }
            var variables: AdmissionVariables?
            var annotations: [(key: String, values: [String])] = []
            for binding in bindings {
                let parameters: [JSON?]
                do {
                    guard try binding.criteria.match(request) != nil else { continue }
                    parameters = try await PolicyParameters(policy: policy, binding: binding).collect(for: request)
                } catch let error as PolicyParameters.Failure {
                    if policy.ignoresFailures { continue }
                    refusals.append(
                        Refusal(
                            policy: policy.name, binding: error.isOfPolicy ? nil : binding.name,
                            message: "failed to configure \(error.isOfPolicy ? "policy" : "binding"): \(error.text)"))
                    continue
                } catch {
                    if policy.ignoresFailures { continue }
                    refusals.append(
                        Refusal(policy: policy.name, binding: binding.name, message: "failed to configure binding: \(error)"))
                    continue
                }
                if parameters.isEmpty { continue }
                if variables == nil { variables = try await Self.variables(request, target) }
                guard var variables else { continue }
                for parameter in parameters {
                    variables.setParameters(parameter)
                    let outcome = PolicyValidation(policy, variables)
                    act(on: outcome, policy, binding, request.context.notes, &refusals)
                    for (key, value) in outcome.annotations { Self.collect(key, value, &annotations) }
                }
            }
            for (key, values) in annotations {
                request.context.notes?.annotate("\(policy.name)/\(key)", values.joined(separator: ", "))
            }
        }
        guard let first = refusals.first else { return }
        let by = first.binding.map { " with binding '\($0)'" } ?? ""
        let reason = first.reason.isEmpty ? "Invalid" : first.reason
        throw request.refusal(
            "ValidatingAdmissionPolicy '\(first.policy)'\(by) denied request: \(first.message)", reason: reason,
            code: Self.code(of: reason))
    }

    private static func target(
        of policy: AdmissionPolicy, _ request: AdmissionRequest, _ refusals: inout [Refusal]
    ) async throws(StatusError) -> AdmissionTarget? {
        do throws(StatusError) {
            return try policy.criteria.match(request)
        } catch {
            if !policy.ignoresFailures {
                refusals.append(
                    Refusal(policy: policy.name, binding: nil, message: "failed to configure policy: \(error.message)"))
            }
            return nil
        }
    }

    private static func variables(
        _ request: AdmissionRequest, _ target: AdmissionTarget
    ) async throws(StatusError) -> AdmissionVariables {
        var variables = AdmissionVariables(
            request, target, object: try await request.object(as: target), old: try await request.oldObject(as: target),
            authorizer: request.registry.authorizer)
        variables.setNamespace(try request.namespaceObject())
        return variables
    }

    private func act(
        on outcome: PolicyValidation, _ policy: AdmissionPolicy, _ binding: AdmissionPolicyBinding, _ notes: RequestNotes?,
        _ refusals: inout [Refusal]
    ) {
        for denial in outcome.denials {
            for action in binding.actions {
                switch action {
                case "Deny":
                    refusals.append(
                        Refusal(policy: policy.name, binding: binding.name, message: denial.message, reason: denial.reason))
                case "Warn":
                    notes?.warn(
                        "Validation failed for ValidatingAdmissionPolicy '\(policy.name)' with binding '\(binding.name)': "
                            + denial.message)
                case "Audit":
                    let value: JSON = [
                        [
                            "message": .string(denial.message), "policy": .string(policy.name), "binding": .string(binding.name),
                            "expressionIndex": .int(Int64(denial.index)), "validationActions": JSON(binding.actions),
                        ]
                    ]
                    notes?.annotate(Self.failureKey, value.text)
                default: break
                }
            }
        }
        for failure in outcome.failures {
            refusals.append(Refusal(policy: policy.name, binding: binding.name, message: failure))
        }
    }

    private static func collect(_ key: String, _ value: String, _ all: inout [(key: String, values: [String])]) {
        guard let index = all.firstIndex(where: { $0.key == key }) else { return all.append((key, [value])) }
        if !all[index].values.contains(value) { all[index].values.append(value) }
    }

    private static func code(of reason: String) -> Int {
        switch reason {
        case "Forbidden": 403
        case "Unauthorized": 401
        case "RequestEntityTooLarge": 413
        default: 422
        }
    }
}
