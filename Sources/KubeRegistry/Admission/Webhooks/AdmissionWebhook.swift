import KubeObject
import KubeSchema

/// One webhook of a configuration, ready to be asked.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
struct AdmissionWebhook: Sendable {
    let name: String
    let configuration: String
    /// Among all webhooks of its kind in the cluster: configuration, name, and how many of that name came before.
    let id: String
    let criteria: MatchCriteria
    let conditions: ConditionSet
    /// Nil when it says neither URL nor service, which its validation refuses.
    let target: WebhookTarget?
    /// The newest version of the review that both sides know.
    let reviewVersion: String?
    let timeout: Duration
    /// Whether a request passes when the webhook can't be asked.
    let ignoresFailures: Bool
    let isReinvocable: Bool
    /// Whether it may be asked about what won't happen.
    let supportsDryRun: Bool

    init(_ tree: JSON, configuration: String, index: Int) {
        name = tree.text("name")
        self.configuration = configuration
        id = "\(configuration)/\(name)/\(index)"
        criteria = MatchCriteria(webhook: tree)
        conditions = ConditionSet(tree["matchConditions"])
        target = tree["clientConfig"].flatMap { WebhookTarget(clientConfig: $0) }
        reviewVersion = tree["admissionReviewVersions"]?.strings.first { $0 == "v1" || $0 == "v1beta1" }
        timeout = .seconds(min(max(tree["timeoutSeconds"]?.int ?? 10, 1), 30))
        ignoresFailures = tree.text("failurePolicy") == "Ignore"
        isReinvocable = tree.text("reinvocationPolicy") == "IfNeeded"
        supportsDryRun = ["None", "NoneOnDryRun"].contains(tree.text("sideEffects"))
    }

    /// All webhooks of a configuration, in their order.
    static func all(of configuration: Object) -> [AdmissionWebhook] {
        var counts: [String: Int] = [:]
        return (configuration.tree["webhooks"]?.elements ?? []).map { tree in
            let name = tree.text("name")
            defer { counts[name, default: 0] += 1 }
            return AdmissionWebhook(tree, configuration: configuration.metadata.name, index: counts[name] ?? 0)
        }
    }

    /// As what the request is meant, or nil when this webhook isn't to be asked.
    ///
    /// - Throws: 403 when a condition has no value and failures aren't ignored; 404 when the namespace is gone.
    func match(_ request: AdmissionRequest) async throws(StatusError) -> AdmissionTarget? {
        guard let target = try criteria.match(request) else { return nil }
        if conditions.isEmpty { return target }
        let variables = AdmissionVariables(
            request, target, object: try await request.object(as: target), old: try await request.oldObject(as: target),
            authorizer: request.registry.authorizer)
        switch conditions.evaluate(variables, ignoresFailures: ignoresFailures) {
        case .matches: return target
        case .doesNotMatch: return nil
        case .failure(let why): throw .forbidden(request.resource.groupResource, request.name, why)
        }
    }
}

/// How asking a webhook ended when it didn't let the request pass.
enum WebhookRefusal: Error {
    /// It answered that the request is refused.
    case denied(StatusError)
    /// It gave no answer that can be used; the failure policy decides.
    case uncallable(String)
    /// Nothing that a failure policy is for.
    case failed(StatusError)
    /// Nobody waits for the request's answer any more.
    case timeout
}

extension WebhookRefusal {
    /// What the request is answered with, or nil when it passes all the same.
    func error(of webhook: AdmissionWebhook, _ notes: RequestNotes?, annotation: String) -> StatusError? {
        switch self {
        case .denied(let error), .failed(let error): return error
        case .timeout:
            return StatusError(
                code: 504, reason: "Timeout", message: "Timeout: request did not complete within requested timeout", details: [:])
        case .uncallable(let why):
            guard webhook.ignoresFailures else {
                return .internalError("failed calling webhook \(quoted(webhook.name)): \(why)")
            }
            notes?.annotate(annotation, webhook.name)
            return nil
        }
    }
}
