/// Takes rules to where they count. The real one is ``NFTables``; tests have one that remembers.
protocol RuleRunner: Sendable {
    /// Performs commands in `nft` syntax as one transaction: all or nothing.
    func apply(_ commands: String) async throws(NFTablesError)
    /// The pods that the table lets in now. Empty when there's no table.
    func admittedPods(_ table: TableName) async throws(NFTablesError) -> [AdmittedPod]
    func exists(_ table: TableName) async throws(NFTablesError) -> Bool
}

/// A pod as the kernel's table knows it.
struct AdmittedPod: Sendable, Hashable {
    var address: IPAddress
    var interface: InterfaceName
    var mark: ClusterMark
}

/// The packet filter couldn't be changed or looked at.
struct NFTablesError: Error, Sendable, CustomStringConvertible {
    /// What libnftables said, or why it couldn't be asked.
    var reason: String
    var commands: String

    var description: String {
        "nftables refused: \(reason.prefix(2_000)) (in: \(commands.prefix(500)))"
    }
}
