import KubeObject
import Testing

@testable import KubeAPI

@Suite struct JSONWebKeyTests {
    @Test(arguments: JSONWebKey.algorithms) func whatItSignedIsKnown(_ algorithm: String) throws {
        let signer = try TestKey(algorithm)
        let other = try TestKey(algorithm)
        let key = try #require(JSONWebKey(signer.webKey))
        let token = try #require(JSONWebToken.parts(of: try signer.token(["sub": "a"])))
        #expect(key.signed(token))
        var changed = token
        changed.content[0] ^= 1
        #expect(!key.signed(changed))
        changed = token
        changed.signature = Array(token.signature.dropLast())
        #expect(!key.signed(changed))
        #expect(!(try #require(JSONWebKey(other.webKey)).signed(token)))
        // Signed by this key, but the header tells of another algorithm.
        for name in ["none", "HS256", "", algorithm == "RS256" ? "PS256" : "RS256"] {
            changed = token
            changed.header["alg"] = .string(name)
            #expect(!key.signed(changed), "\(name)")
        }
    }

    @Test func aKeyForOneAlgorithmIsForNoOther() throws {
        let signer = try TestKey("RS384")
        var tree = signer.webKey
        tree["alg"] = "RS256"
        let token = try #require(JSONWebToken.parts(of: try signer.token(["sub": "a"])))
        #expect(!(try #require(JSONWebKey(tree)).signed(token)))
    }

    @Test(
        arguments: [
            [:], ["kty": "oct", "k": "AAAA"], ["kty": "RSA"], ["kty": "RSA", "n": "AQAB", "e": "AQAB"],
            ["kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"], ["kty": "EC", "crv": "secp256k1", "x": "AQ", "y": "AQ"],
            ["kty": "OKP", "crv": "Ed25519", "x": "AQ"], ["kty": "RSA", "n": "not base64!", "e": "AQAB"],
        ] as [JSON])
    func whatIsNoKeyIsLeftOut(_ tree: JSON) { #expect(JSONWebKey(tree) == nil) }

    @Test func keysForEncryptionSignNothingAndSetsHaveBounds() throws {
        var tree = try TestKey("ES256").webKey
        #expect(JSONWebKey.keys(in: ["keys": .array(Array(repeating: tree, count: 500))]).count == JSONWebKey.maximumCount)
        tree["use"] = "enc"
        #expect(JSONWebKey(tree) == nil)
        #expect(JSONWebKey.keys(in: ["keys": "x"]).isEmpty)
    }

    @Test func modulusHasBounds() {
        let small = Base64URL.encode(Array(repeating: 0xff, count: 128))
        let large = Base64URL.encode(Array(repeating: 0xff, count: 4096))
        for modulus in [small, large] { #expect(JSONWebKey(["kty": "RSA", "n": .string(modulus), "e": "AQAB"]) == nil) }
    }
}
