import Foundation
import KubeObject
import Testing

@testable import KubeSchema

/// Upstream publishes one filled-in object of every kind, as JSON and as protobuf (Debian: golang-k8s-api-dev). SAMPAN_KUBE_SOURCES
/// names the folder that has k8s.io/api in it; `make test` fetches it.
@Suite("Protobuf")
struct ProtobufTests {
    static let folder = (ProcessInfo.processInfo.environment["SAMPAN_KUBE_SOURCES"] ?? "") + "/k8s.io/api/testdata/HEAD"
    static let samples: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".pb") }.map { String($0.dropLast(3)) }.sorted()
    }()
    let schema = Schema.builtin

    private func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: "\(Self.folder)/\(name)")))
    }

    @Test(.enabled(if: !samples.isEmpty, "SAMPAN_KUBE_SOURCES doesn't name upstream's published samples"))
    func `upstream's samples of every served kind survive both ways, byte for byte`() throws {
        var count = 0
        for sample in Self.samples {
            let json = try JSON(parsing: bytes("\(sample).json"))
            let gvk = GroupVersion(apiVersion: json["apiVersion"]?.string ?? "").kind(json["kind"]?.string ?? "")
            guard schema.type(forKind: gvk) != nil, schema.version(gvk.groupVersion) != nil else { continue }
            count += 1
            let document = try bytes("\(sample).pb")
            #expect(try Protobuf.encode(json, schema: schema) == document, "encoding \(sample)")
            let decoded = try Protobuf.decode(document, schema: schema)
            #expect(decoded == json, "decoding \(sample)")
        }
        #expect(count > 60)
    }

    @Test func `a small object has the bytes that upstream writes`() throws {
        let object: JSON = ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "a"], "data": ["k": "AQI="]]
        let document = try Protobuf.encode(object, schema: schema)
        #expect(Array(document.prefix(4)) == Array("k8s\0".utf8))
        var decoded = try Protobuf.decode(document, schema: schema)
        decoded["metadata"]?["creationTimestamp"] = nil
        #expect(decoded == object)
    }

    /// The length in front of a message takes as many bytes as it needs.
    @Test(arguments: [0, 1, 100, 127, 128, 129, 16_383, 16_384, 2_097_152]) func `messages of any length are framed`(size: Int)
        throws
    {
        let object: JSON = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"],
            "data": ["a": .string(String(repeating: "x", count: size)), "b": "y"],
        ]
        var decoded = try Protobuf.decode(try Protobuf.encode(object, schema: schema), schema: schema)
        decoded["metadata"]?["creationTimestamp"] = nil
        #expect(decoded == object)
    }

    @Test func `a list's items are added as they are, or not at all`() throws {
        let list = try ProtobufList(apiVersion: "v1", listKind: "SecretList", metadata: [:], schema: schema)
        var bytes: [UInt8] = [7]
        try list.append(["metadata": ["name": "a"], "data": ["k": "AQI="]], to: &bytes)
        let first = bytes
        #expect(first.prefix(2) == [7, 0x12])
        #expect(throws: ProtobufError.self) { try list.append(["metadata": ["name": "b"], "data": ["k": 1]], to: &bytes) }
        #expect(bytes == first)
    }

    @Test func `events are framed by their length`() {
        let frame = Protobuf.watchFrame(type: "ADDED", document: [1, 2, 3])
        #expect(frame == [0, 0, 0, 14, 0x0A, 5] + Array("ADDED".utf8) + [0x12, 5, 0x0A, 3, 1, 2, 3])
    }

    @Test func `what has no protobuf form is refused`() {
        #expect(throws: ProtobufError.self) { try Protobuf.encode(["apiVersion": "x/v1", "kind": "Y"], schema: schema) }
        #expect(throws: ProtobufError.self) { try Protobuf.decode([], schema: schema) }
        #expect(throws: ProtobufError.self) { try Protobuf.decode(Array("k8s\0".utf8) + [0x0A], schema: schema) }
    }

    @Test func `hostile bytes end in an error, never in a crash`() throws {
        let object: JSON = [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": ["name": "a", "labels": ["x": "y"], "creationTimestamp": "2026-01-01T00:00:00Z"],
            "spec": [
                "containers": [
                    ["name": "c", "image": "i", "resources": ["limits": ["cpu": "1"]], "ports": [["containerPort": 80]]]
                ]
            ],
        ]
        let good = try Protobuf.encode(object, schema: schema)
        var state: UInt64 = 7
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0...random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
            bytes = Array(bytes.prefix(4 + random(bytes.count)))
            _ = try? Protobuf.decode(bytes, schema: schema)
        }
    }
}
