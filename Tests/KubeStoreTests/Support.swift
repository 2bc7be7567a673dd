import Foundation
import KubeObject
import Logging
import Synchronization
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

/// Expects a `StoreError` whose case has this name.
func expectRefusal(
    _ name: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> some Any
) async {
    do {
        _ = try await body()
        Issue.record("nothing was refused", sourceLocation: sourceLocation)
    } catch let error as StoreError {
        #expect(error.name == name, sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
    }
}

extension StoreError {
    var name: String {
        switch self {
        case .conflict: "conflict"
        case .alreadyExists: "alreadyExists"
        case .notFound: "notFound"
        case .noSuchCluster: "noSuchCluster"
        case .clusterExists: "clusterExists"
        case .expired: "expired"
        case .tooLarge: "tooLarge"
        case .diskFull: "diskFull"
        case .unavailable: "unavailable"
        case .overloaded: "overloaded"
        case .closed: "closed"
        }
    }
}

/// A value that several tasks of a test change.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value { mutex.withLock { $0 } }

    @discardableResult
    func change<Result: Sendable>(_ body: @Sendable (inout Value) -> Result) -> Result {
        mutex.withLock { body(&$0) }
    }
}

extension Shared<Bool> {
    /// Sets it, and says whether it wasn't set before.
    var becomesTrue: Bool {
        change { value in
            defer { value = true }
            return !value
        }
    }
}
