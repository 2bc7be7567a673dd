import Foundation
import SwiftASN1
import X509

/// Judges a client certificate chain against one cluster's authorities, with upstream's meaning of the subject.
enum ClientCertificateVerifier {
    /// The user that a valid certificate stands for.
    struct Subject: Sendable, Hashable {
        var user: String
        var groups: [String]
        var uid: String?
        /// Until when the chain is valid; a cached verdict ends then.
        var notAfter: Date
    }

    enum Verdict: Sendable {
        case valid(Subject)
        case invalid(reason: String)
    }

    /// - Parameter chain: as the peer sent it, leaf first, DER.
    static func verify(chain: [[UInt8]], authorities: [Certificate]) async -> Verdict {
        let certificates: [Certificate]
        do {
            certificates = try chain.prefix(8).map { try Certificate(derEncoded: $0) }
        } catch {
            return .invalid(reason: "x509: malformed certificate")
        }
        guard let leaf = certificates.first else { return .invalid(reason: "x509: no certificate") }
        let now = Date()
        guard leaf.notValidAfter >= now, leaf.notValidBefore <= now else {
            return .invalid(reason: "x509: certificate has expired or is not yet valid")
        }
        do {
            guard let usages = try leaf.extensions.extendedKeyUsage,
                usages.contains(where: { $0 == .clientAuth || $0 == .any })
            else { return .invalid(reason: "x509: certificate specifies an incompatible key usage") }
        } catch {
            return .invalid(reason: "x509: malformed extended key usage")
        }
        var verifier = Verifier(rootCertificates: CertificateStore(authorities)) {
            RFC5280Policy()
        }
        let result = await verifier.validate(
            leaf: leaf, intermediates: CertificateStore(certificates.dropFirst()))
        guard case .validCertificate(let validated) = result else {
            return .invalid(reason: "x509: certificate signed by unknown authority")
        }
        var user = ""
        var groups: [String] = []
        var uid: String?
        for name in leaf.subject {
            for attribute in name {
                guard let text = String(attribute.value) else { return .invalid(reason: "x509: subject is not text") }
                switch attribute.type {
                case .RDNAttributeType.commonName: user = text
                case .RDNAttributeType.organizationName: groups.append(text)
                case [1, 3, 6, 1, 4, 1, 57683, 2]: uid = text
                default: break
                }
            }
        }
        guard !user.isEmpty else { return .invalid(reason: "x509: certificate has no common name") }
        let end = validated.map(\.notValidAfter).min() ?? leaf.notValidAfter
        return .valid(Subject(user: user, groups: groups, uid: uid, notAfter: end))
    }
}
