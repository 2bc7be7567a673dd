import Crypto
import CryptoExtras
import Foundation
import KubeObject
import KubeRegistry
import Synchronization

@testable import KubeAPI

/// An issuer whose documents are read without a socket.
final class TestIssuer: DocumentReader {
    static let url = "https://issuer.example.com"

    struct State {
        var keys: [JSON] = []
        var issuer = TestIssuer.url
        var maximumAge: Int?
        var failure: String?
        var requests: [IssuerDocumentRequest] = []
    }

    let state = Mutex(State())

    init(_ keys: [TestKey] = []) { self.publish(keys) }

    func publish(_ keys: [TestKey]) { self.state.withLock { $0.keys = keys.map(\.webKey) } }

    /// The addresses that were asked for.
    var asked: [String] { self.state.withLock { $0.requests.map(\.url) } }

    func read(_ request: IssuerDocumentRequest) async throws(WebhookFailure) -> PublishedDocument {
        let (document, age, failure) = self.state.withLock { state -> (JSON, Int?, String?) in
            state.requests.append(request)
            let discovery: JSON = ["issuer": .string(state.issuer), "jwks_uri": .string("\(Self.url)/keys")]
            return (
                request.url.hasSuffix("/keys") ? ["keys": .array(state.keys)] : discovery, state.maximumAge, state.failure
            )
        }
        if let failure { throw WebhookFailure(failure) }
        return PublishedDocument(bytes: document.encoded(), maximumAge: age)
    }
}

/// A key that signs tokens by one algorithm.
struct TestKey: Sendable {
    let id: String
    let algorithm: String
    let webKey: JSON
    let sign: @Sendable ([UInt8]) throws -> [UInt8]

    init(_ algorithm: String = "ES256", id: String = "one") throws {
        self.id = id
        self.algorithm = algorithm
        func point(_ curve: String, _ raw: Data) -> JSON {
            let bytes = Array(raw)
            return [
                "kty": "EC", "crv": .string(curve), "kid": .string(id), "use": "sig",
                "x": .string(Base64URL.encode(bytes.prefix(bytes.count / 2))),
                "y": .string(Base64URL.encode(bytes.suffix(bytes.count / 2))),
            ]
        }
        switch algorithm {
        case "ES256":
            let key = P256.Signing.PrivateKey()
            self.webKey = point("P-256", key.publicKey.rawRepresentation)
            self.sign = { Array(try key.signature(for: SHA256.hash(data: $0)).rawRepresentation) }
        case "ES384":
            let key = P384.Signing.PrivateKey()
            self.webKey = point("P-384", key.publicKey.rawRepresentation)
            self.sign = { Array(try key.signature(for: SHA384.hash(data: $0)).rawRepresentation) }
        case "ES512":
            let key = P521.Signing.PrivateKey()
            self.webKey = point("P-521", key.publicKey.rawRepresentation)
            self.sign = { Array(try key.signature(for: SHA512.hash(data: $0)).rawRepresentation) }
        default:
            let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
            let primitives = try key.publicKey.getKeyPrimitives()
            self.webKey = [
                "kty": "RSA", "kid": .string(id), "n": .string(Base64URL.encode(Array(primitives.modulus))),
                "e": .string(Base64URL.encode(Array(primitives.publicExponent))),
            ]
            let padding: _RSA.Signing.Padding = algorithm.hasPrefix("RS") ? .insecurePKCS1v1_5 : .PSS
            self.sign = { content in
                switch algorithm.suffix(3) {
                case "256": Array(try key.signature(for: SHA256.hash(data: content), padding: padding).rawRepresentation)
                case "384": Array(try key.signature(for: SHA384.hash(data: content), padding: padding).rawRepresentation)
                default: Array(try key.signature(for: SHA512.hash(data: content), padding: padding).rawRepresentation)
                }
            }
        }
    }

    func token(_ claims: JSON, header: JSON = [:]) throws -> String {
        var head: JSON = ["alg": .string(self.algorithm), "kid": .string(self.id)]
        for (key, value) in header.object ?? [:] { head[key] = value }
        let content = Base64URL.encode(head.encoded()) + "." + Base64URL.encode(claims.encoded())
        return content + "." + Base64URL.encode(try self.sign(Array(content.utf8)))
    }
}
