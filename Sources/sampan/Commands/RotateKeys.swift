import ArgumentParser
import KubeStore

/// `sampan rotate-keys`: a new key for what is encrypted in the data directory.
struct RotateKeys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-keys",
        abstract: "Give the data directory a new encryption key.",
        discussion: """
            Secrets and the clusters' private keys are encrypted, each cluster's with a key of its own, and those with the key in \
            store/keys.json. This puts a new key in front there. At the next start every cluster's key is encrypted with it, and the \
            older ones may be removed from the file. The server must not run meanwhile.

            With --clusters every cluster gets a fresh key as well, and its data is encrypted again with that, before the next start is \
            over: use this when the keys themselves may have become known, not only the file.

            EXAMPLES
              sampan down && sampan rotate-keys && sampan up
              sampan down && sampan rotate-keys --clusters && sampan up
            """)

    @OptionGroup var instance: InstanceOptions

    @Flag(help: "Replace the clusters' own keys too.")
    var clusters = false

    func run() async throws {
        let directory = instance.dataDirectory + "/store"
        do {
            try Store.rotateKeys(directory: directory, clusterKeys: clusters)
        } catch {
            throw CommandFailure("The key wasn't rotated: \(error)", hint: "Run `sampan down` first.")
        }
        Console.out("There is a new key in \(directory)/keys.json; it's used from the next start on.\n")
    }
}
