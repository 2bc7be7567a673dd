import Foundation
import SwiftASN1
import X509

/// Whose a certificate is, and when it ends.
public struct CertificateDates: Sendable, Equatable {
    /// The subject's common name, or all of its name when it has none.
    public let name: String
    /// In seconds since 1970.
    public let end: Double

    /// Of each certificate in a text.
    ///
    /// - Parameter pem: other documents in it, such as keys, are passed over.
    /// - Throws: when a certificate in it can't be read.
    public static func read(pem: String) throws -> [CertificateDates] {
        guard !pem.isEmpty else { return [] }
        return try PEMDocument.parseMultiple(pemString: pem).filter { $0.discriminator == "CERTIFICATE" }.map { document in
            let certificate = try Certificate(pemDocument: document)
            let names = certificate.subject.flatMap { $0 }.filter { $0.type == .RDNAttributeType.commonName }
            return CertificateDates(
                name: names.first.map { "\($0.value)" } ?? "\(certificate.subject)",
                end: certificate.notValidAfter.timeIntervalSince1970)
        }
    }
}

extension ClusterIdentity {
    /// When the cluster's certificate authority ends, in seconds since 1970. That of its front proxy, made at the same time, ends with it.
    public var authorityExpiration: Double { self.clientAuthority.certificate.notValidAfter.timeIntervalSince1970 }
}
