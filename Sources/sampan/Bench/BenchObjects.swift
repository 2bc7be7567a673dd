import KubeClient
import KubeObject
import KubeSchema

/// The config maps of 1 KiB that are written, read and watched, in one coding. Answers are taken as bytes: reading them isn't
/// the server's work.
struct BenchObjects: Sendable {
    enum Coding: String, CaseIterable {
        case json, protobuf

        var mediaType: String { self == .json ? "application/json" : Protobuf.mediaType }
    }

    var client: KubeClient
    let namespace: String
    var coding = Coding.json

    private static let maps = GroupVersionResource(group: "", version: "v1", resource: "configmaps")
    private static let namespaces = GroupVersionResource(group: "", version: "v1", resource: "namespaces")
    private static let fill = JSON.string(String(repeating: "x", count: 1024))

    /// In a namespace that is there for as long as `body` lasts.
    static func inNewNamespace(_ client: KubeClient, _ body: (BenchObjects) async throws -> Void) async throws {
        let namespace = "bench-\(UInt32.random(in: 0 ... .max))"
        _ = try await client.create(
            ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]], at: ResourcePath(namespaces))
        try await body(BenchObjects(client: client, namespace: namespace))
        try await client.delete(ResourcePath(namespaces, name: namespace))
    }

    var collection: ResourcePath { ResourcePath(Self.maps, namespace: namespace) }

    func create(_ name: String) async throws {
        let tree: JSON = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)], "data": ["fill": Self.fill],
        ]
        let body = coding == .json ? tree.encoded() : try Protobuf.encode(tree, schema: .builtin)
        _ = try await client.send(
            "POST", collection.description, body: body, contentType: coding.mediaType, accept: coding.mediaType)
    }

    func get(_ name: String) async throws {
        _ = try await client.send("GET", path(name), accept: coding.mediaType)
    }

    func list(limit: Int) async throws {
        _ = try await client.send("GET", collection.description, query: [("limit", "\(limit)")], accept: coding.mediaType)
    }

    /// Merges one more entry into the data. Patches are JSON in either coding; the answer isn't.
    func patch(_ name: String, _ value: String) async throws {
        let patch: JSON = ["data": ["changed": .string(value)]]
        _ = try await client.send(
            "PATCH", path(name), body: patch.encoded(), contentType: PatchType.merge.rawValue, accept: coding.mediaType)
    }

    func delete(_ name: String) async throws {
        _ = try await client.send("DELETE", path(name), accept: coding.mediaType)
    }

    /// The revision from which a watch tells of what is written from now on.
    func revision() async throws -> String {
        let bytes = try await client.send("GET", collection.description, query: [("limit", "1")])
        guard let revision = try JSON(parsing: bytes)["metadata"]?["resourceVersion"]?.string else {
            throw CommandFailure("The list of \(collection) has no resourceVersion.")
        }
        return revision
    }

    private func path(_ name: String) -> String {
        ResourcePath(Self.maps, namespace: namespace, name: name).description
    }
}
