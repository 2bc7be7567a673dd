import Foundation
import KubeObject
import Synchronization
import TestPrograms
import Testing

@testable import KubeStore

/// Kills a process that writes, again and again, and looks for everything that it had said was written.
@Suite(.serialized) struct CrashTests {
    /// What the writers' lines say must be there.
    private struct Acknowledged {
        var clusters: Set<String> = []
        var deleted: Set<String> = []
        var puts: [String: [String: (number: Int, revision: UInt64)]] = [:]
        var revisions: [String: UInt64] = [:]
        var count = 0

        mutating func read(_ output: String) {
            // A kill can't cut a line in two, but may come before the last one is passed on.
            for line in output.split(separator: "\n") {
                let words = line.split(separator: " ").map(String.init)
                count += 1
                switch words.first {
                case "created": clusters.insert(words[1])
                case "deleting": clusters.remove(words[1])  // from here on it may be there or not
                case "deleted": deleted.insert(words[1])
                case "put":
                    let (number, revision) = (Int(words[3]) ?? 0, UInt64(words[4]) ?? 0)
                    puts[words[1], default: [:]][words[2]] = (number, revision)
                    revisions[words[1]] = max(revisions[words[1]] ?? 0, revision)
                default: Issue.record("unexpected line: \(line)")
                }
            }
        }
    }

    /// `STORE_CRASH_ROUNDS` makes it an endurance test.
    @Test(.timeLimit(.minutes(60))) func nothingAcknowledgedIsLost() async throws {
        let rounds = ProcessInfo.processInfo.environment["STORE_CRASH_ROUNDS"].flatMap(Int.init) ?? 8
        let directory = TemporaryDirectory()
        var acknowledged = Acknowledged()
        for round in 0..<rounds {
            acknowledged.read(try writeUntilKilled(directory.path, after: Double.random(in: 0.15...0.7)))
            try await check(&acknowledged, directory.path, round)
        }
        #expect(acknowledged.count > 20)
    }

    /// Runs the writer and kills it without warning; returns its output.
    private func writeUntilKilled(_ directory: String, after delay: TimeInterval) throws -> String {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("store-exercise")
        let process = try TestProgram.start([program.path, "write", directory])
        let killer = Thread {
            Thread.sleep(forTimeInterval: delay)
            kill(process.pid, SIGKILL)
        }
        killer.start()
        let data = process.output.readDataToEndOfFile()
        #expect(process.wait() == 128 + SIGKILL)
        return String(decoding: data, as: UTF8.self)
    }

    private func check(_ acknowledged: inout Acknowledged, _ directory: String, _ round: Int) async throws {
        let store = try Store.open(directory: directory, logger: quiet)
        let names = Set(store.clusters().map(\.name))
        #expect(acknowledged.clusters.subtracting(names) == [], "round \(round)")
        #expect(acknowledged.deleted.intersection(names) == [], "round \(round)")
        for (name, puts) in acknowledged.puts {
            let cluster = try #require(try await store.cluster(name))
            // More than was acknowledged may be there, never less.
            #expect(cluster.revision >= acknowledged.revisions[name] ?? 0)
            for (object, (number, revision)) in puts {
                let stored = try #require(cluster.snapshot.get(key(object)), "\(object) in round \(round)")
                #expect(stored.metadata.resourceVersion >= revision)
                #expect(stored.metadata.resourceVersion <= cluster.revision)
                let found = Int(stored.tree["data"]?["number"]?.string ?? "") ?? -1
                #expect(found == number || found == number + 1)
                // The next writer goes on from there, whether this was acknowledged or not; it may be killed before anything else is.
                acknowledged.puts[name]?[object]?.number = found
            }
        }
        for name in names where name.hasPrefix("passing-") {
            let cluster = try #require(try await store.cluster(name))
            #expect(cluster.snapshot.count(prefix: "core/configmaps/") == 14)
            #expect(cluster.revision == 15)
        }
        for name in names where name.hasPrefix("restored-") {
            let cluster = try #require(try await store.cluster(name))
            #expect(cluster.snapshot.count(prefix: "core/configmaps/") == 500)
            #expect(cluster.snapshot.count(prefix: "core/secrets/") == 500)
            #expect(cluster.revision == 1_001)
        }
        // What was half there is nobody's from the start on, and goes.
        #expect(try StoredRows(directory).keysWithoutCluster == 0, "round \(round)")
        while try StoredRows(directory).withoutCluster > 0 { try await Task.sleep(for: .milliseconds(20)) }
        await store.close()
    }
}
