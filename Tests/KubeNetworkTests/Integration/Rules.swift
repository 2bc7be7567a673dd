import Subprocess

@testable import KubeNetwork

/// The kernel's own account of a table.
enum Rules {
    static func list(_ table: TableName) async throws -> String {
        try await Subprocess.run(
            .name("nft"), arguments: ["list", "table", "inet", table.name], output: .string(limit: 64 << 20), error: .discarded
        ).standardOutput
    }
}
