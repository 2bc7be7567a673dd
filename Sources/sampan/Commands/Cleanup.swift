import ArgumentParser

/// `sampan cleanup`: what `down` does after the server has stopped, for scripts and tests that kill the server themselves.
struct CleanupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cleanup", abstract: "Remove what a dead server left on the system.", shouldDisplay: false)

    @OptionGroup var instance: InstanceOptions

    func run() async throws {
        let configuration = try instance.load()
        guard try InstanceLock.holder(path: configuration.lockPath) == nil else {
            throw CommandFailure("The server is running.", hint: "Use `sampan down`.")
        }
        try await Teardown(configuration).run()
    }
}
