import Testing

@testable import KubeSchema

@Suite("Linear regular expressions")
struct LinearRegexTests {
    @Test(arguments: [
        ("abc", "xabcx", true), ("^abc$", "xabc", false), ("^a.c$", "abc", true), ("a|b", "b", true), ("^(ab)+$", "ababab", true),
        ("^a{2,3}$", "aaaa", false), ("^a{2,}$", "aaaa", true), ("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "my-name", true),
        ("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "my-", false), ("^[^/]+$", "a/b", false), ("\\d+", "x1", true),
        ("^\\w+$", "a_1", true),
        ("(?i)ABC", "abc", true), ("^(?:a|bc)d$", "bcd", true), ("\\bfoo\\b", "a foo b", true), ("a{,2}", "a{,2}", true),
        ("^\\p{L}+$", "né", true), ("^[[:alpha:]]+$", "abc", true), ("^$", "", true), ("(?P<x>a)b", "ab", true),
        ("^[\\w.-]+$", "a.b-c", true),
        ("^.$", "\n", false), ("(?s)^.$", "\n", true), ("\\Qa.b\\E", "a.b", true), ("\\Qa.b\\E", "axb", false),
        ("^(a*)*$", "aaaa", true), ("[]a]", "]", true),
        ("^(?i)É$", "é", true), ("^(?i)\\p{Lu}$", "ß", true), ("^(?i)\\p{Lu}$", "é", true), ("^\\p{Lu}$", "é", false),
        ("^\\p{Sc}\\p{Zs}\\pN$", "€ 5", true), ("\\p{C}", "\u{378}", false), ("\\p{C}", "\u{7}", true),
        ("(?i)k", "\u{212A}", true),
    ])
    func matches(pattern: String, text: String, expected: Bool) throws {
        #expect(try LinearRegex(pattern).matches(text) == expected)
    }

    @Test(arguments: ["(", ")", "[a", "*a", "a**", "a{1001}", "\\8", "(?=a)", "(?P<n", "\\", "[z-a]", "\\p{Nope}", "a{3,2}"])
    func refuses(pattern: String) { #expect(throws: LinearRegex.SyntaxError.self) { try LinearRegex(pattern) } }

    @Test func findsLeftmostGreedyAndLazy() throws {
        #expect(try LinearRegex("a+").firstMatch(in: "baaac") == "aaa")
        #expect(try LinearRegex("a+?").firstMatch(in: "baaac") == "a")
        #expect(try LinearRegex("[0-9]+").allMatches(in: "1 22 333") == ["1", "22", "333"])
        #expect(try LinearRegex("[0-9]+").allMatches(in: "1 22 333", limit: 2) == ["1", "22"])
        #expect(try LinearRegex("x*").allMatches(in: "ab").count == 3)
    }

    @Test func hostilePatternsStayLinear() throws {
        let text = String(repeating: "a", count: 20_000) + "b"
        #expect(try LinearRegex("^(a+)+$").matches(text) == false)
        #expect(try LinearRegex("^(a|aa)+$").matches(text) == false)
        #expect(throws: LinearRegex.SyntaxError.self) { try LinearRegex("((a{1000}){1000}){1000}") }
        // Each once meant a look at all of Unicode.
        let letters = try LinearRegex(
            "^(?i)[" + String(repeating: "\\p{L}", count: 1_000) + "]" + String(repeating: "\\p{Lu}?", count: 1_000))
        #expect(letters.firstMatch(in: "ab1") == "ab")
    }
}
