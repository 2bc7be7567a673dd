import ArgumentParser
import FoundationEssentials
import Glibc
import KubeAPI
import KubeClient
import KubeSchema

/// `sampan rotate-authority`: a new certificate authority for the platform's server.
struct RotateAuthority: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-authority", abstract: "Give the platform a new certificate authority, without an outage.",
        discussion: """
            It is what every client of every cluster knows the server by; each cluster has another one for its clients' certificates (see \
            `sampan cluster rotate-authority`). The server, if it runs, proves itself by the new one at once, and kubeconfigs that are made from now \
            on and the clusters' config maps kube-root-ca.crt have that. Kubeconfigs that were made before are good as long as --keep says; \
            make them anew meanwhile.

            EXAMPLES
              sampan rotate-authority
              sampan rotate-authority --keep 2160h
              sampan rotate-authority --retire          end the trust in former ones now
            """)

    @OptionGroup var instance: InstanceOptions

    @Option(help: ArgumentHelp("How long clients that know the former authority are served.", valueName: "duration"))
    var keep: String = "720h"

    @Flag(help: "Serve nobody any more who knows only a former authority.")
    var retire = false

    func run() async throws {
        guard let nanoseconds = GoDuration.nanoseconds(keep), nanoseconds >= 1_000_000_000 else {
            throw ValidationError("--keep \(keep): give a duration such as 720h.")
        }
        let configuration = try instance.load()
        let before = try AtomicFile.read(configuration.adminKubeconfigPath)
        if retire {
            try PlatformAuthority.retireFormer(directory: configuration.pkiDirectory)
        } else {
            try PlatformAuthority.rotate(
                directory: configuration.pkiDirectory, keep: Double(nanoseconds) / 1_000_000_000)
        }
        try await untilTakenUp(configuration, before)
        if retire {
            Console.out("who knows only a former authority of the platform isn't served any more\n")
            return
        }
        let end = try PlatformAuthority.loadOrCreate(directory: configuration.pkiDirectory).formerTrustedUntil ?? Date()
        Console.out(
            """
            the platform has a new authority: \(configuration.pkiDirectory)/ca.crt
            kubeconfigs that were made before are good until \(end.formatted(.iso8601)); make them anew before
            end that earlier with `sampan rotate-authority --retire`

            """)
    }

    /// Tells the server, and waits until it has written the administrator's kubeconfig anew, which is the last that it does before it tells the
    /// clusters. One that doesn't run has nothing to take up.
    private func untilTakenUp(_ configuration: Configuration, _ before: [UInt8]?) async throws {
        var progress = Progress("waiting until the server has it")
        var asked = Duration.zero
        while let pid = try InstanceLock.holder(path: configuration.lockPath) {
            if asked == .zero || progress.elapsed > asked + .seconds(2) {
                asked = max(progress.elapsed, .nanoseconds(1))
                guard kill(pid, SIGHUP) == 0 || errno == ESRCH else { throw SystemError("signal the server (process \(pid))") }
            }
            if try AtomicFile.read(configuration.adminKubeconfigPath) != before { return }
            guard progress.elapsed < .seconds(30) else {
                throw CommandFailure(
                    "The server didn't take the new authority up.", hint: "Look into \(configuration.logPath), or start it anew.")
            }
            progress.tick()
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
