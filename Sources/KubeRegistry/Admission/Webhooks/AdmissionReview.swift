import KubeObject
import KubeSchema

/// The question to an admission webhook, and what of its answer is good.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
struct AdmissionReview {
    /// Why an answer is no good.
    struct Failure: Error {
        var text: String
    }

    /// A good answer.
    struct Response {
        var isAllowed: Bool
        /// The `Status` of a refusal, as the webhook gave it.
        var result: JSON?
        /// A JSON patch; nil when nothing is to be changed.
        var patch: [UInt8]?
        var warnings: [String]
        var annotations: [String: String]
    }

    private static let group = "admission.k8s.io"

    let uid: String
    /// `v1` or `v1beta1`.
    let version: String

    /// - Parameter request: as `AdmissionRequest.review` gives it.
    func question(_ request: JSON, object: JSON, old: JSON) -> JSON {
        var request = request
        request["uid"] = .string(uid)
        request["object"] = object
        request["oldObject"] = old
        return ["kind": "AdmissionReview", "apiVersion": .string("\(Self.group)/\(version)"), "request": request]
    }

    func response(_ answer: JSON, isMutating: Bool) throws(Failure) -> Response {
        let apiVersion = answer.text("apiVersion")
        let kind = answer.text("kind")
        guard let response = answer["response"], response.object != nil else {
            throw Failure(text: "webhook response was absent")
        }
        if version == "v1" {
            if response.text("uid") != uid {
                throw Failure(text: "expected response.uid=\(quoted(uid)), got \(quoted(response.text("uid")))")
            }
            if apiVersion != "\(Self.group)/v1" || kind != "AdmissionReview" {
                let got = GroupVersion(apiVersion: apiVersion).kind(kind)
                throw Failure(
                    text: "expected webhook response of \(Self.group)/v1, Kind=AdmissionReview, got \(got)")
            }
        }
        return Response(
            isAllowed: response["allowed"]?.bool ?? false, result: response.present("status"),
            patch: try patch(response, isMutating: isMutating), warnings: response["warnings"]?.strings ?? [],
            annotations: response["auditAnnotations"]?.stringMap ?? [:])
    }

    private func patch(_ response: JSON, isMutating: Bool) throws(Failure) -> [UInt8]? {
        let text = response.text("patch")
        let type = response.present("patchType")?.string
        guard isMutating else {
            if version == "v1", !text.isEmpty { throw Failure(text: "validating webhook may not return response.patch") }
            if version == "v1", type != nil { throw Failure(text: "validating webhook may not return response.patchType") }
            return nil
        }
        if version == "v1" {
            if !text.isEmpty, type == nil {
                throw Failure(text: "webhook returned response.patch but not response.patchType")
            }
            if text.isEmpty, type != nil {
                throw Failure(text: "webhook returned response.patchType but not response.patch")
            }
            if let type, type != "JSONPatch" {
                throw Failure(text: "webhook returned invalid response.patchType of \(quoted(type))")
            }
        }
        if text.isEmpty { return nil }
        guard let bytes = Base64.decode(text) else { throw Failure(text: "response.patch isn't Base64") }
        return bytes
    }

    /// The error that a client gets for a refusal: the webhook's own status, with who refused in front of it.
    static func denial(by webhook: String, _ result: JSON?) -> StatusError {
        let by = "admission webhook \(quoted(webhook)) denied the request"
        let code = Int(clamping: result?["code"]?.int ?? 0)
        let reason = result?.text("reason") ?? ""
        let said = result?.text("message") ?? ""
        let message =
            !said.isEmpty ? "\(by): \(said)" : !reason.isEmpty ? "\(by): \(reason)" : "\(by) without explanation"
        return StatusError(
            code: (400..<600).contains(code) ? code : code < 400 ? 400 : 500, reason: reason, message: message,
            details: result?.present("details").flatMap { $0.object == nil ? nil : $0 })
    }
}
