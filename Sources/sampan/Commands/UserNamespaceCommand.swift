import ArgumentParser
import KubeRuntime

/// `sampan user-namespace-runtime RUNC PLACE ARGUMENTS...`: what containerd calls to make a container in a user namespace.
struct UserNamespaceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: UserNamespaceRuntime.command, abstract: "Make a container as runc does, in a user namespace.",
        shouldDisplay: false)

    @Argument(help: "The program runc.")
    var runc: String

    @Argument(help: "A directory for mounts.")
    var place: String

    @Argument(parsing: .captureForPassthrough, help: "What runc is called with.")
    var arguments: [String]

    func run() throws {
        throw ExitCode(UserNamespaceRuntime.create(runc: runc, place: place, arguments: arguments))
    }
}
