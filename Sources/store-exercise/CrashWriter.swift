import Foundation
import KubeObject
import KubeStore
import Logging

/// Writes into a store without end and prints what was acknowledged, for the test that kills it (`CrashTests`).
///
/// Lines, all but "deleting" only after the write was acknowledged:
///
///     created CLUSTER | deleting CLUSTER | deleted CLUSTER | put CLUSTER KEY NUMBER REVISION
enum CrashWriter {
    /// Of each restored cluster: some pieces.
    static let restoredObjects = 1_000

    /// What a restored cluster begins with.
    private static func restored() throws -> RestoredObjects {
        var objects = try (1...restoredObjects).map { index in
            let key = Key(
                group: "", plural: index % 2 == 0 ? "secrets" : "configmaps", namespace: "default", name: "restored-\(index)")
            return (key: key, object: try draft(key.name, index % 500).sealed(resourceVersion: UInt64(index)))
        }
        let namespace = Key(group: "", plural: "namespaces", name: "default")
        objects.append((namespace, try draft("default", 0).sealed(resourceVersion: UInt64(restoredObjects + 1))))
        return try RestoredObjects(revision: UInt64(restoredObjects + 1), objects: objects)
    }

    /// One line in one system call, so that a kill never leaves half a line.
    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    private static func draft(_ name: String, _ number: Int) throws -> Draft {
        try Draft([
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "namespace": "default"],
            "data": ["number": .string("\(number)"), "padding": .string(String(repeating: "x", count: number % 3_000))],
        ])
    }

    static func run(directory: String) async throws {
        let store = try Store.open(directory: directory, logger: Logger(label: "store-exercise"))
        let base = Base(version: "1", objects: [(Key(group: "", plural: "namespaces", name: "default"), try draft("default", 0))])

        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    let name = "steady-\(writer % 4)"
                    let cluster: LogicalCluster
                    do {
                        cluster = try await store.createCluster(name, uid: name, base: base)
                        say("created \(name)")
                    } catch StoreError.clusterExists {
                        guard let existing = try await store.cluster(name) else { throw StoreError.noSuchCluster }
                        cluster = existing
                    }
                    let key = Key(group: "", plural: "configmaps", namespace: "default", name: "writer-\(writer)")
                    var number = cluster.snapshot.get(key)?.tree["data"]?["number"]?.string.flatMap(Int.init) ?? 0
                    while true {
                        number += 1
                        let stored = try await cluster.commit([.put(draft(key.name, number), at: key)])
                        say("put \(name) \(key.name) \(number) \(stored[0]?.metadata.resourceVersion ?? 0)")
                    }
                }
            }
            group.addTask {
                while true {
                    let name = "passing-\(UUID().uuidString)"
                    let writes = try (0..<14).map { index in
                        let key = Key(group: "", plural: "configmaps", namespace: "default", name: "first-\(index)")
                        return Write.put(try draft(key.name, index), at: key)
                    }
                    _ = try await store.createCluster(name, uid: name, base: base, writes: writes)
                    say("created \(name)")
                    guard Bool.random() else { continue }
                    say("deleting \(name)")
                    try await store.deleteCluster(name)
                    say("deleted \(name)")
                }
            }
            group.addTask {
                let objects = try restored()
                while true {
                    let name = "restored-\(UUID().uuidString)"
                    _ = try await store.createCluster(name, uid: name, base: base, restored: objects)
                    say("created \(name)")
                    guard Bool.random() else { continue }
                    say("deleting \(name)")
                    try await store.deleteCluster(name)
                    say("deleted \(name)")
                }
            }
            try await group.waitForAll()
        }
    }
}
