import KubeRuntime

extension ImageStore {
    /// The images that pods of a running instance can use; throws when nothing runs.
    static func with<Result: Sendable>(
        _ configuration: Configuration, _ body: (ImageStore) async throws -> Result
    ) async throws -> Result {
        guard configuration.runsContainers else {
            throw CommandFailure("This instance runs no containers.", hint: "Bring it up without --no-containers.")
        }
        guard try InstanceLock.holder(path: configuration.lockPath) != nil else {
            throw CommandFailure(
                "The instance in \(configuration.dataDirectory) isn't running.", hint: "Start it with `sampan up`.")
        }
        return try await LocalEngine.with(configuration) { try await body(ImageStore(engine: $0)) }
    }
}
