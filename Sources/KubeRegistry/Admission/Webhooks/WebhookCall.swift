import KubeObject
import KubeSchema
import KubeStore

/// Asks one webhook about one request.
struct WebhookCall {
    /// What a whole request may wait for its webhooks, as upstream bounds it.
    static let longestRequest = Duration.seconds(34)
    /// What an answer may have, in bytes, for each byte that was asked about, and at least.
    private static let answerFactor = 4
    private static let smallestAnswer = 4 << 20

    let webhook: AdmissionWebhook
    let isMutating: Bool

    /// - Parameters:
    ///   - object: in the target's version, or null; likewise `old`.
    ///   - deadline: when the request's client has given up.
    /// - Returns: what the webhook says about a request that it lets pass.
    func ask(
        _ request: AdmissionRequest, as target: AdmissionTarget, object: JSON, old: JSON, deadline: ContinuousClock.Instant
    ) async throws(WebhookRefusal) -> AdmissionReview.Response {
        if request.isDryRun, !webhook.supportsDryRun {
            throw .failed(.badRequest("admission webhook \(quoted(webhook.name)) does not support dry run"))
        }
        guard let address = webhook.target, let version = webhook.reviewVersion else {
            throw .uncallable("could not get REST client: it isn't configured")
        }
        guard let client = request.registry.webhookClient else {
            throw .uncallable("failed to call webhook: this server has no client for webhooks")
        }
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { throw .timeout }
        let review = AdmissionReview(uid: Identifiers.uid(), version: version)
        let body = review.question(request.review(as: target), object: object, old: old).encoded()
        let question = WebhookRequest(
            target: address, cluster: request.context.cluster, body: body, timeout: min(webhook.timeout, left),
            maximumAnswer: max(Self.smallestAnswer, body.count * Self.answerFactor))
        let patience = request.context.isInternal ? request.registry.webhookPatience : nil
        let bytes: [UInt8]
        do throws(WebhookFailure) {
            try patience?.check(question)
            bytes = try await client.post(question)
        } catch {
            if error.isTimeout { patience?.note(question) }
            throw .uncallable("failed to call webhook: \(error.message)")
        }
        let response: AdmissionReview.Response
        do {
            let answer = try JSON(parsing: bytes)
            response = try review.response(answer, isMutating: isMutating)
        } catch let error as AdmissionReview.Failure {
            throw .uncallable("received invalid webhook response: \(error.text)")
        } catch {
            throw .uncallable("failed to call webhook: the answer isn't JSON: \(error)")
        }
        if let notes = request.context.notes {
            for (key, value) in response.annotations { notes.annotate("\(webhook.name)/\(key)", value) }
            for warning in response.warnings { notes.warn(warning) }
        }
        guard response.isAllowed else { throw .denied(AdmissionReview.denial(by: webhook.name, response.result)) }
        return response
    }

    static func deadline(of request: AdmissionRequest) -> ContinuousClock.Instant {
        request.context.deadline ?? .now.advanced(by: longestRequest)
    }
}
