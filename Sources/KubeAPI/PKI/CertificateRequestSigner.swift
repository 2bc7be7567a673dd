import Crypto
public import Foundation
public import KubeStore
import SwiftASN1
import X509

/// Signs what upstream's own signers sign, with the authority of one cluster.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
public struct CertificateRequestSigner: Sendable {
    /// Upstream's signers that there are requests for in `certificates.k8s.io/v1`.
    public enum Signer: String, Sendable, CaseIterable {
        /// Certificates by which people and programs are known to the cluster's API server.
        case apiServerClient = "kubernetes.io/kube-apiserver-client"
        /// Those by which nodes are.
        case kubeletClient = "kubernetes.io/kube-apiserver-client-kubelet"
        /// Those by which nodes prove themselves to the API server.
        case kubeletServing = "kubernetes.io/kubelet-serving"
    }

    /// Why a request can't be signed, whoever approved it.
    public struct Refusal: Error, CustomStringConvertible {
        /// As it is told in the request's condition.
        public let description: String

        public init(description: String) { self.description = description }
    }

    private static let longestLifetime: TimeInterval = 365 * 86_400
    private static let shortestLifetime: TimeInterval = 600

    /// Keeps nothing.
    public init() {}

    /// Signs a request with the authority of a cluster.
    /// - Parameters:
    ///   - request: PEM.
    ///   - usages: as the object of the request says them.
    ///   - seconds: how long the certificate shall be valid; a year at most, and without it.
    /// - Returns: the certificate, as PEM.
    public func sign(
        _ request: [UInt8], for signer: Signer, usages: [String], seconds: Int64?, in cluster: LogicalCluster, now: Date = Date()
    ) throws -> String {
        let requested = try RequestedCertificate(pem: request)
        try requested.check(for: signer, usages: Set(usages))
        let authority = try ClusterIdentity(record: cluster.record).clientAuthority
        let asked = seconds.map { max(Double($0), Self.shortestLifetime) } ?? Self.longestLifetime
        let isServing = signer == .kubeletServing
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: requested.request.publicKey,
            notValidBefore: now.addingTimeInterval(-300),
            notValidAfter: min(
                now.addingTimeInterval(min(asked, Self.longestLifetime)), authority.certificate.notValidAfter),
            issuer: authority.certificate.subject, subject: requested.request.subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                // Without any it would be invalid, so it is left out.
                if Set(usages).count > 1 {
                    Critical(
                        KeyUsage(
                            digitalSignature: usages.contains("digital signature"),
                            keyEncipherment: usages.contains("key encipherment")))
                }
                try ExtendedKeyUsage([isServing ? .serverAuth : .clientAuth])
                AuthorityKeyIdentifier(keyIdentifier: try authority.certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
                if isServing { SubjectAlternativeNames(requested.alternativeNames) }
            },
            issuerPrivateKey: Certificate.PrivateKey(authority.key))
        return try certificate.pem()
    }

    /// The node that a request for a kubelet's client certificate is for.
    ///
    /// - Returns: the user that the certificate would stand for; nil when the request isn't one that a kubelet makes.
    public static func kubelet(of request: [UInt8], usages: [String]) -> String? {
        do {
            let requested = try RequestedCertificate(pem: request)
            try requested.check(for: .kubeletClient, usages: Set(usages))
            return requested.commonName
        } catch {
            return nil
        }
    }
}

/// A request for a certificate, as far as signers judge it. Words are upstream's.
struct RequestedCertificate {
    let request: CertificateSigningRequest
    let commonName: String
    let organizations: [String]
    let alternativeNames: [GeneralName]

    private typealias Refusal = CertificateRequestSigner.Refusal

    init(pem: [UInt8]) throws {
        do {
            self.request = try CertificateSigningRequest(pemEncoded: String(decoding: pem, as: UTF8.self))
            guard self.request.publicKey.isValidSignature(self.request.signature, for: self.request) else {
                throw Refusal(description: "the csr isn't signed with the key that it is for")
            }
            let extensions = try self.request.attributes.extensionRequest?.extensions
            self.alternativeNames = try (extensions?.subjectAlternativeNames).map { Array($0) } ?? []
        } catch let refusal as CertificateRequestSigner.Refusal {
            throw refusal
        } catch {
            throw Refusal(description: "unable to parse csr: \(error)")
        }
        var commonName = ""
        var organizations: [String] = []
        for attribute in self.request.subject.flatMap({ $0 }) {
            let text = String(attribute.value) ?? ""
            if attribute.type == .RDNAttributeType.commonName { commonName = text }
            if attribute.type == .RDNAttributeType.organizationName { organizations.append(text) }
        }
        self.commonName = commonName
        self.organizations = organizations
    }

    func check(for signer: CertificateRequestSigner.Signer, usages: Set<String>) throws {
        switch signer {
        case .apiServerClient:
            // Admission refuses the request already; a signature would be for all that is the cluster's.
            if self.organizations.contains("system:masters") {
                throw Refusal(description: "use of \(signer.rawValue) signer with system:masters group is not allowed")
            }
            for usage in usages.sorted() where !["client auth", "digital signature", "key encipherment"].contains(usage) {
                throw Refusal(description: "invalid usage for client certificate: \(usage)")
            }
            guard usages.contains("client auth") else {
                throw Refusal(description: "missing required usage for client certificate: client auth")
            }
        case .kubeletClient:
            try self.checkOrganization()
            for name in self.alternativeNames {
                throw Refusal(description: "\(Self.kind(of: name)) subjectAltNames are not allowed")
            }
            try self.checkCommonName()
            try self.check(usages, for: "client auth")
        case .kubeletServing:
            try self.checkOrganization()
            let kinds = self.alternativeNames.map { Self.kind(of: $0) }
            guard kinds.contains("DNS") || kinds.contains("IP") else {
                throw Refusal(description: "DNS or IP subjectAltName is required")
            }
            for kind in kinds where kind != "DNS" && kind != "IP" {
                throw Refusal(description: "\(kind) subjectAltNames are not allowed")
            }
            try self.check(usages, for: "server auth")
            try self.checkCommonName()
        }
    }

    private func checkOrganization() throws {
        guard self.organizations == ["system:nodes"] else {
            throw Refusal(description: "subject organization is not system:nodes")
        }
    }

    private func checkCommonName() throws {
        guard self.commonName.hasPrefix("system:node:") else {
            throw Refusal(description: "subject common name does not begin with system:node:")
        }
    }

    private func check(_ usages: Set<String>, for purpose: String) throws {
        let all = Set(["digital signature", "key encipherment", purpose])
        guard usages == all || usages == all.subtracting(["key encipherment"]) else {
            throw Refusal(description: "usages did not match [\(all.sorted().joined(separator: " "))]")
        }
    }

    private static func kind(of name: GeneralName) -> String {
        switch name {
        case .dnsName: "DNS"
        case .ipAddress: "IP"
        case .rfc822Name: "Email"
        case .uniformResourceIdentifier: "URI"
        default: "Other"
        }
    }
}
