public import Crypto
public import Foundation
public import KubeObject
import SwiftASN1
import X509

/// What makes a cluster's credentials its own: the authority of its client certificates, the key of its service accounts' tokens, and
/// the tokens of its first administrators. Kept in the cluster's private record.
public struct ClusterIdentity: Sendable {
    /// Signs the client certificates that the cluster takes.
    public let clientAuthority: CertificateAuthority
    /// Signs its service accounts' tokens.
    public let serviceAccountKey: P256.Signing.PrivateKey
    /// The key's id, as in the tokens' headers.
    public let serviceAccountKeyID: String
    /// Its bootstrap tokens.
    public var tokens: [BootstrapToken]
    /// What it was before, as far as that is still trusted; the newest first.
    var former: [FormerIdentity]
    /// Whether it ever was another.
    var wasRotated = false

    init(
        clientAuthority: CertificateAuthority, serviceAccountKey: P256.Signing.PrivateKey, tokens: [BootstrapToken],
        former: [FormerIdentity] = []
    ) {
        self.former = former
        self.clientAuthority = clientAuthority
        self.serviceAccountKey = serviceAccountKey
        self.serviceAccountKeyID = JSONWebToken.keyID(of: serviceAccountKey.publicKey)
        self.tokens = tokens
    }

    /// Makes a new cluster's identity.
    public static func generate(clusterName: String) throws -> ClusterIdentity {
        ClusterIdentity(
            clientAuthority: try .generate(commonName: "\(clusterName)-client-ca"), serviceAccountKey: .fresh(),
            tokens: [])
    }

    /// Why a record can't be read.
    public struct RecordError: Error, CustomStringConvertible {
        /// What was wrong.
        public let description: String
    }

    /// Reads an identity out of a cluster's record (its field `identity`).
    public init(record: JSON) throws {
        guard let identity = record["identity"], let authority = identity["clientCA"]?.string,
            let key = identity["clientCAKey"]?.string,
            let accountKey = identity["serviceAccountKey"]?.string
        else {
            throw RecordError(description: "the cluster's record has no identity: it was made by another version, or is damaged")
        }
        func bytes(_ text: String, _ what: String) throws -> Data {
            guard let data = Data(base64Encoded: text) else {
                throw RecordError(description: "\(what) in the cluster's record is not base64")
            }
            return data
        }
        self.init(
            clientAuthority: CertificateAuthority(
                certificate: try Certificate(derEncoded: Array(try bytes(authority, "clientCA"))),
                key: try P256.Signing.PrivateKey(rawRepresentation: try bytes(key, "clientCAKey"))),
            serviceAccountKey: try P256.Signing.PrivateKey(rawRepresentation: try bytes(accountKey, "serviceAccountKey")),
            tokens: (identity["tokens"]?.elements ?? []).compactMap(BootstrapToken.init(record:)),
            former: try (identity["former"]?.elements ?? []).map(FormerIdentity.init(record:)))
        self.wasRotated = identity["wasRotated"]?.bool ?? false
    }

    /// The record with this identity in it; other fields stay as they are.
    public func record(in record: JSON = [:]) throws -> JSON {
        var record = record
        var identity: JSON = [
            "clientCA": .string(try self.clientAuthority.certificate.derBase64()),
            "clientCAKey": .string(self.clientAuthority.key.rawRepresentation.base64EncodedString()),
            "serviceAccountKey": .string(self.serviceAccountKey.rawRepresentation.base64EncodedString()),
            "tokens": .array(self.tokens.map(\.record)),
        ]
        if !self.former.isEmpty { identity["former"] = .array(try self.former.map { try $0.record() }) }
        if self.wasRotated { identity["wasRotated"] = true }
        record["identity"] = identity
        return record
    }

    /// Makes a bearer token and remembers its hash.
    /// - Parameter lifetime: in seconds; nil for one that never expires.
    /// - Returns: the token, which is to be found nowhere else.
    public mutating func addToken(user: String, groups: [String], lifetime: TimeInterval? = nil) -> String {
        let secret = SymmetricKey(size: .bits256).withUnsafeBytes { Base64URL.encode(Array($0)) }
        let token = "sampan-" + secret
        self.tokens.append(
            BootstrapToken(
                hash: BootstrapToken.hash(token), user: user, groups: groups,
                expires: lifetime.map { Timestamp.format(Timestamp.seconds + $0) }))
        return token
    }

    /// The user that a bootstrap token stands for.
    func bootstrapUser(_ token: String) -> BootstrapToken? {
        guard !self.tokens.isEmpty else { return nil }
        let hash = BootstrapToken.hash(token)
        return self.tokens.first { candidate in
            candidate.hash == hash
                && (candidate.expires.map { (Timestamp.parse($0) ?? 0) > Timestamp.seconds } ?? true)
        }
    }
}

/// A bearer token that is no service account's: a cluster's first way in. Only its hash is kept.
public struct BootstrapToken: Sendable, Hashable {
    /// SHA-256, base64url.
    public let hash: String
    /// The user's name.
    public let user: String
    /// The user's groups.
    public let groups: [String]
    /// RFC 3339, or nil when it doesn't expire.
    public let expires: String?

    static func hash(_ token: String) -> String {
        Base64URL.encode(Array(SHA256.hash(data: Array(token.utf8))))
    }

    var record: JSON {
        var record: JSON = ["hash": .string(self.hash), "user": .string(self.user), "groups": JSON(self.groups)]
        if let expires { record["expires"] = .string(expires) }
        return record
    }
}

extension BootstrapToken {
    init?(record: JSON) {
        guard let hash = record["hash"]?.string, let user = record["user"]?.string else { return nil }
        self.init(hash: hash, user: user, groups: record["groups"]?.strings ?? [], expires: record["expires"]?.string)
    }
}
