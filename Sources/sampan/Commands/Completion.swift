import ArgumentParser
import FoundationEssentials
import KubeClient
import KubeObject

/// `sampan completion bash|zsh|fish`
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print what has a shell complete this program's words.",
        discussion: """
            Commands, options and their values are completed, and names of clusters and teams, for which the server is asked.

            EXAMPLES
              source <(sampan completion bash)                                   for this shell; or in ~/.bashrc
              sampan completion bash > /etc/bash_completion.d/sampan
              sampan completion zsh > "${fpath[1]}/_sampan"
              sampan completion fish > ~/.config/fish/completions/sampan.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish

        var script: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() { Console.out(Sampan.completionScript(for: shell.script) + "\n") }
}

/// What shells offer where a name is to be completed: asked of the server, for two seconds at most. When it can't be asked there is nothing to
/// offer, and nobody is told.
enum Completions {
    static let clusters: CompletionKind = .custom { words, _, _ in
        await ask(words) { api, team in names(try await api.client.list(api.path(team: team))) }
    }

    static let deletedClusters: CompletionKind = .custom { words, _, _ in
        await ask(words) { api, team in
            let list = try await api.client.list(api.deletedPath(team: team))
            return Set((list["items"]?.elements ?? []).compactMap { $0[path: "spec", "name"]?.string }).sorted()
        }
    }

    static let teams: CompletionKind = .custom { words, _, _ in
        await ask(words) { api, _ in names(try await api.visibleTeams()) }
    }

    private static func names(_ list: JSON) -> [String] {
        (list["items"]?.elements ?? []).compactMap { $0[path: "metadata", "name"]?.string }
    }

    private static let patience: Duration = .seconds(2)

    private static func ask(
        _ words: [String], _ question: @escaping @Sendable (PlatformAPI, String) async throws -> [String]
    ) async -> [String] {
        let directory = value(of: ["--data-dir"], in: words)
        let team = value(of: ["--team", "-t"], in: words) ?? ProcessInfo.processInfo.environment["SAMPAN_TEAM"] ?? ""
        return await withTaskGroup(of: [String].self) { group in
            group.addTask {
                do {
                    let instance = try InstanceOptions.parse(directory.map { ["--data-dir", $0] } ?? [])
                    return try await PlatformAPI.with(instance) { try await question($0, team) }
                } catch {
                    return []
                }
            }
            group.addTask {
                do { try await Task.sleep(for: patience) } catch { return [] }
                return []
            }
            let first = await group.next() ?? []
            group.cancelAll()
            return first
        }
    }

    /// What follows one of the options in words that were typed so far.
    static func value(of options: [String], in words: [String]) -> String? {
        for (index, word) in words.enumerated().reversed() {
            if options.contains(word), index + 1 < words.count, !words[index + 1].isEmpty { return words[index + 1] }
            for option in options where word.hasPrefix(option + "=") && word.count > option.count + 1 {
                return String(word.dropFirst(option.count + 1))
            }
        }
        return nil
    }
}
