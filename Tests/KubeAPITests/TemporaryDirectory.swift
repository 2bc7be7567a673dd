import Foundation
import Testing

/// Runs `body` with the path of a directory that doesn't exist yet, and removes it afterwards.
func withTemporaryDirectory<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> Result
) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sampan-api-\(UUID().uuidString)").path
    defer {
        do { try FileManager.default.removeItem(atPath: directory) } catch { Issue.record(error) }
    }
    return try await body(directory)
}
