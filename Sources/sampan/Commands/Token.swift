import ArgumentParser
import FoundationEssentials
import KubeClient
import KubeObject

/// `sampan token NAME`: what kubectl and client libraries run when they need a credential.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Give kubectl a short-lived credential for a cluster.",
        discussion: """
            Prints an ExecCredential (client.authentication.k8s.io) with a client certificate. Kubeconfigs of `sampan cluster kubeconfig` say that \
            kubectl runs this; nothing is kept on disk. Whether one may is asked anew each time.

            EXAMPLES
              sampan token demo
              sampan token demo --team blue --platform alice.kubeconfig --expires 10m
            """)

    @OptionGroup var instance: InstanceOptions

    @OptionGroup var team: TeamOptions

    @Argument(help: "The cluster.", completion: Completions.clusters)
    var name: String

    @Option(help: ArgumentHelp("Ask the platform as whom this kubeconfig says, or SAMPAN_KUBECONFIG.", valueName: "file"))
    var platform: String?

    @Option(help: ArgumentHelp("How long the credential is valid.", valueName: "duration"))
    var expires: String = "1h"

    func validate() throws { _ = try CredentialOptions.seconds(expires, "--expires") }

    func run() async throws {
        let version = try Self.version(ProcessInfo.processInfo.environment["KUBERNETES_EXEC_INFO"])
        let seconds = try CredentialOptions.seconds(expires, "--expires")
        let answer: JSON
        do {
            answer = try await PlatformAPI.with(instance, platform: platform) { api in
                try await api.client.create(
                    [
                        "apiVersion": "sampan.dev/v1alpha1", "kind": "KubeconfigRequest", "expirationSeconds": .int(seconds),
                    ], at: api.path(name, team: team.team, subresource: "kubeconfig"))
            }
        } catch {
            throw PlatformAPI.notFoundHint(error, name)
        }
        let configuration = try ClientConfiguration(try PlatformAPI.kubeconfig(in: answer))
        Console.out(try Self.credential(configuration, until: answer["expirationTimestamp"], version).text + "\n")
    }

    /// Those who ask say which version they understand. Some old ones don't, and understand `v1beta1` only.
    static func version(_ question: String?) throws -> String {
        guard let question, !question.isEmpty else { return "client.authentication.k8s.io/v1beta1" }
        let tree: JSON
        do { tree = try JSON(parsing: Array(question.utf8)) } catch {
            throw CommandFailure("KUBERNETES_EXEC_INFO isn't JSON: \(error)")
        }
        let version = tree["apiVersion"]?.string ?? ""
        guard CredentialCommand.versions.contains(version) else {
            throw CommandFailure(
                "kubectl asks for \(version); \(CredentialCommand.versions.joined(separator: " and ")) are known.",
                hint: "Set one of these as users[].user.exec.apiVersion in the kubeconfig.")
        }
        return version
    }

    static func credential(_ configuration: ClientConfiguration, until end: JSON?, _ version: String) throws -> JSON {
        guard case .certificate(let chain, let key) = configuration.credentials else {
            throw CommandFailure("The server's kubeconfig has no client certificate.")
        }
        var status: JSON = [
            "clientCertificateData": .string(String(decoding: chain, as: UTF8.self)),
            "clientKeyData": .string(String(decoding: key, as: UTF8.self)),
        ]
        status["expirationTimestamp"] = end
        return ["apiVersion": .string(version), "kind": "ExecCredential", "status": status]
    }

    /// A kubeconfig's user that runs this command, as the one who asks for the kubeconfig now.
    ///
    /// In `v1beta1`, which clients of all ages understand.
    static func user(of name: String, team: String, _ instance: InstanceOptions) throws -> JSON {
        var arguments = ["token", name]
        if !team.isEmpty { arguments += ["--team", team] }
        if let path = ProcessInfo.processInfo.environment["SAMPAN_KUBECONFIG"], !path.isEmpty {
            arguments += ["--platform", Paths.absolute(path)]
        } else {
            arguments += ["--data-dir", instance.dataDirectory]
        }
        return [
            "exec": [
                "apiVersion": "client.authentication.k8s.io/v1beta1", "command": .string(try Up.ownExecutable()),
                "args": JSON(arguments), "interactiveMode": "Never", "provideClusterInfo": false,
                "installHint": "The program sampan gives kubectl its credential; it isn't where it was.",
            ]
        ]
    }
}
