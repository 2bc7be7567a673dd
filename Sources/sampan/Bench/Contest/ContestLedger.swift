import KubeObject
import Synchronization

/// What was asked for in a contest and what became of it. Anybody may write into it at any time.
final class ContestLedger: Sendable {
    private struct Books {
        var latencies: [String: [Double]] = [:]
        var rejected: [String: Int] = [:]
        var failed: [String: Int] = [:]
        /// Of the first failures what was said.
        var failures: [(name: String, message: String)] = []
    }

    private static let maximumFailures = 20
    private let books = Mutex(Books())

    /// - Parameter milliseconds: from when it was due to when it was done.
    func note(_ name: String, _ milliseconds: Double) {
        books.withLock { $0.latencies[name, default: []].append(milliseconds) }
    }

    /// It was refused, as it should.
    func reject(_ name: String, _ milliseconds: Double) {
        books.withLock {
            $0.latencies[name, default: []].append(milliseconds)
            $0.rejected[name, default: 0] += 1
        }
    }

    func fail(_ name: String, _ message: String) {
        books.withLock {
            $0.failed[name, default: 0] += 1
            if $0.failures.count < Self.maximumFailures { $0.failures.append((name, message)) }
        }
    }

    var failures: Int { books.withLock { $0.failed.values.reduce(0, +) } }
    var rejections: Int { books.withLock { $0.rejected.values.reduce(0, +) } }
    var answers: Int { books.withLock { $0.latencies.values.reduce(0) { $0 + $1.count } } }

    /// One object for each of `names`, and for each of the first failures.
    func trees(of names: [String]) -> [JSON] {
        books.withLock { books in
            names.filter { books.latencies[$0] != nil || books.failed[$0] != nil }.map { name in
                let measurement = Measurement(name: name, concurrency: 1, latencies: books.latencies[name] ?? [], seconds: 0)
                return [
                    "name": .string(name), "count": .int(Int64(measurement.latencies.count)),
                    "p50": .double(measurement.percentile(0.5)), "p99": .double(measurement.percentile(0.99)),
                    "most": .double(measurement.percentile(1)), "rejected": .int(Int64(books.rejected[name] ?? 0)),
                    "failed": .int(Int64(books.failed[name] ?? 0)),
                ]
            }
                + books.failures.map { ["name": "failure", "of": .string($0.name), "message": .string($0.message)] }
        }
    }
}
