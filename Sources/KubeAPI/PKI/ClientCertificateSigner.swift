import Crypto
public import Foundation
public import KubeStore
import SwiftASN1
import X509

/// Signs what upstream's signer `kubernetes.io/kube-apiserver-client` signs: certificates by which people and programs are known to one
/// cluster's API server.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
public struct ClientCertificateSigner: Sendable {
    /// Why a request can't be signed, whoever approved it.
    public struct Refusal: Error, CustomStringConvertible {
        /// As it is told in the request's condition.
        public let description: String
    }

    private static let longestLifetime: TimeInterval = 365 * 86_400
    private static let allowedUsages: Set<String> = ["client auth", "digital signature", "key encipherment"]

    /// Keeps nothing.
    public init() {}

    /// Signs a request with the authority of a cluster.
    /// - Parameters:
    ///   - request: PEM.
    ///   - usages: as the object of the request says them.
    ///   - seconds: how long the certificate shall be valid; a year at most, and without it.
    /// - Returns: the certificate, as PEM.
    public func sign(
        _ request: [UInt8], usages: [String], seconds: Int64?, in cluster: LogicalCluster, now: Date = Date()
    ) throws -> String {
        guard usages.contains("client auth"), Self.allowedUsages.isSuperset(of: usages) else {
            throw Refusal(description: "invalid usages for client certificate: \(usages)")
        }
        let parsed: CertificateSigningRequest
        do {
            parsed = try CertificateSigningRequest(pemEncoded: String(decoding: request, as: UTF8.self))
        } catch {
            throw Refusal(description: "unable to parse csr: \(error)")
        }
        guard parsed.publicKey.isValidSignature(parsed.signature, for: parsed) else {
            throw Refusal(description: "the csr isn't signed with the key that it is for")
        }
        let authority = try ClusterIdentity(record: cluster.record).clientAuthority
        let lifetime = min(seconds.map { Double($0) } ?? Self.longestLifetime, Self.longestLifetime)
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: parsed.publicKey,
            notValidBefore: now.addingTimeInterval(-300),
            notValidAfter: min(now.addingTimeInterval(lifetime), authority.certificate.notValidAfter),
            issuer: authority.certificate.subject, subject: parsed.subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                // Without any it would be invalid, so it is left out.
                if Set(usages).count > 1 {
                    Critical(
                        KeyUsage(
                            digitalSignature: usages.contains("digital signature"),
                            keyEncipherment: usages.contains("key encipherment")))
                }
                try ExtendedKeyUsage([.clientAuth])
                AuthorityKeyIdentifier(keyIdentifier: try authority.certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
            },
            issuerPrivateKey: Certificate.PrivateKey(authority.key))
        return try certificate.pem()
    }
}
