import KubeRuntime
import Logging

/// The instance's own containerd, from the command line's side: another process runs it, or nobody does.
enum LocalEngine {
    static func with<Result: Sendable>(
        _ configuration: Configuration, _ body: (ContainerEngine) async throws -> Result
    ) async throws -> Result {
        let options = EngineOptions(
            dataDirectory: configuration.dataDirectory, instance: configuration.instance, podSubnet: configuration.podSubnet)
        var logger = Logger(label: "sampan") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let engine = try ContainerEngine(options: options, logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.runConnections() }
            let result = try await body(engine)
            group.cancelAll()
            return result
        }
    }
}
