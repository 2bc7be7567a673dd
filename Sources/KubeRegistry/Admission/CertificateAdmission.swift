public import KubeObject
import KubeSchema

/// Who approves or signs a certificate's request must be allowed to do so for its signer, and nobody asks for a certificate of the
/// group that may do everything.
public struct CertificateAdmission: ValidatingAdmissionPlugin {
    private static let group = "certificates.k8s.io"

    public init() {}

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard
            request.resource.groupResource
                == GroupResource(group: Self.group, resource: "certificatesigningrequests")
        else { return }
        // The old one's: the signer can't be changed.
        let signer = (request.old?.tree ?? request.object)[path: "spec", "signerName"]?.string ?? ""
        switch (request.operation, request.subresource) {
        case (.create, ""): try Self.checkSubject(request, signer)
        case (.update, "approval"): try Self.require("approve", signer, request)
        case (.update, "status"):
            let old = request.old?.tree["status"]
            let new = request.object["status"]
            if old?["certificate"] == new?["certificate"], old?["conditions"] == new?["conditions"] { return }
            try Self.require("sign", signer, request)
        default: break
        }
    }

    private static func require(
        _ verb: String, _ signer: String, _ request: AdmissionRequest
    ) throws(StatusError) {
        if request.context.isInternal { return }
        let domain = signer.split(separator: "/", maxSplits: 1).first.map(String.init) ?? ""
        for name in [signer, "\(domain)/*"] {
            let attributes = AccessAttributes(
                user: request.context.user, verb: verb, apiGroup: group, apiVersion: "*", resource: "signers", name: name)
            if request.registry.authorizer.decide(attributes, in: request.context.cluster).isAllowed { return }
        }
        throw .forbidden(
            request.resource.groupResource, request.name,
            "user not permitted to \(verb) requests with signerName \(quoted(signer))")
    }

    private static func checkSubject(_ request: AdmissionRequest, _ signer: String) throws(StatusError) {
        guard signer == "kubernetes.io/kube-apiserver-client",
            let pem = Base64.decode(request.object[path: "spec", "request"]?.string ?? ""),
            SubjectOrganizations.of(pem: pem).contains("system:masters")
        else { return }
        throw .forbidden(
            request.resource.groupResource, request.name,
            "use of \(signer) signer with system:masters group is not allowed")
    }
}

/// The organizations that a certificate's request names: what follows the object identifier 2.5.4.10 in its DER.
enum SubjectOrganizations {
    private static let identifier: [UInt8] = [0x06, 0x03, 0x55, 0x04, 0x0A]

    /// - Parameter pem: read as its validation reads it: what surrounds the block doesn't count.
    static func of(pem: [UInt8]) -> [String] {
        guard let body = PEM.requestBody(in: pem), let der = Base64.decode(body) else { return [] }
        var found: [String] = []
        var index = 0
        while index + identifier.count + 2 < der.count {
            guard der[index..<(index + identifier.count)].elementsEqual(identifier) else {
                index += 1
                continue
            }
            // A tag for some kind of text, and a length of one byte or, for long texts, of more.
            var start = index + identifier.count + 1
            var length = Int(der[start])
            start += 1
            if length > 0x80 {
                let count = length & 0x7f
                guard count <= 3, start + count <= der.count else { return found }
                length = der[start..<(start + count)].reduce(0) { $0 << 8 | Int($1) }
                start += count
            }
            guard start + length <= der.count else { return found }
            found.append(String(decoding: der[start..<(start + length)], as: UTF8.self))
            index = start + length
        }
        return found
    }
}
