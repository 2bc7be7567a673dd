import KubeObject
import Logging
import Testing

@testable import KubeNetwork

extension Integration {
    struct NetworkBenchmarkTests {
        @Test(.enabled(if: NetworkBed.isPossible, "needs root, nft and ip (packages nftables and iproute2)"))
        func `measures in small, and leaves nothing`() async throws {
            var sizes = NetworkBenchmark.Sizes()
            sizes.services = 50
            sizes.changes = 3
            sizes.questions = 200
            sizes.clients = 4
            var names: [String] = []
            try await NetworkBenchmark(sizes: sizes, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }).run {
                names.append($0.name)
                #expect($0.count > 0 && $0.p50 > .zero)
            }
            #expect(names.count == 7)
            let tables = try await NFTables().chains()["nftables"]?.elements.compactMap { $0["chain"]?["table"]?.string } ?? []
            #expect(!tables.contains { $0.hasPrefix("sampan_benchmark") })
        }
    }
}
