import ArgumentParser
import FoundationEssentials
import Glibc
import KubeClient

/// `sampan down`: nothing of the instance is left on the system but its data.
struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop the server and its containers, and leave nothing behind but the data.",
        discussion: """
            Also tidies up after a server that was killed. Run it as often as you like.

            EXAMPLES
              sampan down
              sampan down --remove-data        forget every cluster and image, too
            """)

    @OptionGroup var instance: InstanceOptions

    @Flag(help: "Also remove the data directory with everything in it.")
    var removeData = false

    @Option(help: ArgumentHelp("How long the server may take to stop by itself.", valueName: "seconds"))
    var timeout: Int = 20

    func run() async throws {
        guard let configuration = try ConfigurationFile.load(dataDirectory: instance.dataDirectory) else {
            Console.out("There is no Sampan in \(instance.dataDirectory); nothing to do.\n")
            return
        }
        guard geteuid() == 0 || !configuration.runsContainers else {
            throw CommandFailure("Stopping containers needs root.", hint: "Run `sudo sampan down`.")
        }
        let start = ContinuousClock.now
        let wasRunning = try await ServerProcess(configuration).stop(timeout: .seconds(timeout))
        try await Teardown(configuration).run()
        if geteuid() == 0 { try InstanceRegister.remove(configuration) }
        if removeData { try removeDataDirectory(configuration) }
        let what = wasRunning ? "Sampan is down" : "Sampan wasn't running; tidied up"
        let data = removeData ? "The data is gone." : "The data stays in \(configuration.dataDirectory)."
        Console.out("\(what) after \((ContinuousClock.now - start).text). \(data)\n")
    }

    /// Removes everything below the data directory, and the directory unless something is mounted there.
    private func removeDataDirectory(_ configuration: Configuration) throws {
        let manager = FileManager.default
        for entry in try manager.contentsOfDirectory(atPath: configuration.dataDirectory) {
            try manager.removeItem(atPath: configuration.dataDirectory + "/" + entry)
        }
        if rmdir(configuration.dataDirectory) != 0 && errno != EBUSY {
            throw SystemError("remove \(configuration.dataDirectory)")
        }
    }
}
