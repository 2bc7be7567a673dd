import FoundationEssentials
import Glibc
import KubeClient

/// Takes from the system whatever an instance made on it, when its server has stopped: processes, mounts, network namespaces, links,
/// nftables tables and control groups. The data directory's files stay.
///
/// It goes by what is on the system, not by what the server remembers, so it works after any kind of end; and it touches only what
/// carries the instance's name or lies in its data directory.
struct Teardown {
    let configuration: Configuration

    init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    func run() async throws {
        guard configuration.runsContainers else { return }
        let sockets = shimSockets()
        try await stopProcesses()
        try unmountAll()
        try removeShimSockets(sockets)
        try removeState()
        try await removeLinks()
        try await removeTables()
        try await removeControlGroups()
    }

    // MARK: - Processes

    /// containerd, its shims, and whatever runs in the instance's control groups.
    private func ownProcesses() throws -> [Int32] {
        let engines = try ProcessTable.all().filter { process in
            process.arguments.contains { $0.hasPrefix(configuration.containerdDirectory + "/") }
                && ["containerd", "containerd-shim-runc-v2", "containerd-shim"].contains(process.name)
        }
        return try engines.map(\.pid) + ControlGroups.processes(named: controlGroup)
    }

    private func stopProcesses() async throws {
        var progress = Progress("waiting until the containers' processes end")
        while case let pids = try ownProcesses(), !pids.isEmpty {
            for pid in pids where kill(pid, SIGKILL) != 0 && errno != ESRCH { throw SystemError("kill process \(pid)") }
            guard progress.elapsed < .seconds(20) else {
                throw CommandFailure(
                    "These processes can't be killed: \(pids.map(String.init).joined(separator: ", ")).",
                    hint: "They hang in the kernel, on a dead network disk for example; see `ps -o pid,stat,wchan,args`.")
            }
            progress.tick()
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    // MARK: - Files

    /// Shims' sockets lie in a folder that all containerds share; each bundle says which is its own.
    private func shimSockets() -> [String] {
        let tasks = configuration.containerdDirectory + "/state/io.containerd.runtime.v2.task/k8s.io"
        guard let bundles = try? FileManager.default.contentsOfDirectory(atPath: tasks) else { return [] }
        return bundles.compactMap { bundle in
            guard let bytes = try? AtomicFile.read("\(tasks)/\(bundle)/address") else { return nil }
            let address = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
            return address.hasPrefix("unix:///run/containerd/s/") ? String(address.dropFirst("unix://".count)) : nil
        }
    }

    private func removeShimSockets(_ paths: [String]) throws {
        for path in paths where unlink(path) != 0 && errno != ENOENT { throw SystemError("remove \(path)") }
    }

    private func unmountAll() throws {
        for path in try Mounts.below(configuration.dataDirectory) where umount2(path, Int32(MNT_DETACH)) != 0 {
            guard errno == EINVAL || errno == ENOENT else { throw SystemError("unmount \(path)") }
        }
    }

    /// What containerd keeps about running containers: of no use once they are gone.
    private func removeState() throws {
        let state = configuration.containerdDirectory + "/state"
        if FileManager.default.fileExists(atPath: state) { try FileManager.default.removeItem(atPath: state) }
    }

    // MARK: - Network

    /// Links of pods go with their network namespaces; this is for those that an end at a bad moment left half made.
    private func removeLinks() async throws {
        let prefix = configuration.instance + "-"
        for name in try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net") where name.hasPrefix(prefix) {
            try await Tool.run("ip", ["link", "delete", name], missing: Self.installHint)
        }
    }

    private func removeTables() async throws {
        let tables = try await Tool.run("nft", ["list", "tables"], missing: Self.installHint)
        for table in Self.tables(of: configuration.instance, in: tables) {
            try await Tool.run("nft", ["delete", "table"] + table, missing: Self.installHint)
        }
    }

    /// Family and name of the instance's tables, out of `nft list tables`.
    static func tables(of instance: String, in list: String) -> [[String]] {
        list.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 3, words[0] == "table" else { return nil }
            let own = words[2] == instance || words[2] == "sampan-\(instance)" || words[2] == "sampan_\(instance)"
            return own ? Array(words[1...]) : nil
        }
    }

    // MARK: - Control groups

    private var controlGroup: String { "sampan-\(configuration.instance)" }

    private func removeControlGroups() async throws {
        var progress = Progress("waiting until the control groups are empty")
        while try !ControlGroups.remove(named: controlGroup) {
            guard progress.elapsed < .seconds(10) else {
                throw CommandFailure("The control group \(controlGroup) can't be removed: it is still in use.")
            }
            progress.tick()
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private static let installHint = "Install what Sampan needs with scripts/install."
}
