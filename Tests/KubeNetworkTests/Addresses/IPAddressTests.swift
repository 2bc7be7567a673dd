import Testing

@testable import KubeNetwork

struct IPv4AddressTests {
    @Test(arguments: ["0.0.0.0", "10.244.0.5", "255.255.255.255", "1.2.3.4"])
    func `reads and writes strict text`(_ text: String) {
        #expect(IPAddress(text[...])?.description == text)
    }

    @Test(arguments: [
        "", ".", "1", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.04", "-1.2.3.4",
        "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/32", "1.2.3.4 } ; flush ruleset", "1.2.3.1000", "٣.1.1.1", "0x1.2.3.4",
    ])
    func `refuses everything else`(_ text: String) {
        #expect(IPAddress(text[...]) == nil)
    }

    @Test(arguments: [
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("fd00:10:244::5", "fd00:10:244::5"), ("FD00::000a:0", "fd00::a:0"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("0:0:0:1::", "0:0:0:1::"), ("64:ff9b::7f00:1", "64:ff9b::7f00:1"),
    ])
    func `reads IPv6 and writes it as everybody does`(_ text: String, _ canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.family == .v6 && address.description == canonical)
        #expect(IPAddress(canonical) == address && IPAddress(octets: address.octets) == address)
    }

    @Test(arguments: [
        ":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::",
        "::1.2.3.4",
        "::ffff:1.2.3.4", "::ffff:102:304", "0:0:0:0:0:ffff:0:1", "fe80::1%eth0", "[::1]", " ::1", "::1 ", "::1/128", "::1}",
        "00000:0:0:0:0:0:0:1",
    ])
    func `refuses what is no IPv6 address, and IPv4 in disguise`(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `a range of IPv6 knows its addresses, and none of IPv4`() throws {
        let range = try #require(IPRange("fd00:10:244::7/64"))
        #expect(range.description == "fd00:10:244::/64" && range[1].description == "fd00:10:244::1")
        #expect(range.contains("fd00:10:244:0:ffff::1") && !range.contains("fd00:10:244:1::1") && !range.contains("10.244.0.1"))
        #expect(IPRange("::/0")?.contains("2001:db8::1") == true && IPRange("::/0")?.contains("10.0.0.1") == false)
        #expect(IPRange("0.0.0.0/0")?.contains("::1") == false)
        #expect(
            try #require(IPRange("fe80::/10")).contains("febf::1") && !(try #require(IPRange("fe80::/10")).contains("fec0::1")))
        #expect(IPRange("fd00::1/128")?.contains("fd00::1") == true && IPRange("fd00::/129") == nil)
        #expect(try #require(IPRange("fd00::/8")).overlaps(range) && !(try #require(IPRange("fd00:10:96::/112")).overlaps(range)))
    }

    @Test func `IPv4 comes first`() {
        #expect(
            (["::1", "255.0.0.1", "fd00::2", "fd00::1"] as [IPAddress]).sorted().map(\.description) == [
                "255.0.0.1", "::1", "fd00::1", "fd00::2",
            ])
    }

    @Test func `a range knows its addresses`() throws {
        let range = try #require(IPRange("10.96.7.9/12"))
        #expect(range.description == "10.96.0.0/12")
        #expect(range[10].description == "10.96.0.10")
        #expect(range.contains("10.111.255.255"))
        #expect(!range.contains("10.112.0.0"))
        #expect(range.overlaps(try #require(IPRange("10.0.0.0/8"))))
        #expect(!range.overlaps(try #require(IPRange("10.244.0.0/16"))))
        #expect(IPRange("0.0.0.0/0")?.contains(IPAddress(number: .max)) == true)
        for text in ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/", "/8", "10.0.0.0/8/8", "x/8"] {
            #expect(IPRange(text) == nil, "\(text)")
        }
    }
}
