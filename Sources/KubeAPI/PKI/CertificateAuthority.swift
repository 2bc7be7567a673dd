public import Crypto
public import Foundation
import SwiftASN1
public import X509

/// A P-256 certificate authority: the platform's own (which signs server certificates) or one cluster's (which signs its clients').
///
/// Generating one takes well under a millisecond, so every cluster has its own.
public struct CertificateAuthority: Sendable {
    /// The self-signed certificate that others trust.
    public let certificate: Certificate
    let key: P256.Signing.PrivateKey

    /// Makes a new authority.
    /// - Parameters:
    ///   - commonName: the subject's and issuer's common name.
    ///   - years: how long the certificate is valid; it begins an hour before `now`, so that skewed clocks accept it.
    public static func generate(commonName: String, years: Int = 10, now: Date = Date()) throws -> CertificateAuthority {
        try self.selfSigned(commonName: commonName, key: .fresh(), years: years, now: now)
    }

    /// An authority with a given key.
    static func selfSigned(
        commonName: String, key: P256.Signing.PrivateKey, years: Int = 10, now: Date = Date()
    ) throws -> CertificateAuthority {
        let name = try DistinguishedName { CommonName(commonName) }
        let publicKey = Certificate.PublicKey(key.publicKey)
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(-3600), notValidAfter: now.addingTimeInterval(Double(years) * 365.25 * 86_400),
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(digitalSignature: true, keyCertSign: true))
                SubjectKeyIdentifier(hash: publicKey)
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
        return CertificateAuthority(certificate: certificate, key: key)
    }

    /// Certifies another authority's key, so that whoever knows only this one believes what that one has issued.
    func bridge(to other: CertificateAuthority, until end: Date, now: Date = Date()) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: other.certificate.publicKey,
            notValidBefore: now.addingTimeInterval(-3600), notValidAfter: min(end, self.certificate.notValidAfter),
            issuer: self.certificate.subject, subject: other.certificate.subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(digitalSignature: true, keyCertSign: true))
                SubjectKeyIdentifier(hash: other.certificate.publicKey)
                AuthorityKeyIdentifier(keyIdentifier: try self.certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
            },
            issuerPrivateKey: Certificate.PrivateKey(self.key))
    }

    /// What a certificate is to say; the authority adds the serial number, its own name and the signature.
    struct Request {
        var commonName: String
        var organizations: [String] = []
        var names: [GeneralName] = []
        var usage: ExtendedKeyUsage.Usage
        var lifetime: TimeInterval
    }

    func issue(_ request: Request, now: Date = Date()) throws -> IssuedCertificate {
        let key = P256.Signing.PrivateKey.fresh()
        var subject: [RelativeDistinguishedName] = request.organizations.map {
            RelativeDistinguishedName([.init(type: .RDNAttributeType.organizationName, utf8String: $0)])
        }
        subject.append(RelativeDistinguishedName([.init(type: .RDNAttributeType.commonName, utf8String: request.commonName)]))
        let end = min(now.addingTimeInterval(request.lifetime), self.certificate.notValidAfter)
        let leaf = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: now.addingTimeInterval(-300), notValidAfter: end,
            issuer: self.certificate.subject, subject: DistinguishedName(subject), signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([request.usage])
                AuthorityKeyIdentifier(keyIdentifier: try self.certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
                if !request.names.isEmpty { SubjectAlternativeNames(request.names) }
            },
            issuerPrivateKey: Certificate.PrivateKey(self.key))
        return IssuedCertificate(certificate: leaf, key: key)
    }

    /// Issues a client certificate, as upstream's signer `kubernetes.io/kube-apiserver-client` does.
    /// - Parameters:
    ///   - user: the common name, which authenticates as the user's name.
    ///   - groups: the organizations, which authenticate as groups.
    ///   - lifetime: in seconds; cut to the authority's own end.
    public func issueClientCertificate(
        user: String, groups: [String], lifetime: TimeInterval, now: Date = Date()
    ) throws -> IssuedCertificate {
        try self.issue(Request(commonName: user, organizations: groups, usage: .clientAuth, lifetime: lifetime), now: now)
    }

    /// The certificate as PEM, as `certificate-authority-data` and ca.crt have it.
    public func pem() throws -> String {
        try self.certificate.pem()
    }
}

/// A certificate with its private key.
public struct IssuedCertificate: Sendable {
    /// The certificate.
    public let certificate: Certificate
    /// Its key.
    public let key: P256.Signing.PrivateKey

    /// The certificate as PEM.
    public func certificatePEM() throws -> String {
        try self.certificate.pem()
    }

    /// The private key as PEM (PKCS #8).
    public var keyPEM: String {
        self.key.pemRepresentation + "\n"
    }
}

extension P256.Signing.PrivateKey {
    /// A new key: random numbers until one is in the group's range, which nearly every one is (FIPS 186-5, A.2.2).
    ///
    /// The library's own way signs and verifies something with each key, and without `compactRepresentable: false` throws every second one
    /// away: most of what a new cluster's keys cost.
    static func fresh() -> P256.Signing.PrivateKey {
        for _ in 0..<64 {
            let secret = SymmetricKey(size: .bits256)
            do { return try P256.Signing.PrivateKey(rawRepresentation: secret) } catch { continue }
        }
        return P256.Signing.PrivateKey(compactRepresentable: false)
    }
}
