import Crypto
import Foundation
import KubeObject
import SwiftASN1
import X509

/// What a cluster's identity was before it was rotated: enough to believe what was issued then, and not to issue anything.
struct FormerIdentity: Sendable {
    /// Of the authority of client certificates.
    let certificate: Certificate
    /// Of service accounts' tokens.
    let serviceAccountKey: P256.Signing.PublicKey
    let serviceAccountKeyID: String
    /// Of the authority by which extension servers know this server, PEM.
    let frontProxyAuthority: String
    /// Until when it is trusted, in seconds since 1970.
    let until: Double

    init(certificate: Certificate, serviceAccountKey: P256.Signing.PublicKey, frontProxyAuthority: String, until: Double) {
        self.certificate = certificate
        self.serviceAccountKey = serviceAccountKey
        self.serviceAccountKeyID = JSONWebToken.keyID(of: serviceAccountKey)
        self.frontProxyAuthority = frontProxyAuthority
        self.until = until
    }

    init(record: JSON) throws {
        guard let certificate = (record["clientCA"]?.string).flatMap({ Data(base64Encoded: $0) }),
            let key = (record["serviceAccountKey"]?.string).flatMap({ Data(base64Encoded: $0) }),
            let authority = record["frontProxyCA"]?.string, let until = (record["until"]?.string).flatMap({ Timestamp.parse($0) })
        else { throw ClusterIdentity.RecordError(description: "a former identity in the cluster's record is damaged") }
        self.init(
            certificate: try Certificate(derEncoded: Array(certificate)),
            serviceAccountKey: try P256.Signing.PublicKey(rawRepresentation: key), frontProxyAuthority: authority, until: until)
    }

    func record() throws -> JSON {
        [
            "clientCA": .string(try self.certificate.derBase64()),
            "serviceAccountKey": .string(self.serviceAccountKey.rawRepresentation.base64EncodedString()),
            "frontProxyCA": .string(self.frontProxyAuthority), "until": .string(Timestamp.format(self.until)),
        ]
    }
}

extension Certificate {
    func derBase64() throws -> String {
        var serializer = DER.Serializer()
        try serializer.serialize(self)
        return Data(serializer.serializedBytes).base64EncodedString()
    }
}

extension ClusterIdentity {
    /// A cluster's identity is rotated at most so often while what it was is still trusted.
    static let maximumFormer = 3

    /// Why an identity can't be rotated now.
    public struct RotationError: Error, CustomStringConvertible {
        /// What to do about it.
        public let description: String
    }

    /// A new authority and a new key, by which everything is issued from now on; what they were stays trusted for a while.
    ///
    /// Only the public halves of the old ones are kept.
    ///
    /// - Parameters:
    ///   - seconds: how long what was issued before is still believed.
    ///   - now: in seconds since 1970.
    public func rotated(clusterName: String, keeping seconds: Double, now: Double) throws -> ClusterIdentity {
        let trusted = self.former(at: now)
        guard trusted.count < Self.maximumFormer else {
            throw RotationError(
                description:
                    "\(trusted.count) former authorities are still trusted; end that first (retire), or wait until their time is over"
            )
        }
        let before = FormerIdentity(
            certificate: self.clientAuthority.certificate, serviceAccountKey: self.serviceAccountKey.publicKey,
            frontProxyAuthority: try FrontProxy.authority(self).pem(), until: now + seconds)
        var identity = ClusterIdentity(
            // Of its own name, so that nobody takes one for the other.
            clientAuthority: try .generate(commonName: "\(clusterName)-client-ca@\(Int64(now))"), serviceAccountKey: .fresh(),
            tokens: self.tokens, former: [before] + trusted)
        identity.wasRotated = true
        return identity
    }

    /// The same, believing nothing of what it was whose time is over; nothing at all, when `everything` shall go.
    public func retiring(everything: Bool, now: Double) -> ClusterIdentity {
        var identity = self
        identity.former = everything ? [] : self.former(at: now)
        return identity
    }

    /// Until when something is trusted that it was, in seconds since 1970: the next that goes; nil when there is none.
    public func nextRetirement() -> Double? { self.former.map(\.until).min() }

    /// Until when anything is trusted that it was, in seconds since 1970; nil when nothing is.
    public func formerTrustedUntil(now: Double) -> Double? { self.former(at: now).map(\.until).max() }

    /// Names what is trusted now; nil for an identity that never was another.
    public func trustMark(now: Double) -> String? { self.wasRotated ? self.trust(at: now).id : nil }

    func former(at now: Double) -> [FormerIdentity] { self.former.isEmpty ? [] : self.former.filter { $0.until > now } }

    /// The authorities whose client certificates are believed.
    func trust(at now: Double) -> ClientTrust {
        let former = self.former(at: now)
        return ClientTrust(
            id: former.isEmpty
                ? self.serviceAccountKeyID
                : ([self.serviceAccountKeyID] + former.map(\.serviceAccountKeyID)).joined(separator: " "),
            authorities: [self.clientAuthority.certificate] + former.map(\.certificate))
    }

    /// The keys by which service accounts' tokens are believed, the current one first.
    func accountKeys(at now: Double) -> [(id: String, key: P256.Signing.PublicKey)] {
        [(self.serviceAccountKeyID, self.serviceAccountKey.publicKey)]
            + self.former(at: now).map { ($0.serviceAccountKeyID, $0.serviceAccountKey) }
    }
}

/// Whose client certificates a cluster believes now.
struct ClientTrust: Sendable {
    /// The same for the same authorities.
    let id: String
    let authorities: [Certificate]
}
