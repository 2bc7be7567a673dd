import ArgumentParser
import FoundationEssentials
import Glibc
import KubeClient
import KubeObject

/// `sampan up`: the server runs in the background when this returns.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start the server in the background and wait until it answers.",
        discussion: """
            Does nothing when it runs already. The options are remembered in the data directory, so they are needed only once.

            EXAMPLES
              sampan up
              sampan up --data-dir /srv/second --api-port 7443 --dns-port 10054 --pod-subnet 10.245.0.0/16
              sampan up --no-containers        an API without pods; needs no root
            """)

    @OptionGroup var instance: InstanceOptions
    @OptionGroup var server: ServerOptions

    @Option(help: ArgumentHelp("How long to wait until the API answers.", valueName: "seconds"))
    var timeout: Int = 120

    @Option(name: .shortAndLong, help: "table or json.")
    var output: OutputFormat = .table

    func run() async throws {
        let directory = instance.dataDirectory
        let stored = try ConfigurationFile.load(dataDirectory: directory)
        let wanted = try server.configuration(dataDirectory: directory, stored: stored)
        guard geteuid() == 0 || !wanted.runsContainers else {
            throw CommandFailure(
                "Sampan runs pods as containers, and that needs root.",
                hint: "Run `sudo sampan up`, or `sampan up --no-containers --data-dir ~/sampan` for an API without pods.")
        }
        let start = ContinuousClock.now
        var running = try InstanceLock.holder(path: wanted.lockPath) != nil
        if running {
            guard stored == nil || stored == wanted else {
                throw CommandFailure(
                    "The instance in \(directory) runs with other options.",
                    hint: "Run `sampan down` first, then `sampan up` with the new ones.")
            }
            running = try await waitUntilReady(wanted, child: nil)
        }
        if !running { try await startServer(wanted) }
        report(wanted, started: !running, after: ContinuousClock.now - start)
    }

    private func startServer(_ wanted: Configuration) async throws {
        try InstanceRegister.check(wanted)
        try FreePort.check(wanted.apiPort, at: wanted.listenAddress)
        try prepareDirectories(wanted)
        try ConfigurationFile.save(wanted)
        let executable = try Self.ownExecutable()
        let child = try BackgroundProcess.start(executable, ["serve", "--data-dir", wanted.dataDirectory], log: wanted.logPath)
        _ = try await waitUntilReady(wanted, child: child)
        if geteuid() == 0 { try InstanceRegister.record(wanted) }
    }

    private func report(_ configuration: Configuration, started: Bool, after duration: Duration) {
        switch output {
        case .json:
            let answer: JSON = [
                "instance": .string(configuration.instance), "dataDirectory": .string(configuration.dataDirectory),
                "apiPort": .int(Int64(configuration.apiPort)), "kubeconfig": .string(configuration.adminKubeconfigPath),
                "started": .bool(started), "milliseconds": .int(Int64(duration.milliseconds)),
            ]
            Console.out(String(decoding: answer.encoded(), as: UTF8.self) + "\n")
        default:
            let what = started ? "Sampan is up after \(duration.text)" : "Sampan is already up"
            Console.out(
                """
                \(what): instance \(configuration.instance), API on port \(configuration.apiPort), data in \(configuration.dataDirectory).
                Make a cluster with `sampan cluster create NAME`.

                """)
        }
    }

    private func prepareDirectories(_ configuration: Configuration) throws {
        // Readable on the way through, because containers with users of their own pass it to their root file systems.
        for directory in [configuration.dataDirectory, configuration.dataDirectory + "/log"] {
            do {
                try FileManager.default.createDirectory(
                    atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
            } catch {
                throw CommandFailure(
                    "The directory \(directory) can't be made: \(error)", hint: "Choose another with --data-dir.")
            }
        }
    }

    /// Returns when the API says that it is ready; throws when the server that was started ends, or time runs out.
    ///
    /// - Returns: false when the server that ran already isn't there any more. (One that was killed keeps its lock until the kernel has
    ///   taken its memory back.)
    private func waitUntilReady(_ configuration: Configuration, child: BackgroundProcess?) async throws -> Bool {
        var progress = Progress("waiting until the server answers")
        while true {
            if let ending = try child?.ending() {
                throw CommandFailure(
                    "The server didn't start: \(ending).\n\(Self.tail(configuration.logPath))",
                    hint: "The whole log is in \(configuration.logPath).")
            }
            let isHeld = try InstanceLock.holder(path: configuration.lockPath) != nil
            guard isHeld || child != nil else { return false }
            if isHeld, let kubeconfig = try Kubeconfig.load(configuration.adminKubeconfigPath) {
                let ready = try await KubeClient.with(ClientConfiguration(kubeconfig)) {
                    try await PlatformAPI(client: $0).isReady()
                }
                if ready { return true }
            }
            guard progress.elapsed < .seconds(timeout) else {
                throw CommandFailure(
                    "The server isn't ready after \(timeout) s.\n\(Self.tail(configuration.logPath))",
                    hint: "It goes on starting; look into \(configuration.logPath), or run `sampan up` again to wait longer.")
            }
            progress.tick()
            try await Task.sleep(for: .milliseconds(25))
        }
    }

    /// The last lines of the log, indented.
    static func tail(_ path: String) -> String {
        guard let bytes = try? AtomicFile.read(path) else { return "" }
        let lines = String(decoding: bytes.suffix(4096), as: UTF8.self).split(separator: "\n").suffix(10)
        return lines.map { "  \($0)" }.joined(separator: "\n")
    }

    /// The file that this process runs from, even if it was found through PATH or a link.
    static func ownExecutable() throws -> String {
        guard let path = realpath("/proc/self/exe", nil) else { throw SystemError("read /proc/self/exe") }
        defer { free(path) }
        return String(cString: path)
    }
}
