import ArgumentParser
import KubeClient
import KubeNetwork
import KubeObject

/// `sampan network explain`
struct NetworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network", abstract: "Ask about the pods' network.", subcommands: [NetworkExplain.self])
}

/// `sampan network explain FROM TO[:PORT]`
struct NetworkExplain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say whether a connection gets through, and which rule decides.",
        discussion: """
            FROM is a pod of the cluster ([NAMESPACE/]POD), an IP address, or cluster/NAME for whatever is in another cluster. TO is one of these,
            or [NAMESPACE/]service/NAME. Without a namespace `default` is meant. Only a service needs no port. Nothing is sent: the answer comes
            from the model that the kernel's rules are made from.

            EXAMPLES
              sampan network explain web-0 shop/db-0:5432 --cluster demo
              sampan network explain shop/web-0 shop/service/db --cluster demo --team blue
              sampan network explain web-0 203.0.113.7:443 --cluster demo -o json
              sampan network explain web-0 10.96.0.10:53 --protocol UDP --cluster demo
              sampan network explain web-0 [2001:db8::7]:443 --cluster demo
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Option(help: ArgumentHelp("The cluster that it is about.", valueName: "name"))
    var cluster: String

    @Option(name: .customLong("protocol"), help: ArgumentHelp("TCP, UDP or SCTP.", valueName: "protocol"))
    var transport: String = "TCP"

    @Option(name: .shortAndLong, help: "table, wide, json, yaml or name.")
    var output: OutputFormat = .table

    @Argument(help: "Who connects.")
    var from: String

    @Argument(help: "To whom, with a port.")
    var to: String

    func run() async throws {
        let (end, port) = try Self.split(to)
        var question: JSON = [
            "apiVersion": "sampan.dev/v1alpha1", "kind": "NetworkExplanation", "from": .string(from), "to": .string(end),
            "protocol": .string(transport),
        ]
        if let port { question["port"] = .int(port) }
        let answer = try await PlatformAPI.with(instance) { [question] api in
            do {
                return try await api.client.create(question, at: api.path(cluster, team: team.team, subresource: "network"))
            } catch {
                throw PlatformAPI.notFoundHint(error, cluster)
            }
        }
        switch output {
        case .json: Console.out(String(decoding: answer.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out(YAML.encode(answer))
        case .name: Console.out("\(answer["reason"]?.string ?? "")\n")
        case .table, .wide: Console.out(Self.text(answer, from: from, to: to))
        }
    }

    /// An end and the port after its last colon.
    static func split(_ text: String) throws -> (end: String, port: Int64?) {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let address = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            if rest.isEmpty { return (address, nil) }
            guard rest.hasPrefix(":"), let port = Int64(rest.dropFirst()) else {
                throw ValidationError("\(text): what comes after the colon is a port's number.")
            }
            return (address, port)
        }
        guard let colon = text.lastIndex(of: ":"), IPAddress(text) == nil else { return (text, nil) }
        guard let port = Int64(text[text.index(after: colon)...]) else {
            throw ValidationError("\(text): what comes after the colon is a port's number.")
        }
        return (String(text[..<colon]), port)
    }

    static func text(_ answer: JSON, from: String, to: String) -> String {
        let verdict = answer["reachable"]?.bool == true ? "reaches" : "doesn't reach"
        let steps = answer["steps"]?.strings ?? []
        return "\(from) \(verdict) \(to): \(answer["message"]?.string ?? "") (\(answer["reason"]?.string ?? ""))\n"
            + steps.map { "  \($0)\n" }.joined()
    }
}
