import Crypto
import KubeObject
import Testing

@testable import KubeAPI

struct LastTokenTests {
    private static let token = VerifiedToken(claims: ["sub": "a"], bound: nil)

    @Test func theSameTextIsTheSameTokenWhileItsKeyIsTrusted() {
        let last = LastToken()
        #expect(last.token("a.K.c", signedWithOneOf: ["one"]) == nil)
        last.remember(Self.token, "a.K.c", keyID: "one")
        #expect(last.token("a.K.c", signedWithOneOf: ["two", "one"])?.claims == ["sub": "a"])
        #expect(last.token("a.K.c", signedWithOneOf: ["two"]) == nil)
        #expect(last.token("a.K.d", signedWithOneOf: ["one"]) == nil)
        #expect(last.token("a.K.", signedWithOneOf: ["one"]) == nil)
    }

    @Test func whatOnlyLooksTheSameIsAnother() {
        let last = LastToken()
        last.remember(Self.token, "a.K.c", keyID: "one")
        // The sign for kelvin, which strings take for the letter.
        #expect("a.\u{212a}.c" == "a.K.c")
        #expect(last.token("a.\u{212a}.c", signedWithOneOf: ["one"]) == nil)
    }
}
