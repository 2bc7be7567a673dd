import Synchronization
import Testing

@testable import sampan

struct MeasurementTests {
    @Test(arguments: [(0.5, 50.0), (0.99, 99), (1, 100), (0, 1)])
    func takesTheNearestRank(_ part: Double, _ expected: Double) {
        let measurement = Measurement(name: "", concurrency: 1, latencies: (1...100).reversed().map(Double.init), seconds: 2)
        #expect(measurement.percentile(part) == expected)
        #expect(measurement.perSecond == 50)
    }

    @Test func doesEachPieceOnce() async throws {
        let done = Mutex<[Int]>([])
        let measurement = try await Measurement.take("", count: 100, concurrency: 7) { index in done.withLock { $0.append(index) }
        }
        #expect(done.withLock { $0.sorted() } == Array(0..<100))
        #expect(measurement.latencies.count == 100)
    }

    @Test func isNothingWithoutWork() async throws {
        let measurement = try await Measurement.take("", count: 0, concurrency: 4) { _ in }
        #expect(measurement.percentile(0.99) == 0)
    }
}

struct FrameCounterTests {
    @Test(arguments: BenchObjects.Coding.allCases, [1, 2, 3, 5, 100])
    func countsHoweverTheBytesAreCut(_ coding: BenchObjects.Coding, _ size: Int) {
        // An empty frame, one of 256 bytes and one of 3.
        let bytes: [UInt8] =
            coding == .json
            ? Array("\n{\"a\":1}\n{}\n".utf8)
            : [0, 0, 0, 0] + [0, 0, 1, 0] + [UInt8](repeating: 10, count: 256) + [0, 0, 0, 3, 10, 10, 10]
        var counter = FrameCounter(coding: coding)
        var count = 0
        for start in stride(from: 0, to: bytes.count, by: size) {
            count += counter.take(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        #expect(count == 3)
    }
}
