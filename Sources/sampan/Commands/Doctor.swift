import ArgumentParser
import FoundationEssentials
import Glibc
import KubeClient
import KubeControllers
import KubeObject

/// `sampan doctor`: exits with 1 when something has failed.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Say what is wrong with the instance on this machine, and what to do about it.",
        discussion: """
            It looks at the server, its store and files, its certificates, its disk, ledger and backups, deletions that are stuck, clusters that aren't ready or will be deleted, quotas that \\
            are used up, and what the platform warned of in the last hour. Exits with 1 when something has failed; warnings don't count.

            It only looks, unless it is told to --fix. Then it mends what can be mended without asking, and says what it did: modes of files that are for
            their owner only, what was left by something that was killed in the midst of it, volumes of clusters that are gone for good, and, while the
            server is down, a store of which most is free. What is yours to decide it only tells.
            """)

    @OptionGroup var instance: InstanceOptions

    @Flag(name: .shortAndLong, help: "Show what is well, too.")
    var all = false

    @Flag(help: "Mend what can be mended without asking.")
    var fix = false

    @Flag(help: "Read all of the store's file, and of backups, to see whether they are sound.")
    var deep = false

    @Option(name: .shortAndLong, help: "table, json or yaml.")
    var output: OutputFormat = .table

    func run() async throws {
        let findings = try await examine()
        let list: JSON = .array(findings.map(\.tree))
        switch output {
        case .json: Console.out(String(decoding: list.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(list))
        case .table, .wide, .name: Console.out(Self.text(findings, all: all))
        }
        if findings.contains(where: { $0.state == .failure }) { throw ExitCode.failure }
    }

    static func text(_ findings: [Finding], all: Bool) -> String {
        let shown = findings.filter { all || $0.state != .ok }
        guard !shown.isEmpty else { return "All is well: \(findings.count) things were looked at.\n" }
        return shown.map { finding in
            let hint = finding.hint.isEmpty ? "" : "\n         \(finding.hint)"
            let state = finding.state.rawValue
            return "\(state)\(String(repeating: " ", count: 9 - state.count))\(finding.about): \(finding.message)\(hint)\n"
        }.joined()
    }

    private func examine() async throws -> [Finding] {
        let configuration = try instance.load()
        let directory = configuration.dataDirectory
        let now = Date().timeIntervalSince1970
        let isRunning = try InstanceLock.holder(path: configuration.lockPath) != nil
        var findings = [try Self.disk(directory)]
        let (found, repairs) = try Repairs(configuration: configuration, now: now, isRunning: isRunning, reads: deep).all()
        findings += found + repairs.map { fix ? Self.mend($0) : $0.finding }
        findings += try HeldCertificate.inFiles(configuration).map { $0.finding(now: now) }
        guard isRunning else {
            return [
                Finding(
                    state: .failure, about: "server", message: "It doesn't run.",
                    hint: "Start it with `sampan up`; its log is \(configuration.logPath).")
            ] + findings
        }
        findings.append(
            Diagnosis.ledger(
                age: try Self.modified("\(directory)/usage/current.json").map { now - $0 },
                hasBroken: try Self.modified("\(directory)/usage/current.json.broken") != nil, directory: "\(directory)/usage"))
        if let state = try StoreState.load(configuration) { findings.append(Diagnosis.store(state, now: now)) }
        let backups = try BackupState.load(configuration)
        findings.append(
            Diagnosis.backups(
                backups, isScheduled: configuration.backupSchedule != nil,
                due: try configuration.backupCronSchedule()?.last(until: now),
                damage: try BackupFolder(path: configuration.backupDirectory).damage(last: backups?.lastName ?? "", reads: deep),
                now: now, directory: configuration.backupDirectory))
        return try await PlatformAPI.with(instance) { api in
            guard try await api.isReady() else {
                let server = Finding(
                    state: .failure, about: "server", message: "It runs, but isn't ready.",
                    hint: "Wait a moment, or look into \(configuration.logPath).")
                return [server] + findings
            }
            func all(_ resource: GroupVersionResource) async throws -> [JSON] {
                try await api.client.list(ResourcePath(resource))["items"]?.elements ?? []
            }
            let events = GroupVersionResource(group: "", version: "v1", resource: "events")
            let clusters = try await all(PlatformAPI.virtualClusters)
            let metrics = String(decoding: try await api.client.send("GET", "/metrics", accept: "text/plain"), as: UTF8.self)
            return [Finding(state: .ok, about: "server", message: "It is ready.")] + findings
                + Diagnosis.metrics(metrics, now: now) + Diagnosis.authorities(clusters, now: now)
                + Diagnosis.clusters(clusters, now: now)
                + Diagnosis.teams(try await all(PlatformAPI.teams), now: now) + Diagnosis.events(try await all(events), now: now)
        }
    }

    private static func mend(_ repair: Repair) -> Finding {
        var finding = repair.finding
        do {
            finding.message = try repair.mend()
            finding.state = .fixed
            finding.hint = ""
        } catch {
            finding.message += " It couldn't be mended: \(error)"
        }
        return finding
    }

    private static func disk(_ directory: String) throws -> Finding {
        var statistics = statvfs()
        guard statvfs(directory, &statistics) == 0 else { throw SystemError("ask for the room below \(directory)") }
        return Diagnosis.disk(
            free: UInt64(statistics.f_bavail) * UInt64(statistics.f_frsize),
            total: UInt64(statistics.f_blocks) * UInt64(statistics.f_frsize),
            directory: directory)
    }

    /// When a file was written, in seconds since 1970; nil when there is none.
    private static func modified(_ path: String) throws -> Double? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return (try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date)?.timeIntervalSince1970
    }
}
