import FoundationEssentials
import KubeObject
import Subprocess
import SystemPackage

/// A program that gives a client its credential: `users[].user.exec` of a kubeconfig.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
public struct CredentialCommand: Sendable, Equatable {
    /// The versions of `ExecCredential` that are understood.
    public static let versions = ["v1", "v1beta1"].map { "client.authentication.k8s.io/\($0)" }

    var version: String
    var command: String
    var arguments: [String]
    var environment: [String: String]

    /// - Parameter directory: against which a relative path is read; a name without a slash is looked for in PATH.
    init(_ exec: JSON, _ directory: String) throws {
        version = exec["apiVersion"]?.string ?? ""
        guard Self.versions.contains(version) else {
            throw KubeconfigError(
                "the user's exec has the apiVersion \(version); \(Self.versions.joined(separator: " and ")) are known")
        }
        guard let command = exec["command"]?.string, !command.isEmpty else {
            throw KubeconfigError("the user's exec has no command")
        }
        self.command = command.contains("/") ? ClientConfiguration.resolve(command, directory) : command
        arguments = exec["args"]?.strings ?? []
        environment = [:]
        for entry in exec["env"]?.elements ?? [] {
            if let name = entry["name"]?.string { environment[name] = entry["value"]?.string ?? "" }
        }
    }

    /// Runs the program.
    ///
    /// - Throws: ``KubeconfigError`` with what the program said when it fails, or gives nothing that can be used.
    func credentials() async throws -> ClientConfiguration.Credentials {
        let question: JSON = [
            "apiVersion": .string(version), "kind": "ExecCredential", "spec": ["interactive": false],
        ]
        var changes: [Environment.Key: String] = ["KUBERNETES_EXEC_INFO": question.text]
        for (name, value) in environment { changes[Environment.Key(stringLiteral: name)] = value }
        let result: ExecutionResult<Void, StringOutput<UTF8>, StringOutput<UTF8>>
        do {
            result = try await Subprocess.run(
                command.contains("/") ? .path(FilePath(command)) : .name(command), arguments: Arguments(arguments),
                environment: .inherit.updating(changes), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        } catch let error as SubprocessError {
            throw KubeconfigError("the user's credential comes from \(command), which can't be run: \(error)")
        }
        guard result.terminationStatus.isSuccess else {
            let reason = result.standardError.split(separator: "\n").joined(separator: "; ")
            throw KubeconfigError("the user's credential comes from \(command), which failed: \(reason)")
        }
        return try Self.credentials(result.standardOutput, from: command)
    }

    static func credentials(_ text: String, from command: String) throws -> ClientConfiguration.Credentials {
        let answer: JSON
        do { answer = try JSON(parsing: Array(text.utf8)) } catch {
            throw KubeconfigError("what \(command) gave is no ExecCredential: \(error)")
        }
        guard answer["kind"]?.string == "ExecCredential", let status = answer["status"] else {
            throw KubeconfigError("what \(command) gave is no ExecCredential")
        }
        if let chain = status["clientCertificateData"]?.string, let key = status["clientKeyData"]?.string, !chain.isEmpty {
            return .certificate(chain: Array(chain.utf8), key: Array(key.utf8))
        }
        guard let token = status["token"]?.string, !token.isEmpty else {
            throw KubeconfigError("what \(command) gave has neither a token nor a certificate with its key")
        }
        return .token(token)
    }
}

extension ClientConfiguration {
    /// The same with the credential that a program gives now, where one is to give it.
    public func resolved() async throws -> ClientConfiguration {
        guard case .exec(let command) = credentials else { return self }
        var resolved = self
        resolved.credentials = try await command.credentials()
        return resolved
    }
}
