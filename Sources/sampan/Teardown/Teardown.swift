import KubeRuntime

/// Takes from the system whatever an instance made on it, when its server has stopped: processes, mounts, network namespaces, links,
/// nftables tables and control groups. The data directory's files stay.
///
/// It goes by what is on the system, not by what the server remembers, so it works after any kind of end.
struct Teardown {
    let configuration: Configuration

    init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    func run() async throws {
        guard configuration.runsContainers else { return }
        try await stopContainers()
        try await removeTables()
    }

    private func stopContainers() async throws {
        let left = try await LocalEngine.with(configuration) { engine in
            try await engine.stopAll()
            return engine.leftovers()
        }
        guard left.isEmpty else {
            throw CommandFailure(
                "Some of the instance can't be taken from the system:\n" + left.map { "  \($0)" }.joined(separator: "\n"),
                hint:
                    "Run `sampan down` again; a process that hangs in the kernel (see `ps -o pid,stat,wchan,args`) may need a reboot."
            )
        }
    }

    private func removeTables() async throws {
        let hint = "Install what Sampan needs with scripts/install."
        let tables = try await Tool.run("nft", ["list", "tables"], missing: hint)
        for table in Self.tables(of: configuration.instance, in: tables) {
            try await Tool.run("nft", ["delete", "table"] + table, missing: hint)
        }
    }

    /// Family and name of the instance's tables, out of `nft list tables`.
    static func tables(of instance: String, in list: String) -> [[String]] {
        let name = "sampan_" + instance.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
        return list.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            return words.count == 3 && words[0] == "table" && words[2] == name ? Array(words[1...]) : nil
        }
    }
}
