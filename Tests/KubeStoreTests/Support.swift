import Foundation
import KubeObject
import Logging
import Testing

@testable import KubeStore

/// A data directory of its own, removed at the end.
struct TemporaryDirectory: ~Copyable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("store-tests-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Runs with an open store, and closes it.
func withStore(
    _ options: StoreOptions = StoreOptions(), directory: String? = nil, _ body: (Store) async throws -> Void
) async throws {
    let temporary = TemporaryDirectory()
    let store = try Store.open(directory: directory ?? temporary.path, options: options, logger: quiet)
    do {
        try await body(store)
    } catch {
        await store.close()
        throw error
    }
    await store.close()
}

/// Runs with a new cluster, `demo`, that started from an empty base.
func withCluster(_ options: StoreOptions = StoreOptions(), _ body: (Store, LogicalCluster) async throws -> Void) async throws {
    try await withStore(options) { store in
        let cluster = try await store.createCluster("demo", uid: "uid", base: Base(version: "empty"))
        try await body(store, cluster)
    }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

func key(_ name: String, namespace: String = "default", plural: String = "configmaps") -> Key {
    Key(group: "", plural: plural, namespace: namespace, name: name)
}

func draft(_ name: String, namespace: String = "default", data: JSON = [:]) throws -> Draft {
    try Draft([
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "namespace": .string(namespace)],
        "data": data,
    ])
}

func put(_ name: String, _ data: JSON = [:], expect: Write.Expectation = .any) throws -> Write {
    .put(try draft(name, data: data), at: key(name), expect: expect)
}

/// What an event says, for comparing.
func told(_ event: Event) -> String { "\(event.type) \(event.key.name) \(event.revision)" }

/// A random generator that gives the same numbers for the same seed.
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
