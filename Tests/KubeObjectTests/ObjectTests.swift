import Testing

@testable import KubeObject

@Suite struct ObjectTests {
    @Test(arguments: [
        "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"b\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\",\"uid\":\"u\"}}",
        "{\"kind\":\"ConfigMap\"}", "{}", "{\"metadata\":{\"resourceVersion\":\"7\"}}", "{\"spec\":1,\"zeta\":2}",
        "{\"metadata\":{\"annotations\":{},\"resourceVersion\":\"1\",\"zz\":1},\"spec\":{}}",
    ])
    func splicingEqualsEncoding(text: String) throws {
        var tree = try JSON(parsing: text.utf8)
        let object = try Draft(tree).sealed(resourceVersion: 42)
        tree[path: "metadata", "resourceVersion"] = "42"
        #expect(String(decoding: object.bytes, as: UTF8.self) == tree.text)
        #expect(object.tree == tree)
        #expect(object.metadata.resourceVersion == 42)
        #expect(try Object(bytes: object.bytes).metadata == object.metadata)
    }

    @Test(arguments: [
        ("{\"metadata\":{\"name\":1}}", "metadata.name must be a string, not number"),
        ("{\"metadata\":{\"labels\":{\"a\":1}}}", "metadata.labels must have string values"),
        ("{\"metadata\":[]}", "metadata must be an object, not array"), ("[]", "an API object must be a JSON object"),
    ])
    func refusesWrongTypes(text: String, message: String) throws {
        let tree = try JSON(parsing: text.utf8)
        #expect(throws: ObjectError(message)) { try Draft(tree) }
    }
}

@Suite struct QuantityTests {
    @Test(arguments: [
        ("1", "1"), ("0.5", "500m"), ("1000m", "1"), ("1500m", "1500m"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("0.5Ki", "512"),
        ("1000", "1k"), ("1e3", "1e3"), ("12345e-2", "123450e-3"), ("0", "0"), ("-1k", "-1k"), ("100M", "100M"), ("1u", "1u"),
        ("0.0000000001", "1n"),
        ("+5", "5"), ("9223372036854775807", "9223372036854775807"), ("1E", "1E"), (".5", "500m"), ("5.", "5"),
        ("128974848", "128974848"),
    ])
    func canonicalises(input: String, output: String) throws { #expect(try Quantity(input).description == output) }

    @Test(arguments: ["", "x", "1x", "1 ", "1.2.3", "-", ".", "1ki", "0x5", "1e99999", "1e-9223372036854775808", "1e65"])
    func refuses(input: String) { #expect(throws: ObjectError.self) { try Quantity(input) } }

    @Test func calculates() throws {
        let memory = try Quantity("1Gi")
        #expect((memory + (try Quantity("512Mi"))).description == "1536Mi")
        #expect(try Quantity("100m").milliValue == 100)
        #expect(try Quantity("1001m").value == 2)
        #expect(try Quantity("1").hashValue == Quantity("1000m").hashValue)
        #expect(try Quantity("900m") < Quantity("1"))
    }
}

@Suite struct TimestampTests {
    @Test(arguments: [
        (0.0, "Thu, 01 Jan 1970 00:00:00 +0000"), (1_136_214_245, "Mon, 02 Jan 2006 15:04:05 +0000"),
        (1_709_251_199.9, "Thu, 29 Feb 2024 23:59:59 +0000"), (-1, "Wed, 31 Dec 1969 23:59:59 +0000"),
        (.infinity, "Fri, 31 Dec 9999 23:59:59 +0000"),
    ])
    func saysTimesAsGoDoes(seconds: Double, text: String) {
        #expect(Timestamp.formatRFC1123(seconds) == text)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0.0), ("2026-11-23T09:01:24Z", 1_795_424_484), ("2000-02-29T23:59:59Z", 951_868_799),
        ("2026-11-23T10:01:24+01:00", 1_795_424_484), ("1970-01-01T00:00:00.5Z", 0.5), ("0000-01-01T00:00:00Z", -62_167_219_200),
    ])
    func parses(text: String, seconds: Double) { #expect(Timestamp.parse(text) == seconds) }

    @Test(arguments: [
        "", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T24:00:00Z",
        "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
    ])
    func refuses(text: String) { #expect(Timestamp.parse(text) == nil) }

    @Test func formatsWhatItParses() {
        for seconds in stride(from: -62_135_596_800.0, to: 253_402_300_799, by: 86_399 * 1001) {
            #expect(Timestamp.parse(Timestamp.format(seconds)) == seconds)
        }
        #expect(Timestamp.formatMicro(1.000002) == "1970-01-01T00:00:01.000002Z")
        #expect(Timestamp.formatMicro(-0.25) == "1969-12-31T23:59:59.750000Z")
    }

    /// A deletion may ask for any number of seconds, and a protobuf message may hold any.
    @Test(arguments: [Double(Int64.max), 1e300, .infinity, -.infinity, .nan, Double(Int64.min)])
    func formatsWhatHasNoText(seconds: Double) {
        #expect(Timestamp.parse(Timestamp.format(seconds)) != nil)
        #expect(Timestamp.parse(Timestamp.formatMicro(seconds)) != nil)
    }

    @Test(
        arguments: [
            (Double(Int64.max), Int64.max), (1e300, Int64.max), (-.infinity, Int64.min), (.nan, 0), (-0x1p63, Int64.min),
            (2.9, 2),
            (-2.9, -2),
            ((0x1p63).nextDown, 9_223_372_036_854_774_784),
        ] as [(Double, Int64)])
    func saturates(value: Double, expected: Int64) { #expect(Int64(saturating: value) == expected) }
}
