import KubeObject
import KubeSchema
import Synchronization

@testable import KubeRegistry

/// Answers admission reviews as a test says, and remembers them.
final class FakeWebhooks: WebhookClient {
    typealias Answer = @Sendable (_ url: String, _ request: JSON) throws(WebhookFailure) -> JSON

    private let answer: Answer
    private let asked = Mutex<[(url: String, request: JSON, timeout: Duration)]>([])

    /// - Parameter answer: gives a review's `response` but for its uid.
    init(_ answer: @escaping Answer = { _, _ in ["allowed": true] }) { self.answer = answer }

    var requests: [JSON] { asked.withLock { $0.map(\.request) } }
    var urls: [String] { asked.withLock { $0.map(\.url) } }
    var timeouts: [Duration] { asked.withLock { $0.map(\.timeout) } }

    func post(_ request: WebhookRequest) async throws(WebhookFailure) -> [UInt8] {
        let review: JSON
        do { review = try JSON(parsing: request.body) } catch { throw WebhookFailure("\(error)") }
        let question = review["request"] ?? .null
        asked.withLock { $0.append((request.target.url, question, request.timeout)) }
        var response = try answer(request.target.url, question)
        if response["uid"] == nil { response["uid"] = question["uid"] }
        return JSON(dictionaryLiteral: ("kind", "AdmissionReview"), ("apiVersion", "admission.k8s.io/v1"), ("response", response))
            .encoded()
    }

    /// A response that changes the object.
    static func patch(_ operations: JSON) -> JSON {
        ["allowed": true, "patchType": "JSONPatch", "patch": .string(Base64.encode(operations.encoded()))]
    }
}

extension Fixture {
    /// Makes a webhook configuration of one webhook.
    func addWebhook(
        _ name: String, isMutating: Bool = false, resources: String = "configmaps", operations: String = "CREATE",
        group: String = "", version: String = "v1", extra: String = ""
    ) async throws {
        try await create(
            """
            apiVersion: admissionregistration.k8s.io/v1
            kind: \(isMutating ? "Mutating" : "Validating")WebhookConfiguration
            metadata: {name: \(name)}
            webhooks:
            - name: \(name).example.com
              clientConfig: {url: "https://hooks.example.com/\(name)"}
              admissionReviewVersions: [v1]
              sideEffects: None
              rules: [{operations: [\(operations)], apiGroups: ["\(group)"], apiVersions: ["\(version)"], resources: ["\(resources)"]}]
            \(extra.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
            """)
    }
}

func configMap(_ name: String, labels: String = "") -> String {
    """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: \(name), labels: {\(labels)}}
    data: {a: b}
    """
}
