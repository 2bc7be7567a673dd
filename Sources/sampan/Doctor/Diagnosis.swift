import Fleet
import KubeObject

/// What `sampan doctor` found out about one thing.
struct Finding: Equatable {
    enum State: String {
        case ok, warning, failure
        /// It was wrong, and has been mended.
        case fixed
    }

    var state: State
    /// `disk`, `cluster/blue--demo`.
    var about: String
    /// What is so, in a sentence.
    var message: String
    /// What to do about it; empty when nothing is to be done.
    var hint = ""

    var tree: JSON {
        ["state": .string(state.rawValue), "about": .string(about), "message": .string(message), "hint": .string(hint)]
    }
}

/// Tells from what was found what is wrong and what to do. Pure.
enum Diagnosis {
    /// How long something may take before it is strange, in seconds.
    private static let patience: Double = 60
    private static let gibibyte = 1_073_741_824.0

    /// Room on the disk of the data directory.
    static func disk(free: UInt64, total: UInt64, directory: String) -> Finding {
        let size = String((Double(free) / gibibyte * 10).rounded() / 10)
        let share = total == 0 ? 0 : Double(free) / Double(total)
        let hint =
            "Make room, or move \(directory) to a larger disk; a full disk refuses writes, and nothing that was acknowledged is lost."
        if free < 256 << 20 {
            return Finding(state: .failure, about: "disk", message: "Only \(size) GiB are free below \(directory).", hint: hint)
        }
        if share < 0.1 {
            return Finding(
                state: .warning, about: "disk", message: "Less than a tenth (\(size) GiB) is free below \(directory).", hint: hint
            )
        }
        return Finding(state: .ok, about: "disk", message: "\(size) GiB are free below \(directory).")
    }

    /// What the server found when it last read all of the store's file.
    static func store(_ state: StoreState, now: Double) -> Finding {
        guard state.complaints.isEmpty else {
            return Finding(
                state: .failure, about: "store check",
                message: "The server found its file damaged: \(state.complaints.joined(separator: "; "))",
                hint: "Stop the server, and restore a backup: sampan restore BACKUP --data-dir NEW")
        }
        // It is read once a day.
        guard now - state.checked < 2 * StoreKeeper.interval else {
            return Finding(
                state: .warning, about: "store check", message: "The server hasn't read its file through for more than two days.",
                hint: "Look into the server's log.")
        }
        return Finding(
            state: .ok, about: "store check", message: "The server read all of its file within the last two days; it is sound.")
    }

    /// The ledger's file of the hour that goes on.
    ///
    /// - Parameter age: seconds since it was written; nil when there is none.
    static func ledger(age: Double?, hasBroken: Bool, directory: String) -> Finding {
        if hasBroken {
            return Finding(
                state: .warning, about: "ledger",
                message: "The usage of an hour that wasn't over couldn't be read at a start, and was put aside.",
                hint: "Look into \(directory)/current.json.broken, and remove it.")
        }
        // It is written once a minute.
        guard let age, age < 5 * patience else {
            return Finding(
                state: .warning, about: "ledger", message: "The usage ledger hasn't been written for five minutes.",
                hint: "Look for \"usage ledger\" in the server's log.")
        }
        return Finding(state: .ok, about: "ledger", message: "The usage ledger is written.")
    }

    /// How backups go.
    ///
    /// - Parameters:
    ///   - state: nil when the server hasn't written anything yet.
    ///   - due: when one was last due.
    ///   - damage: what became of those that were made.
    static func backups(
        _ state: BackupState?, isScheduled: Bool, due: Double?, damage: [String] = [], now: Double, directory: String
    ) -> Finding {
        if !damage.isEmpty {
            return Finding(
                state: .failure, about: "backups", message: damage.joined(separator: " "),
                hint:
                    "Make a new one with `sampan backup create`, look at all with `sampan backup verify`, and remove what isn't good."
            )
        }
        guard isScheduled else {
            return Finding(
                state: .ok, about: "backups", message: "No backups are made by themselves.",
                hint: "For one each night: sampan down && sampan up --backup-schedule \"0 3 * * *\"")
        }
        if let state, !state.failure.isEmpty {
            return Finding(
                state: .failure, about: "backups", message: "The last one failed: \(state.failure)",
                hint: "It is tried again every ten minutes; mend \(directory), or choose another with --backup-directory.")
        }
        guard let last = state?.lastSuccess, last >= due ?? 0 else {
            return Finding(
                state: now - (due ?? now) > 3600 ? .failure : .ok, about: "backups",
                message: "The one that was due hasn't been made yet.", hint: "Look for \"backup\" in the server's log.")
        }
        return Finding(
            state: .ok, about: "backups", message: "The last one was made \(shortDuration(seconds: now - last)) ago, and is good."
        )
    }

    /// Virtual clusters that are stuck, or about to go.
    static func clusters(_ clusters: [JSON], now: Double) -> [Finding] {
        var findings = clusters.compactMap { cluster($0, now: now) }
        let good = clusters.count - findings.count
        findings.insert(
            Finding(state: .ok, about: "clusters", message: "\(good) of \(clusters.count) clusters have nothing to complain of."),
            at: 0)
        return findings
    }

    private static func cluster(_ object: JSON, now: Double) -> Finding? {
        let metadata = object["metadata"]
        let (namespace, own) = (metadata?["namespace"]?.string ?? "", metadata?["name"]?.string ?? "")
        let about = "cluster/\(ClusterName.logical(namespace: namespace, name: own))"
        let team = namespace == ClusterName.noTeam ? "" : " --team \(namespace)"
        func since(_ field: String) -> Double? { (metadata?[field]?.string).flatMap { Timestamp.parse($0) }.map { now - $0 } }
        if let age = since("deletionTimestamp") {
            guard age > patience else { return nil }
            let others = (metadata?["finalizers"]?.strings ?? []).filter { $0 != "sampan.dev/cluster" }
            if others.isEmpty {
                return Finding(
                    state: .failure, about: about, message: "It has been being deleted for \(shortDuration(seconds: age)).",
                    hint: "Look for its name in the server's log.")
            }
            return Finding(
                state: .warning, about: about,
                message:
                    "It has been being deleted for \(shortDuration(seconds: age)); what keeps it are finalizers of others: \(others.joined(separator: ", ")).",
                hint:
                    "Whoever set them has to take them away; if that is nobody any more: kubectl edit virtualcluster \(own) -n \(namespace)"
            )
        }
        if !PlatformAPI.isReady(object) {
            guard let age = since("creationTimestamp"), age > patience else { return nil }
            return Finding(
                state: .failure, about: about, message: "It isn't ready after \(shortDuration(seconds: age)).",
                hint: "Look for its name in the server's log.")
        }
        if let expiring = condition("Expiring", of: object), expiring["status"]?.string == "True" {
            return Finding(
                state: .warning, about: about,
                message: "It will be deleted at \(object["status"]?["expirationTime"]?.string ?? "the end of its time to live").",
                hint: "To keep it: sampan cluster extend \(own)\(team)")
        }
        return quota(of: object, about: about)
    }

    /// Teams that aren't ready, or have nothing left.
    static func teams(_ teams: [JSON], now: Double) -> [Finding] {
        var findings: [Finding] = []
        for team in teams {
            let name = team["metadata"]?["name"]?.string ?? ""
            let about = "team/\(name)"
            if let ready = condition("Ready", of: team), ready["status"]?.string == "False" {
                findings.append(
                    Finding(
                        state: .failure, about: about, message: ready["message"]?.string ?? "It isn't ready.",
                        hint: "See kubectl get team \(name) -o yaml"))
            }
            if let finding = quota(of: team, about: about) { findings.append(finding) }
            for (used, limit, what) in [
                ("clusters", "clusters", "clusters"), ("awakeClusters", "awakeClusters", "awake clusters"),
            ] {
                guard let quota = team["spec"]?["quota"]?[limit]?.int, let has = team["status"]?[used]?.int, has >= quota else {
                    continue
                }
                findings.append(
                    Finding(
                        state: .warning, about: about, message: "It has \(has) of \(quota) \(what).",
                        hint: "sampan cluster list --team \(name)"))
            }
        }
        if findings.isEmpty { findings.append(Finding(state: .ok, about: "teams", message: "No team is out of room.")) }
        return findings
    }

    private static func quota(of object: JSON, about: String) -> Finding? {
        guard let condition = condition("WithinQuota", of: object), condition["status"]?.string == "False" else { return nil }
        return Finding(
            state: .warning, about: about, message: condition["message"]?.string ?? "Nothing more fits.", hint: "sampan quota")
    }

    /// What the platform has warned of lately, once for each reason and object.
    static func events(_ events: [JSON], now: Double) -> [Finding] {
        var seen: Set<String> = []
        var findings: [Finding] = []
        func time(_ event: JSON) -> Double {
            for field in ["lastTimestamp", "eventTime", "firstTimestamp"] {
                if let time = (event[field]?.string).flatMap({ Timestamp.parse($0) }) { return time }
            }
            return 0
        }
        for event in events.sorted(by: { time($0) > time($1) }) {
            let age = now - time(event)
            guard event["type"]?.string == "Warning", event["reason"]?.string != "Expiring", (0..<3600).contains(age) else {
                continue
            }
            let (kind, reason) = (event["involvedObject"]?["kind"]?.string ?? "", event["reason"]?.string ?? "")
            let (namespace, name) = (
                event["involvedObject"]?["namespace"]?.string ?? "", event["involvedObject"]?["name"]?.string ?? ""
            )
            guard kind == "VirtualCluster", seen.insert("\(reason) \(namespace)/\(name)").inserted else { continue }
            findings.append(
                Finding(
                    state: .warning, about: "cluster/\(ClusterName.logical(namespace: namespace, name: name))",
                    message: "\(reason), \(shortDuration(seconds: age)) ago: \(event["message"]?.string ?? "")"))
        }
        return findings
    }

    private static func condition(_ type: String, of object: JSON) -> JSON? {
        (object["status"]?["conditions"]?.elements ?? []).first { $0["type"]?.string == type }
    }
}
