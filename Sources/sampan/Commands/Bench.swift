import ArgumentParser

/// `sampan bench`: measures this server, and upstream's beside it.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure a running instance.", shouldDisplay: false)

    @OptionGroup var instance: InstanceOptions

    func run() async throws {
        throw CommandFailure("Not written yet.")
    }
}
