import HTTPTypes
import KubeObject
import KubeSchema
import Synchronization
import Testing

@testable import KubeAPI

/// Lists that are too long to be held at once, in every form and coding.
@Suite("Long lists")
struct LongListTests {
    private static let filling = String(repeating: "x", count: 20_000)

    struct Wanted: Sendable, CustomTestStringConvertible {
        var accept: String
        var query = ""
        var member = "items"
        var testDescription: String { self.accept + self.query }
    }

    static let all = [
        Wanted(accept: "application/json"), Wanted(accept: "application/json", query: "?pretty=1"),
        Wanted(accept: "application/yaml"), Wanted(accept: Protobuf.mediaType),
        Wanted(accept: "application/json;as=Table;g=meta.k8s.io;v=v1", query: "?includeObject=Object", member: "rows"),
        Wanted(accept: "application/json;as=Table;g=meta.k8s.io;v=v1beta1", query: "?pretty=1", member: "rows"),
        Wanted(accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"),
        Wanted(accept: "application/yaml;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1beta1"),
    ]

    @Test(arguments: all)
    func comeInPieces(_ wanted: Wanted) async throws {
        try await Self.withLongList { server, path in
            let short = try await Self.read(server, "\(path)?limit=3", "application/json").json
            // The second time sizes are known already.
            for _ in 0..<2 {
                let found = try await Self.read(server, path + wanted.query, wanted.accept)
                #expect(found.isStreamed && found.pieces.count >= 1)
                #expect(found.pieces.allSatisfy { $0 <= (64 << 10) + Self.filling.utf8.count * 2 })
                // What needs no look at the items comes at once.
                if wanted.accept == Protobuf.mediaType { #expect(found.pieces[0] < 64) }
                let list = try Self.tree(found, wanted)
                let items = list[wanted.member]?.elements ?? []
                #expect(items.count == 21)
                #expect(list["metadata"]?["resourceVersion"]?.string.flatMap(UInt64.init) != nil)
                guard wanted.member == "items" else {
                    #expect(items[0]["cells"]?[0] == "c0" && items[0]["object"]?["metadata"]?["name"] == "c0")
                    continue
                }
                let expected = short["items"]?[0]
                if wanted.accept.contains("Partial") {
                    #expect(items[0]["kind"] == "PartialObjectMetadata" && items[0]["metadata"] == expected?["metadata"])
                } else {
                    #expect(items[0] == expected)
                }
            }
        }
    }

    /// A short list is one that has been put together at once: the bytes must be the same.
    @Test func areWhatShortOnesAre() async throws {
        for (wanted, version) in [("", "v1"), ("PartialObjectMetadataList", "v1"), ("PartialObjectMetadataList", "v1beta1")] {
            try await Self.withLongList { server, path in
                let form = wanted.isEmpty ? "" : ";as=\(wanted);g=meta.k8s.io;v=\(version)"
                let found = try await Self.read(server, path, Protobuf.mediaType + form)
                let list = try await server.send(.get, path).json
                let metadata = list["metadata"] ?? .null
                let schema = Schema.builtin
                if wanted.isEmpty {
                    #expect(found.bytes == (try Protobuf.encode(list, schema: schema)))
                } else {
                    let coding = try ProtobufList(partialMetadata: version, metadata: metadata, schema: schema)
                    var items: [UInt8] = []
                    for item in list["items"]?.elements ?? [] { try coding.append(item, to: &items) }
                    #expect(found.bytes == coding.prelude + coding.head(itemBytes: items.count) + items + coding.tail)
                    #expect(found.bytes.count < 21 * 500)
                }
            }
        }
    }

    @Test func showOneSnapshot() async throws {
        try await Self.withLongList { server, path in
            let response = await server.api.respond(to: Self.request(server, path, "application/json"))
            guard case .stream(false, .heavy, let write) = response.body else {
                Issue.record("the list wasn't streamed")
                return
            }
            // What is created while it is sent isn't in it.
            try await server.createNamespacedConfigMap("d")
            let pieces = PieceWriter()
            try await write(pieces)
            let list = try JSON(parsing: pieces.bytes)
            #expect(list["items"]?.elements.count == 21)
            #expect(list["items"]?.elements.last?["metadata"]?["name"]?.string == "kube-root-ca.crt")
        }
    }

    @Test(arguments: ["application/json", "application/yaml", "application/json;as=Table;g=meta.k8s.io;v=v1"])
    func emptyOnesAreWhole(_ accept: String) async throws {
        try await TestServer.run { server in
            for query in ["", "&pretty=1"] {
                let found = try await Self.read(server, "/api/v1/pods?limit=1\(query)", accept)
                let member = accept.contains("Table") ? "rows" : "items"
                #expect(try Self.tree(found, Wanted(accept: accept))[member] == .array([]))
            }
        }
    }

    // MARK: Parts

    struct Found {
        var isStreamed = false
        var pieces: [Int] = []
        var bytes: [UInt8] = []
        var json: JSON {
            do { return try JSON(parsing: self.bytes) } catch { return .string("not JSON") }
        }
    }

    private static func withLongList(_ body: (TestServer, String) async throws -> Void) async throws {
        try await TestServer.run { server in
            for index in 0..<20 {
                try await server.createNamespacedConfigMap("c\(index)", data: ["filling": .string(filling)])
            }
            try await body(server, "/api/v1/namespaces/default/configmaps")
        }
    }

    private static func request(_ server: TestServer, _ path: String, _ accept: String) -> APIRequest {
        APIRequest(
            method: .get, target: "/clusters/demo\(path)",
            headers: [.authorization: "Bearer \(server.adminToken("demo"))", .accept: accept])
    }

    private static func read(_ server: TestServer, _ path: String, _ accept: String) async throws -> Found {
        let response = await server.api.respond(to: Self.request(server, path, accept))
        #expect(response.status == 200)
        switch response.body {
        case .bytes(let bytes): return Found(bytes: bytes)
        case .stream(_, _, let write):
            let pieces = PieceWriter()
            try await write(pieces)
            return Found(isStreamed: true, pieces: pieces.sizes, bytes: pieces.bytes)
        default: return Found()
        }
    }

    private static func tree(_ found: Found, _ wanted: Wanted) throws -> JSON {
        if wanted.accept.hasPrefix(Protobuf.mediaType) { return try Protobuf.decode(found.bytes, schema: .builtin) }
        if wanted.accept.hasPrefix("application/yaml") { return try YAML.parse(found.bytes).first ?? .null }
        return found.json
    }
}

/// Keeps what is written, and in which pieces.
private final class PieceWriter: ResponseWriter {
    private let state = Mutex<(bytes: [UInt8], sizes: [Int])>(([], []))

    func write(_ bytes: [UInt8]) async throws {
        self.state.withLock { state in
            state.bytes += bytes
            state.sizes.append(bytes.count)
        }
    }

    var bytes: [UInt8] { self.state.withLock { $0.bytes } }
    var sizes: [Int] { self.state.withLock { $0.sizes } }
}
