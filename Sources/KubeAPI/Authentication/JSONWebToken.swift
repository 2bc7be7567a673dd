import Crypto
import KubeObject

/// JSON Web Tokens (RFC 7519). Those that are issued here are signed with ES256, and no other algorithm is taken for them.
enum JSONWebToken {
    /// The largest token looked at, in bytes.
    static let sizeLimit = 16 << 10

    /// A key's id: the hash of its public part, as upstream names it.
    static func keyID(of key: P256.Signing.PublicKey) -> String {
        Base64URL.encode(Array(SHA256.hash(data: key.derRepresentation)))
    }

    /// The public key as a JSON Web Key (RFC 7517).
    static func webKey(of key: P256.Signing.PublicKey) -> JSON {
        let point = Array(key.rawRepresentation)
        return [
            "use": "sig", "kty": "EC", "kid": .string(self.keyID(of: key)), "crv": "P-256", "alg": "ES256",
            "x": .string(Base64URL.encode(point.prefix(32))), "y": .string(Base64URL.encode(point.suffix(32))),
        ]
    }

    static func sign(_ claims: JSON, with key: P256.Signing.PrivateKey, keyID: String) throws -> String {
        let header: JSON = ["alg": "ES256", "kid": .string(keyID)]
        let content = Base64URL.encode(header.encoded()) + "." + Base64URL.encode(claims.encoded())
        let signature = try key.signature(for: Array(content.utf8))
        return content + "." + Base64URL.encode(Array(signature.rawRepresentation))
    }

    /// Whether a text could be such a token at all.
    static func looksLikeToken(_ text: String) -> Bool {
        var text = text
        // Of its bytes as they lie there: asked of every request, and a token has a thousand.
        return text.withUTF8 { bytes in bytes.count(where: { $0 == UInt8(ascii: ".") }) } == 2
    }

    /// What a token consists of: read, and not believed.
    struct Parts: Sendable {
        var header: JSON
        var claims: JSON
        /// What is signed.
        var content: [UInt8]
        var signature: [UInt8]
    }

    /// Nil for a text that is no token, and for one that asks for an extension: there is none that is understood.
    static func parts(of token: String) -> Parts? {
        guard token.utf8.count <= self.sizeLimit else { return nil }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let headerBytes = Base64URL.decode(parts[0]), let claimBytes = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { return nil }
        do {
            let header = try JSON(parsing: headerBytes)
            let claims = try JSON(parsing: claimBytes)
            guard header.object != nil, claims.object != nil, header["crit"] == nil else { return nil }
            return Parts(
                header: header, claims: claims,
                content: Array(token.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count)), signature: signature)
        } catch {
            // A text that isn't a token: an answer, no failure.
            return nil
        }
    }

    /// The claims of a token with a good signature by `key`; nil for every other text. Times and audiences aren't looked at.
    static func verify(_ token: String, key: P256.Signing.PublicKey, keyID: String) -> JSON? {
        guard let parts = self.parts(of: token), parts.header["alg"]?.string == "ES256", parts.header["kid"]?.string == keyID,
            parts.signature.count == 64
        else { return nil }
        do {
            let signature = try P256.Signing.ECDSASignature(rawRepresentation: parts.signature)
            return key.isValidSignature(signature, for: parts.content) ? parts.claims : nil
        } catch {
            // Bytes that are no signature sign nothing.
            return nil
        }
    }
}
