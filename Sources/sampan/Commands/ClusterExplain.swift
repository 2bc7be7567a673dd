import ArgumentParser
import FoundationEssentials
import KubeClient
import KubeObject

/// `sampan cluster explain NAME`
struct ClusterExplain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why a cluster is awake or asleep, and when it sleeps, wakes and is deleted.")

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: "The cluster.", completion: Completions.clusters)
    var name: String

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run() async throws {
        let found = try await PlatformAPI.with(instance) { api in
            do { return try await Self.ask(name, team: team.team, api) } catch { throw PlatformAPI.notFoundHint(error, name) }
        }
        switch output {
        case .json: Console.out(String(decoding: found.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(found))
        case .name: Console.out("\(name)\n")
        case .table, .wide: Console.out(Self.text(found, name: name, now: Date().timeIntervalSince1970))
        }
    }

    /// What the server says of a cluster.
    static func ask(_ name: String, team: String, _ api: PlatformAPI) async throws -> JSON {
        try await api.client.create(
            ["apiVersion": "sampan.dev/v1alpha1", "kind": "ClusterExplanation"],
            at: api.path(name, team: team, subresource: "explain"))
    }

    /// The same in words.
    static func text(_ found: JSON, name: String, now: Double) -> String {
        func string(_ field: String) -> String { found[field]?.string ?? "" }
        func ago(_ field: String) -> String {
            Timestamp.parse(string(field)).map { "\(shortDuration(seconds: now - $0)) ago" } ?? "at an unknown time"
        }
        func ahead(_ field: String) -> String? {
            Timestamp.parse(string(field)).map { "at \(string(field)), in \(shortDuration(seconds: $0 - now))" }
        }
        if !string("deletionTime").isEmpty {
            let holders = found["finalizers"]?.strings ?? []
            let why =
                holders.isEmpty ? "" : "; what keeps its object are finalizers of others: \(holders.joined(separator: ", "))"
            return "\(name) is being deleted since \(string("deletionTime")) (\(ago("deletionTime")))\(why)\n"
        }
        let isAwake = found["awake"]?.bool == true
        var lines: [(String, String)] = []
        let state = isAwake ? found["waking"]?.bool == true ? "is waking" : "is awake" : "sleeps"
        lines.append(("\(name) \(state)", "since \(string("since")) (\(ago("since"))): \(string("message"))"))
        let (all, ready, running) = (found["pods"]?.int ?? 0, found["readyPods"]?.int ?? 0, found["runningPods"]?.int ?? 0)
        lines.append(("pods", isAwake ? "\(ready) of \(all) ready" : "\(all), of which \(running) still run"))
        if !string("lastUsedTime").isEmpty { lines.append(("last used", "\(ago("lastUsedTime")): \(string("lastUse"))")) }
        for use in found["inUse"]?.strings ?? [] { lines.append(("in use", use)) }
        for pod in found["keptAwakeBy"]?.strings ?? [] where isAwake {
            lines.append(("kept awake by", "\(pod), which is in the midst of work that it wouldn't begin again"))
        }
        if isAwake {
            let isKept = !((found["inUse"]?.elements ?? []) + (found["keptAwakeBy"]?.elements ?? [])).isEmpty
            let reason = string("sleepReason") == "Schedule" ? ", when its night has begun" : ""
            let time = isKept ? "when that is over, and not before \(string("sleepTime"))" : ahead("sleepTime") ?? ""
            lines.append(
                ("sleeps", string("sleepTime").isEmpty ? "not by itself" : "\(time)\(reason), if nobody uses it till then"))
        } else {
            lines.append(("wakes", (ahead("wakeTime").map { $0 + ", or " } ?? "") + "when somebody needs its pods"))
            if !string("refusal").isEmpty {
                lines.append(("not woken", "it was needed, but can't be woken: \(string("refusal"))"))
            }
        }
        lines.append(("deleted", ahead("expirationTime") ?? "not by itself"))
        let width = lines.map(\.0.count).max() ?? 0
        return lines.map { "\($0.0)\(String(repeating: " ", count: width - $0.0.count))  \($0.1)\n" }.joined()
    }
}
