import FoundationEssentials

/// The images of the instance's own containerd, through containerd's `ctr`.
struct ImageStore {
    struct Image: Equatable {
        var name: String
        var digest: String
        /// As ctr says it, such as `2.1 MiB`.
        var size: String

        /// Changes when another image takes the same name.
        var identity: String { "\(name)@\(digest)" }
    }

    private let socket: String

    init(_ configuration: Configuration) throws {
        guard configuration.runsContainers else {
            throw CommandFailure("This instance runs no containers.", hint: "Bring it up without --no-containers.")
        }
        socket = configuration.containerdDirectory + "/containerd.sock"
        guard FileManager.default.fileExists(atPath: socket) else {
            throw CommandFailure(
                "containerd of \(configuration.dataDirectory) isn't running.", hint: "Start the instance with `sampan up`.")
        }
    }

    func list() async throws -> [Image] {
        Self.parse(try await ctr("images", "list"))
    }

    /// - Parameter file: an archive, or `-`.
    func load(_ file: String) async throws {
        try await ctr("images", "import", file == "-" ? file : Paths.absolute(file))
    }

    @discardableResult
    private func ctr(_ arguments: String...) async throws -> String {
        try await Tool.run(
            "ctr", ["--address", socket, "--namespace", "k8s.io"] + arguments,
            missing: "It comes with containerd: run scripts/install.")
    }

    /// Reads `ctr images list`: reference, type, digest, size in two words, and more. References that are only digests are left out.
    static func parse(_ text: String) -> [Image] {
        text.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 5, !fields[0].hasPrefix("sha256:"), !fields[0].contains("@sha256:") else { return nil }
            return Image(name: String(fields[0]), digest: String(fields[2]), size: "\(fields[3]) \(fields[4])")
        }.sorted { $0.name < $1.name }
    }
}
