import Crypto
import CryptoExtras
import Foundation
import KubeObject

/// A public key of an issuer (RFC 7517), and what is signed with it (RFC 7518, section 3).
struct JSONWebKey: Sendable {
    private enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
    }

    /// The algorithms that are taken, as upstream takes them.
    static let algorithms = ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]

    /// So many keys of one issuer are looked at.
    static let maximumCount = 100
    /// In bytes. Longer moduli only cost time.
    private static let modulusSizes = 256...1024

    /// `kid`; empty when the key has none.
    let id: String
    /// The only algorithm that the key may be used with, if it says so.
    private let algorithm: String?
    private let material: Material

    /// Nil for a key that signs nothing, or in a way that isn't taken.
    init?(_ tree: JSON) {
        guard tree["use"]?.string ?? "sig" == "sig", let material = Self.material(tree) else { return nil }
        self.id = tree["kid"]?.string ?? ""
        self.algorithm = tree["alg"]?.string
        self.material = material
    }

    /// The keys of a set that can be used.
    static func keys(in set: JSON) -> [JSONWebKey] {
        (set["keys"]?.elements ?? []).prefix(self.maximumCount).compactMap { JSONWebKey($0) }
    }

    private static func material(_ tree: JSON) -> Material? {
        func bytes(_ name: String) -> [UInt8]? {
            tree[name]?.string.flatMap { Base64URL.decode($0) }.map { Array($0.drop { $0 == 0 }) }
        }
        func point(_ size: Int) -> [UInt8]? {
            guard let x = bytes("x"), let y = bytes("y"), x.count <= size, y.count <= size else { return nil }
            return Array(repeating: 0, count: size - x.count) + x + Array(repeating: 0, count: size - y.count) + y
        }
        do {
            switch (tree["kty"]?.string, tree["crv"]?.string) {
            case ("RSA", _):
                guard let modulus = bytes("n"), self.modulusSizes.contains(modulus.count), let exponent = bytes("e"),
                    (1...4).contains(exponent.count)
                else { return nil }
                return .rsa(try _RSA.Signing.PublicKey(n: modulus, e: exponent))
            case ("EC", "P-256"): return try point(32).map { .p256(try P256.Signing.PublicKey(rawRepresentation: $0)) }
            case ("EC", "P-384"): return try point(48).map { .p384(try P384.Signing.PublicKey(rawRepresentation: $0)) }
            case ("EC", "P-521"): return try point(66).map { .p521(try P521.Signing.PublicKey(rawRepresentation: $0)) }
            default: return nil
            }
        } catch {
            // Numbers that are no key: one less to try.
            return nil
        }
    }

    /// Whether the token was signed with this key, by the algorithm that it names.
    func signed(_ token: JSONWebToken.Parts) -> Bool {
        guard let name = token.header["alg"]?.string, self.algorithm ?? name == name else { return false }
        let (content, signature) = (token.content, token.signature)
        do {
            switch (self.material, name) {
            case (.p256(let key), "ES256"):
                return key.isValidSignature(
                    try P256.Signing.ECDSASignature(rawRepresentation: signature), for: SHA256.hash(data: content))
            case (.p384(let key), "ES384"):
                return key.isValidSignature(
                    try P384.Signing.ECDSASignature(rawRepresentation: signature), for: SHA384.hash(data: content))
            case (.p521(let key), "ES512"):
                return key.isValidSignature(
                    try P521.Signing.ECDSASignature(rawRepresentation: signature), for: SHA512.hash(data: content))
            case (.rsa(let key), _): return Self.isValid(signature, of: content, key, name)
            default: return false
            }
        } catch {
            // Bytes that are no signature sign nothing.
            return false
        }
    }

    private static func isValid(_ bytes: [UInt8], of content: [UInt8], _ key: _RSA.Signing.PublicKey, _ name: String) -> Bool {
        // Few issuers sign by anything else than PKCS #1 v1.5.
        let padding: _RSA.Signing.Padding = name.hasPrefix("RS") ? .insecurePKCS1v1_5 : .PSS
        let signature = _RSA.Signing.RSASignature(rawRepresentation: bytes)
        switch name {
        case "RS256", "PS256": return key.isValidSignature(signature, for: SHA256.hash(data: content), padding: padding)
        case "RS384", "PS384": return key.isValidSignature(signature, for: SHA384.hash(data: content), padding: padding)
        case "RS512", "PS512": return key.isValidSignature(signature, for: SHA512.hash(data: content), padding: padding)
        default: return false
        }
    }
}
