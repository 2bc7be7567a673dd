import ArgumentParser
import KubeClient
import KubeObject

/// `sampan cluster sleep NAME...`
struct ClusterSleep: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sleep", abstract: "Put clusters to sleep: their pods stop, and everything else stays.",
        discussion: """
            A cluster wakes by itself when somebody needs its pods: by a write to its API, exec, attach, port-forward, a proxy, or a connection to
            a node port. Pods that run to their end once, such as a Job's, are ended: without this command they keep a cluster awake.

            EXAMPLES
              sampan cluster sleep demo
              sampan cluster sleep demo --team blue --message "until Monday"
              sampan cluster sleep a b c --no-wait -o json
            """)

    @OptionGroup var options: SleepOptions

    func run() async throws { try await options.run(sleeps: true) }
}

/// `sampan cluster wake NAME...`
struct ClusterWake: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wake", abstract: "Wake clusters, and wait until their pods are ready.",
        discussion: """
            EXAMPLES
              sampan cluster wake demo
              sampan cluster wake demo --team blue --no-wait
            """)

    @OptionGroup var options: SleepOptions

    func run() async throws { try await options.run(sleeps: false) }
}

/// What putting to sleep and waking have in common.
struct SleepOptions: ParsableArguments {
    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: ArgumentHelp("The clusters.", valueName: "name"), completion: Completions.clusters)
    var names: [String]

    @Option(help: "Why; shown to whoever asks why the cluster sleeps or is awake.")
    var message: String?

    @Flag(inversion: .prefixedNo, help: "Return when all pods have stopped, or are ready.")
    var wait = true

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout: Int = 60

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    func run(sleeps: Bool) async throws {
        try await PlatformAPI.with(instance) { api in
            for name in names {
                let start = ContinuousClock.now
                do {
                    var request: JSON = ["apiVersion": "sampan.dev/v1alpha1", "kind": "SleepRequest"]
                    if let message { request["message"] = .string(message) }
                    let path = api.path(name, team: team.team, subresource: sleeps ? "sleep" : "wake")
                    let answer = try await api.client.create(request, at: path)
                    if wait { try await waitUntilDone(name, sleeps: sleeps, api) }
                    let took = (ContinuousClock.now - start).text
                    let isNew = answer["changed"]?.bool == true
                    switch output {
                    case .json: Console.out(String(decoding: answer.encoded(), as: UTF8.self) + "\n")
                    case .yaml: Console.out("---\n" + YAML.encode(answer))
                    case .name: Console.out("\(name)\n")
                    case .table, .wide:
                        Console.out(
                            isNew
                                ? "cluster \(name) \(sleeps ? "sleeps" : "is awake") after \(took)\n"
                                : "cluster \(name) \(sleeps ? "slept" : "was awake") already\n")
                    }
                } catch {
                    throw PlatformAPI.notFoundHint(error, name)
                }
            }
        }
    }

    private func waitUntilDone(_ name: String, sleeps: Bool, _ api: PlatformAPI) async throws {
        var progress = Progress("waiting until the pods of cluster \(name) \(sleeps ? "have stopped" : "are ready")")
        while true {
            let found = try await ClusterExplain.ask(name, team: team.team, api)
            if found["awake"]?.bool == sleeps {
                throw CommandFailure(
                    "Cluster \(name) \(sleeps ? "was woken" : "fell asleep") meanwhile: \(found["message"]?.string ?? "")")
            }
            let (all, ready, running) = (found["pods"]?.int ?? 0, found["readyPods"]?.int ?? 0, found["runningPods"]?.int ?? 0)
            if sleeps ? running == 0 : ready == all { return }
            guard progress.elapsed < .seconds(timeout) else {
                throw CommandFailure(
                    sleeps
                        ? "After \(timeout) s, \(running) pods of cluster \(name) still run."
                        : "After \(timeout) s, \(ready) of \(all) pods of cluster \(name) are ready.",
                    hint: "See them with `kubectl --context sampan-\(name) get pods -A`.")
            }
            progress.tick()
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
