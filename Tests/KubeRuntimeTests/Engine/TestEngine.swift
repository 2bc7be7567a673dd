import Glibc
import Logging
import Testing

@testable import KubeRuntime

/// Engine tests need root and the engine's programs; where they are missing the tests are skipped with this reason.
enum Requirement {
    static let engine: Comment =
        "needs root, containerd, runc and the CNI plugins (apt-get install containerd runc containernetworking-plugins)"

    static var hasEngine: Bool {
        getuid() == 0 && Program.find("containerd") != nil && Program.find("runc") != nil
            && ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"].contains { File.exists("\($0)/ptp") }
    }
}

extension Trait where Self == ConditionTrait {
    static var needsEngine: Self { .enabled(if: Requirement.hasEngine, Requirement.engine) }
}

/// Runs `body` with an engine of its own, and takes back everything afterwards.
func withEngine(
    _ name: String, subnet: String, _ body: @Sendable (ContainerEngine) async throws -> Void
) async throws {
    let directory = "/tmp/sampan-test-\(name)-\(getpid())"
    try File.makeDirectory(directory)
    var logger = Logger(label: name)
    logger.logLevel = .error
    let options = EngineOptions(dataDirectory: directory, instance: "test-\(name)", podSubnet: subnet)
    let engine = try ContainerEngine(options: options, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await engine.runConnections() }
        defer { group.cancelAll() }
        do {
            try await engine.start()
            try await body(engine)
        } catch {
            try await engine.stopAll()
            File.removeTree(directory)
            throw error
        }
        try await engine.stopAll()
        #expect(engine.leftovers() == [])
        File.removeTree(directory)
    }
}

/// An image with Debian's static busybox as every program, when it is installed.
func busyboxArchive(name: String) throws -> ImageArchive? {
    guard let path = Program.find("busybox"), let bytes = try? File.bytes(path) else { return nil }
    var layer = TarArchive()
    for directory in ["bin", "etc", "tmp", "proc", "sys", "dev"] { layer.addDirectory(directory) }
    layer.addFile("bin/busybox", mode: 0o755, bytes)
    let names = [
        "sh", "sleep", "cat", "ls", "ip", "wget", "nc", "httpd", "id", "ps", "echo", "stty", "tar", "env", "mount", "hostname",
        "true",
        "false", "touch", "date", "kill", "head", "wc", "printf", "grep", "stat", "dd", "test",
    ]
    for name in names { layer.addSymbolicLink("bin/\(name)", to: "busybox") }
    return ImageArchive(name: name, layer: layer, entrypoint: ["/bin/sh"], environment: ["PATH=/bin"])
}
