import Glibc
import KubeObject
import Logging
internal import SwiftProtobuf

/// Keeps every container's log at five files of at most about 10 MiB.
struct LogRotation: Sendable {
    static let maximumSize = 10 << 20
    static let maximumFiles = 5

    let paths: EnginePaths
    let client: EngineClient
    let logger: Logger

    /// Looks every ten seconds, until cancelled.
    func run() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(10))
                try await rotateAll()
            } catch {
                if Task.isCancelled { return }
                logger.warning("logs could not be rotated", metadata: ["error": "\(error)"])
            }
        }
    }

    private func rotateAll() async throws {
        let large = File.names(in: paths.podLogs).flatMap { pod in
            File.names(in: "\(paths.podLogs)/\(pod)").flatMap { container in
                File.names(in: "\(paths.podLogs)/\(pod)/\(container)").map { "\(paths.podLogs)/\(pod)/\(container)/\($0)" }
            }
        }.filter { path in
            var facts = stat()
            return path.hasSuffix(".log") && stat(path, &facts) == 0 && facts.st_size > Self.maximumSize
        }
        if large.isEmpty { return }
        let containers = try await client.runtime.listContainers(CRIListContainersRequest(), options: .within(.seconds(10)))
            .containers
        for path in large {
            let parts = path.split(separator: "/").suffix(3).map(String.init)
            let attempt = parts[2].dropLast(4)
            let running = containers.first { container in
                let labels = container.labels
                let pod =
                    "\(labels[PodLabels.podNamespace] ?? "")_\(labels[PodLabels.podName] ?? "")_\(labels[PodLabels.podUID] ?? "")"
                return pod == parts[0] && container.metadata.name == parts[1] && "\(container.metadata.attempt)" == attempt
                    && container.state == .containerRunning
            }
            if let running { try await rotate(path, container: running.id) }
        }
    }

    func rotate(_ path: String, container: String) async throws {
        let stamp = Timestamp.now().filter { $0 != "-" && $0 != ":" && $0 != "Z" }.map { $0 == "T" ? "-" : $0 }
        let aside = "\(path).\(String(stamp))"
        guard rename(path, aside) == 0 else { throw EngineError.system(doing: "rotating the log", path: path, errno: errno) }
        do {
            _ = try await client.runtime.reopenContainerLog(.with { $0.containerID = container }, options: .within(.seconds(30)))
        } catch {
            rename(aside, path)
            throw error
        }
        for old in LogFiles(current: path).rotated.dropLast(Self.maximumFiles - 1) { unlink(old) }
    }
}
