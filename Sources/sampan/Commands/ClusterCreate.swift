import ArgumentParser
import KubeClient
import KubeObject
import KubeRegistry

/// `sampan cluster create NAME`
struct ClusterCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make virtual clusters.",
        discussion: """
            EXAMPLES
              sampan cluster create demo
              sampan cluster create a b c --if-not-exists
              sampan cluster create ci -o json
              sampan cluster create trusted --pod-security privileged
              sampan cluster create trial --team blue --ttl 8h
              sampan cluster create trial --sleep-after 30m
              sampan cluster create small --limit memory=1Gi --limit pods=10
              sampan cluster create ci --label stage=test --label app=shop
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Option(help: ArgumentHelp("Delete it after so long. (default: the team's, or never)", valueName: "duration"))
    var ttl: String?

    @Option(help: "What it is for.")
    var description: String?

    @Option(
        help: ArgumentHelp(
            "Have it sleep when nobody used it for so long. (default: the team's, or never)", valueName: "duration"))
    var sleepAfter: String?

    @Option(
        name: .customLong("limit"),
        help: ArgumentHelp(
            "What its pods, claims and services may have together: pods, cpu, memory, storage or exposures.",
            valueName: "resource=amount"))
    var limits: [String] = []

    @Option(
        name: [.customShort("l"), .customLong("label")],
        help: ArgumentHelp("A label of the virtual cluster, for `sampan cluster list -l`.", valueName: "key=value"))
    var labels: [String] = []

    @Argument(help: ArgumentHelp("DNS labels.", valueName: "name"))
    var names: [String]

    @Flag(inversion: .prefixedNo, help: "Return when the cluster's API answers.")
    var wait = true

    @Flag(help: "Succeed when the cluster is there already.")
    var ifNotExists = false

    @Option(
        help: ArgumentHelp(
            "Which Pod Security Standard its pods keep: privileged (which lets them onto this machine), baseline or restricted. (default: baseline)",
            valueName: "level"), completion: .list(ClusterPolicy.PodSecurity.allCases.map(\.rawValue)))
    var podSecurity: String?

    @Option(
        help: ArgumentHelp(
            "What keeps its pods from the machine: shared (containers on the machine's kernel) or gvisor (a kernel of its own for each pod; the machine must have runsc: scripts/install gvisor). (default: the team's, or shared)",
            valueName: "class"), completion: .list(ClusterPolicy.Isolation.allCases.map(\.rawValue)))
    var isolation: String?

    @Option(
        help: ArgumentHelp(
            "How many nodes it shows, 1 to 10, for what wants several. All of them are this machine. (default: 1)",
            valueName: "count"))
    var nodes: Int64?

    @Option(
        help: ArgumentHelp(
            "What processors its pods are to have, amd64 or arm64; refused where there is no such machine. (default: the machine's)",
            valueName: "name"))
    var architecture: String?

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout: Int = 30

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func validate() throws {
        _ = try machineLimits()
        _ = try labels.map(Self.label)
    }

    /// `stage=test` as a label of the API.
    static func label(_ text: String) throws -> (String, JSON) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty else { throw ValidationError("--label \(text): write KEY=VALUE.") }
        return (parts[0], .string(parts[1]))
    }

    private func machineLimits() throws -> [(String, JSON?)] {
        try MachineOptions.parse(try limits.map(MachineOptions.split), option: { "--limit \($0)=\($1)" })
    }

    func run() async throws {
        try await PlatformAPI.with(instance) { api in
            try await forEach(names, "weren't created") { name in
                let start = ContinuousClock.now
                var (cluster, created) = try await create(name, api)
                if wait { cluster = try await waitUntilReady(name, cluster, api) }
                let words = created ? "created in \((ContinuousClock.now - start).text)" : "was there already"
                output.print(cluster, name: name, "cluster \(name) \(words)")
            }
        }
    }

    private func create(_ name: String, _ api: PlatformAPI) async throws -> (cluster: JSON, created: Bool) {
        var object: JSON = [
            "apiVersion": "sampan.dev/v1alpha1", "kind": "VirtualCluster", "metadata": ["name": .string(name)], "spec": [:],
        ]
        if let ttl { object[path: "spec", "timeToLive"] = .string(ttl) }
        if let sleepAfter { object[path: "spec", "sleep", "afterIdle"] = .string(sleepAfter) }
        if let podSecurity { object[path: "spec", "podSecurity"] = .string(podSecurity) }
        if let isolation { object[path: "spec", "isolation"] = .string(isolation) }
        if let architecture { object[path: "spec", "architecture"] = .string(architecture) }
        if let nodes { object[path: "spec", "nodes"] = .int(nodes) }
        for (key, value) in try labels.map(Self.label) { object[path: "metadata", "labels", key] = value }
        if let description { object[path: "spec", "description"] = .string(description) }
        for (resource, amount) in try machineLimits() { object[path: "spec", "limits", resource] = amount }
        var progress = Progress("waiting until the former cluster \(name) is gone")
        while true {
            do {
                return (try await api.client.create(object, at: api.path(team: team.team)), true)
            } catch let error as StatusError where error.reason == "AlreadyExists" {
                if let existing = try await found(name, api) {
                    guard ifNotExists else {
                        throw CommandFailure(
                            "There is a cluster \(name) already.",
                            hint: "Use it with `sampan cluster kubeconfig \(name)`, or add --if-not-exists.")
                    }
                    return (existing, false)
                }
            } catch let error as StatusError where PlatformAPI.missingTeam(error) != nil {
                throw PlatformAPI.notFoundHint(error, name)
            }
            guard wait, progress.elapsed < .seconds(timeout) else {
                throw CommandFailure(
                    "The former cluster \(name) is still being deleted.",
                    hint: "See what keeps it with `sampan cluster explain \(name)\(team.argument)`, and try again.")
            }
            progress.tick()
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// The cluster of this name, unless it is gone or being deleted.
    private func found(_ name: String, _ api: PlatformAPI) async throws -> JSON? {
        do {
            let cluster = try await api.client.get(api.path(name, team: team.team))
            return cluster[path: "metadata", "deletionTimestamp"] == nil ? cluster : nil
        } catch let error as StatusError where error.code == 404 {
            return nil
        }
    }

    private func waitUntilReady(_ name: String, _ cluster: JSON, _ api: PlatformAPI) async throws -> JSON {
        var cluster = cluster
        var progress = Progress("waiting until cluster \(name) is ready")
        while !PlatformAPI.isReady(cluster) {
            guard progress.elapsed < .seconds(timeout) else {
                let phase = cluster["status"]?["phase"]?.string ?? "unknown"
                throw CommandFailure(
                    "Cluster \(name) isn't ready after \(timeout) s; its phase is \(phase).",
                    hint: "See why with `sampan cluster list -o yaml`.")
            }
            progress.tick()
            try await Task.sleep(for: .milliseconds(5))
            cluster = try await api.client.get(api.path(name, team: team.team))
        }
        return cluster
    }
}
