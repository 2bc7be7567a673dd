import ArgumentParser
import KubeSchema

/// How long the certificate in a kubeconfig is valid.
struct CredentialOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Put a client certificate into it that is valid so long.", valueName: "duration"))
    var expires: String?

    @Flag(help: "Put a client certificate into it that is valid for a year. Whoever has the file has the cluster.")
    var longLived = false

    func validate() throws {
        if longLived && expires != nil { throw ValidationError("Give --expires or --long-lived, not both.") }
        _ = try seconds()
    }

    /// Nil when neither option is given.
    func seconds() throws -> Int64? {
        if longLived { return 365 * 86_400 }
        return try expires.map { try Self.seconds($0, "--expires") }
    }

    static func seconds(_ text: String, _ option: String) throws -> Int64 {
        guard let duration = GoDuration.nanoseconds(text), duration >= 600 * 1_000_000_000 else {
            throw ValidationError("\(option) \(text): give a duration of at least 10m, such as 8h.")
        }
        return duration / 1_000_000_000
    }
}
