import Crypto
import KubeObject
import Testing

@testable import KubeAPI

struct JSONWebTokenTests {
    private let key = P256.Signing.PrivateKey()

    @Test func signedTokenVerifies() throws {
        let id = JSONWebToken.keyID(of: key.publicKey)
        let token = try JSONWebToken.sign(["sub": "a"], with: key, keyID: id)
        #expect(JSONWebToken.verify(token, key: key.publicKey, keyID: id) == ["sub": "a"])
    }

    @Test func anythingElseDoesNot() throws {
        let id = JSONWebToken.keyID(of: key.publicKey)
        let token = try JSONWebToken.sign(["sub": "a"], with: key, keyID: id)
        let other = P256.Signing.PrivateKey()
        #expect(JSONWebToken.verify(token, key: other.publicKey, keyID: id) == nil)
        let parts = token.split(separator: ".").map(String.init)
        let none = Base64URL.encode(Array(#"{"alg":"none"}"#.utf8)) + "." + parts[1] + "."
        let changed = parts[0] + "." + Base64URL.encode(Array(#"{"sub":"b"}"#.utf8)) + "." + parts[2]
        for bad in ["", ".", "..", "a.b.c", none, changed, token + "A", token + ".", String(repeating: "a", count: 20_000)] {
            #expect(JSONWebToken.verify(bad, key: key.publicKey, keyID: id) == nil, "\(bad.prefix(40))")
        }
    }

    @Test(arguments: [[], [0], [255], [1, 2], [1, 2, 3], [250, 251, 252, 253]] as [[UInt8]])
    func base64URLRoundTrips(_ bytes: [UInt8]) {
        #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
    }

    @Test(arguments: ["A", "AB=", "A+", "AB", "AAAAA"]) func base64URLRefuses(_ text: String) {
        // "AB" has bits left over that no encoder writes.
        #expect(Base64URL.decode(text) == nil)
    }
}
