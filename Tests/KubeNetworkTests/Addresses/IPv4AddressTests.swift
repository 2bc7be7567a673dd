import Testing

@testable import KubeNetwork

struct IPv4AddressTests {
    @Test(arguments: ["0.0.0.0", "10.244.0.5", "255.255.255.255", "1.2.3.4"])
    func `reads and writes strict text`(_ text: String) {
        #expect(IPv4Address(text[...])?.description == text)
    }

    @Test(arguments: [
        "", ".", "1", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.04", "-1.2.3.4",
        "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/32", "1.2.3.4 } ; flush ruleset", "1.2.3.1000", "٣.1.1.1", "0x1.2.3.4", "::1",
    ])
    func `refuses everything else`(_ text: String) {
        #expect(IPv4Address(text[...]) == nil)
    }

    @Test func `a range knows its addresses`() throws {
        let range = try #require(IPv4Range("10.96.7.9/12"))
        #expect(range.description == "10.96.0.0/12")
        #expect(range[10].description == "10.96.0.10")
        #expect(range.contains("10.111.255.255"))
        #expect(!range.contains("10.112.0.0"))
        #expect(range.overlaps(try #require(IPv4Range("10.0.0.0/8"))))
        #expect(!range.overlaps(try #require(IPv4Range("10.244.0.0/16"))))
        #expect(IPv4Range("0.0.0.0/0")?.contains(IPv4Address(number: .max)) == true)
        for text in ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/", "/8", "10.0.0.0/8/8", "x/8"] {
            #expect(IPv4Range(text) == nil, "\(text)")
        }
    }
}
