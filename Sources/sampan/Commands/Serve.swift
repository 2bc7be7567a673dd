import ArgumentParser
import Glibc

/// `sampan serve`: the server itself, in the foreground.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the server in the foreground, for a service manager or a container.",
        discussion: """
            `sampan up` runs this in the background. It stops on SIGTERM and leaves containers running; the next start adopts them. \
            `sampan down` stops those too.
            """)

    @OptionGroup var instance: InstanceOptions
    @OptionGroup var server: ServerOptions

    func run() async throws {
        let directory = instance.dataDirectory
        let stored = try ConfigurationFile.load(dataDirectory: directory)
        let configuration = try server.configuration(dataDirectory: directory, stored: stored)
        guard geteuid() == 0 || !configuration.runsContainers else {
            throw CommandFailure("Running pods needs root.", hint: "Run it as root, or with --no-containers.")
        }
        if mkdir(directory, 0o711) != 0 && errno != EEXIST {
            throw CommandFailure("The directory \(directory) can't be made.", hint: "Make it, or choose another with --data-dir.")
        }
        guard let lock = try InstanceLock.acquire(path: configuration.lockPath) else {
            throw CommandFailure(
                "Another server runs in \(directory).", hint: "Stop it with `sampan down --data-dir \(directory)`.")
        }
        if stored != configuration { try ConfigurationFile.save(configuration) }
        try await ServerMain.run(configuration: configuration)
        withExtendedLifetime(lock) {}
    }
}
