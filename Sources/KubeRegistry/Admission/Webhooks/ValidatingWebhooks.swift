public import KubeObject
import KubeSchema
import KubeStore

/// Asks the cluster's validating webhooks, all at the same time. Of several refusals, that of the first by name counts.
public struct ValidatingWebhooks: ValidatingAdmissionPlugin {
    /// How many are asked at once for one request.
    private static let maximumCalls = 32

    private let compiled = CompiledObjects<[AdmissionWebhook]>()

    public init() {}

    private struct Question: Sendable {
        var webhook: AdmissionWebhook
        var target: AdmissionTarget
        var object: JSON
        var old: JSON
    }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.snapshot.count(prefix: AdmissionConfigurations.validatingWebhooks) > 0,
            !AdmissionConfigurations.concerns(request)
        else { return }
        var questions: [Question] = []
        for configuration in request.snapshot.objects(prefix: AdmissionConfigurations.validatingWebhooks) {
            for webhook in compiled.value(of: configuration, AdmissionWebhook.all(of:)) {
                guard let target = try await webhook.match(request) else { continue }
                if let same = questions.first(where: { $0.target.kind == target.kind && $0.target.resource == target.resource }) {
                    questions.append(Question(webhook: webhook, target: target, object: same.object, old: same.old))
                } else {
                    questions.append(
                        Question(
                            webhook: webhook, target: target, object: try await request.object(as: target),
                            old: try await request.oldObject(as: target)))
                }
            }
        }
        if questions.isEmpty { return }
        if let refusal = await Self.firstRefusal(questions, request) { throw refusal }
    }

    private static func firstRefusal(_ questions: [Question], _ request: AdmissionRequest) async -> StatusError? {
        let deadline = WebhookCall.deadline(of: request)
        return await withTaskGroup(of: (Int, StatusError?).self) { group in
            var refusals: [Int: StatusError] = [:]
            for (index, question) in questions.enumerated() {
                if index >= Self.maximumCalls, let (index, refusal) = await group.next() { refusals[index] = refusal }
                group.addTask { (index, await Self.refusal(question, index, request, deadline)) }
            }
            for await (index, refusal) in group { refusals[index] = refusal }
            return refusals.min { $0.key < $1.key }?.value
        }
    }

    private static func refusal(
        _ question: Question, _ index: Int, _ request: AdmissionRequest, _ deadline: ContinuousClock.Instant
    ) async -> StatusError? {
        do throws(WebhookRefusal) {
            _ = try await WebhookCall(webhook: question.webhook, isMutating: false).ask(
                request, as: question.target, object: question.object, old: question.old, deadline: deadline)
            return nil
        } catch {
            return error.error(
                of: question.webhook, request.context.notes,
                annotation: "failed-open.validating.webhook.admission.k8s.io/round_0_index_\(index)")
        }
    }
}
