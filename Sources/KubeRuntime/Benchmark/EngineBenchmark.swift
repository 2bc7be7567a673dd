internal import GRPCCore
public import Logging
internal import SwiftProtobuf

/// Measures what the engine itself takes to start pods: the three calls of the CRI that a pod with one container needs, and no more.
/// It is the floor under every pod's start on this machine.
public struct EngineBenchmark: Sendable {
    /// How long one kind of call took, for all pods that were started at once.
    public struct Measurement: Sendable {
        public let name: String
        /// How many pods were being started at once.
        public let concurrency: Int
        public let latencies: [Duration]
        /// From the first call until all pods ran.
        public let elapsed: Duration
    }

    /// What one pod's calls took.
    private struct Pod: Sendable {
        var sandbox: String
        var calls: [Duration]
    }

    private let options: EngineOptions
    private let archive: String
    private let logger: Logger

    /// - Parameters:
    ///   - options: of an engine that is only there for the measurement: its directory is emptied afterwards.
    ///   - archive: an image with `sleep`.
    public init(options: EngineOptions, archive: String, logger: Logger) {
        self.options = options
        self.archive = archive
        self.logger = logger
    }

    /// Starts `count` pods at each concurrency, and removes them; tells of each kind of call when it is done.
    public func run(count: Int, concurrency: [Int], _ report: @Sendable (Measurement) -> Void) async throws {
        let engine = try ContainerEngine(options: options, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.runConnections() }
            defer { group.cancelAll() }
            do {
                try await engine.start()
                let names = try await ImageStore(engine: engine).load(archive: archive)
                guard let name = names.first, let image = try await ImageStore(engine: engine).find(name) else {
                    throw EngineError.missing(program: "an image in \(archive)", package: "none: see scripts/build-sample-image")
                }
                _ = try await start(0, image.id, engine)  // the first one finds nothing warm
                for concurrency in concurrency {
                    try await measure(count, concurrency, image.id, engine, report)
                }
            } catch {
                try await engine.stopAll()
                throw error
            }
            try await engine.stopAll()
        }
    }

    private func measure(
        _ count: Int, _ concurrency: Int, _ image: String, _ engine: ContainerEngine, _ report: (Measurement) -> Void
    ) async throws {
        let clock = ContinuousClock()
        let begin = clock.now
        let pods = try await withThrowingTaskGroup(of: [Pod].self) { group in
            for worker in 0..<concurrency {
                group.addTask {
                    var own: [Pod] = []
                    for index in stride(from: worker, to: count, by: concurrency) {
                        own.append(try await start(concurrency * 10_000 + index, image, engine))
                    }
                    return own
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let elapsed = clock.now - begin
        for (index, name) in ["RunPodSandbox", "CreateContainer", "StartContainer"].enumerated() {
            report(
                Measurement(name: name, concurrency: concurrency, latencies: pods.map { $0.calls[index] }, elapsed: elapsed))
        }
        report(
            Measurement(
                name: "all three", concurrency: concurrency, latencies: pods.map { $0.calls.reduce(.zero, +) }, elapsed: elapsed))
        for pod in pods {
            try await engine.client.removeSandbox(pod.sandbox)
        }
    }

    private func start(_ number: Int, _ image: String, _ engine: ContainerEngine) async throws -> Pod {
        let name = "bench-\(number)"
        let logs = "\(engine.paths.podLogs)/\(name)"
        try File.makeDirectory("\(logs)/main")
        let config = CRIPodSandboxConfig.with {
            $0.metadata.name = name
            $0.metadata.namespace = "bench"
            $0.metadata.uid = name
            $0.logDirectory = logs
            $0.linux.cgroupParent =
                engine.machine.usesSystemdCgroups ? "" : "\(engine.paths.cgroup)/\(name)"
            $0.linux.securityContext.seccomp.profileType = .runtimeDefault
        }
        let clock = ContinuousClock()
        var calls: [Duration] = []
        var began = clock.now
        func note() {
            let now = clock.now
            calls.append(now - began)
            began = now
        }
        let sandbox = try await engine.client.runtime.runPodSandbox(
            .with { $0.config = config }, options: .within(.seconds(120))
        ).podSandboxID
        note()
        let container = try await engine.client.runtime.createContainer(
            .with {
                $0.podSandboxID = sandbox
                $0.sandboxConfig = config
                $0.config.metadata.name = "main"
                $0.config.image.image = image
                $0.config.command = ["sleep", "3600"]
                $0.config.logPath = "main/0.log"
                $0.config.linux.securityContext.seccomp.profileType = .runtimeDefault
            }, options: .within(.seconds(120))
        ).containerID
        note()
        _ = try await engine.client.runtime.startContainer(
            .with { $0.containerID = container }, options: .within(.seconds(120)))
        note()
        return Pod(sandbox: sandbox, calls: calls)
    }
}
