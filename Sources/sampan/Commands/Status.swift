import ArgumentParser
import FoundationEssentials
import Glibc
import KubeClient
import KubeObject
import KubeSchema

/// `sampan status`: exits with 0 when the server is ready and 3 when it isn't, as init scripts do.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show whether the server runs, and what it holds.",
        discussion: "Exits with 3 when the server isn't ready.")

    @OptionGroup var instance: InstanceOptions

    @Option(name: .shortAndLong, help: "table, json or yaml.")
    var output: OutputFormat = .table

    func run() async throws {
        let configuration = try instance.load()
        let pid = try InstanceLock.holder(path: configuration.lockPath)
        var state = "stopped"
        var clusters: [JSON] = []
        if pid != nil {
            state = "starting"
            if try await PlatformAPI.with(instance, { try await $0.isReady() }) {
                state = "ready"
                clusters = try await PlatformAPI.with(instance) { api in
                    // A member has no list of all, and sees their team's.
                    let path = api.standingTeam.isEmpty ? ResourcePath(PlatformAPI.virtualClusters) : api.path()
                    return try await api.client.list(path)["items"]?.elements ?? []
                }
            }
        }
        let memory = try pid.flatMap { try Self.residentKilobytes($0) }
        var status: JSON = [
            "instance": .string(configuration.instance), "state": .string(state), "version": .string(Version.sampan),
            "kubernetesVersion": .string(KubernetesVersion.text), "dataDirectory": .string(configuration.dataDirectory),
            "apiPort": .int(Int64(configuration.apiPort)), "podSubnet": .string(configuration.podSubnet),
            "kubeconfig": .string(configuration.adminKubeconfigPath), "log": .string(configuration.logPath),
            "runsContainers": .bool(configuration.runsContainers),
        ]
        if configuration.backupSchedule != nil, let backup = try BackupState.load(configuration) {
            status["backup"] = backup.tree
        }
        if let pid { status["pid"] = .int(Int64(pid)) }
        if let memory { status["residentKilobytes"] = .int(memory) }
        if state == "ready" {
            status["clusters"] = .int(Int64(clusters.count))
            status["readyClusters"] = .int(Int64(clusters.count(where: PlatformAPI.isReady)))
        }
        switch output {
        case .json: Console.out(String(decoding: status.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(status))
        case .table, .wide, .name: Console.out(Self.text(status))
        }
        if state != "ready" { throw ExitCode(3) }
    }

    static func text(_ status: JSON) -> String {
        func line(_ label: String, _ value: String?) -> String {
            guard let value else { return "" }
            return label + String(repeating: " ", count: max(1, 14 - label.count)) + value + "\n"
        }
        let pid = status["pid"]?.int.map { " (process \($0))" } ?? ""
        return line("Instance", status["instance"]?.string)
            + line("State", (status["state"]?.string ?? "") + pid)
            + line("Version", "\(status["version"]?.string ?? ""), Kubernetes \(status["kubernetesVersion"]?.string ?? "")")
            + line("Clusters", status["clusters"]?.int.map { "\($0) (\(status["readyClusters"]?.int ?? 0) ready)" })
            + line("Memory", status["residentKilobytes"]?.int.map { "\($0 / 1024) MiB" })
            + line("Backup", status["backup"].map(Self.backup))
            + line("API port", status["apiPort"]?.int.map { "\($0)" })
            + line("Data", status["dataDirectory"]?.string)
            + line("Kubeconfig", status["kubeconfig"]?.string)
            + line("Log", status["log"]?.string)
    }

    private static func backup(_ state: JSON) -> String {
        let failure = state["failure"]?.string ?? ""
        let last = state["lastSuccessTime"]?.string ?? "never"
        return failure.isEmpty
            ? "last \(last), next \(state["nextTime"]?.string ?? "never")" : "FAILED: \(failure) (last good \(last))"
    }

    /// `VmRSS` of a process, or nil when it has just ended.
    static func residentKilobytes(_ pid: Int32) throws -> Int64? {
        guard let bytes = try AtomicFile.read("/proc/\(pid)/status") else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line.flatMap { Int64($0.filter(\.isNumber)) }
    }
}
