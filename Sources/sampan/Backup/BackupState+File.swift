import KubeClient
import KubeObject

extension BackupState {
    static func path(_ configuration: Configuration) -> String { configuration.dataDirectory + "/backup-state.json" }

    var tree: JSON {
        func time(_ seconds: Double?) -> JSON? { seconds.map { .string(Timestamp.format($0)) } }
        var tree: JSON = [
            "lastBackup": .string(lastName), "lastSize": .int(lastSize), "failure": .string(failure),
            "successes": .int(successes), "failures": .int(failures),
        ]
        tree["lastSuccessTime"] = time(lastSuccess)
        tree["failureTime"] = time(failedAt)
        tree["nextTime"] = time(next)
        return tree
    }

    init(_ tree: JSON) {
        func time(_ field: String) -> Double? { (tree[field]?.string).flatMap { Timestamp.parse($0) } }
        lastSuccess = time("lastSuccessTime")
        lastName = tree["lastBackup"]?.string ?? ""
        lastSize = tree["lastSize"]?.int ?? 0
        failedAt = time("failureTime")
        failure = tree["failure"]?.string ?? ""
        successes = tree["successes"]?.int ?? 0
        failures = tree["failures"]?.int ?? 0
        next = time("nextTime")
    }

    /// What the server wrote last; nil when it never did.
    static func load(_ configuration: Configuration) throws -> BackupState? {
        guard let bytes = try AtomicFile.read(path(configuration)) else { return nil }
        return BackupState(try JSON(parsing: bytes))
    }

    func save(_ configuration: Configuration) throws {
        try AtomicFile.write(tree.encoded() + [10], to: Self.path(configuration), mode: 0o600)
    }

    /// In Prometheus' text format.
    var metricsText: String {
        func gauge(_ name: String, _ help: String, _ value: Double) -> String {
            "# HELP \(name) \(help)\n# TYPE \(name) gauge\n\(name) \(value)\n"
        }
        func counter(_ name: String, _ help: String, _ value: Int64) -> String {
            "# HELP \(name) \(help)\n# TYPE \(name) counter\n\(name) \(value)\n"
        }
        return gauge(
            "sampan_backup_last_success_timestamp_seconds", "When the last good backup was begun; 0 for never.", lastSuccess ?? 0)
            + gauge("sampan_backup_last_size_bytes", "How large it is.", Double(lastSize))
            + gauge("sampan_backup_last_duration_seconds", "How long it took, with its check.", lastDuration)
            + gauge("sampan_backup_failing", "1 when the last attempt failed.", failedAt == nil ? 0 : 1)
            + counter("sampan_backups_total", "Good backups.", successes)
            + counter("sampan_backup_failures_total", "Attempts that failed.", failures)
    }
}
