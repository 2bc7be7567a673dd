import Foundation
import KubeObject

/// The kernel's packet filter, by libnftables: what the command `nft` is made of, without starting a process for every pod that comes and
/// goes (0.3 ms of processor time instead of 4).
struct NFTables: RuleRunner {
    func apply(_ commands: String) async throws(NFTablesError) {
        try await run(commands)
    }

    /// Asked every few seconds. Of a small set, since for most other questions (a chain, the tables' names) the library reads every element of
    /// every set: with 10,000 services in place a third of a second, for which all changes would wait.
    func exists(_ table: TableName) async throws(NFTablesError) -> Bool {
        do {
            try await run("list set inet \(table.name) blocked")
            return true
        } catch {
            guard error.reason.contains("No such file or directory") else { throw error }
            return false
        }
    }

    func admittedPods(_ table: TableName) async throws(NFTablesError) -> [AdmittedPod] {
        guard try await exists(table) else { return [] }
        var pods: [AdmittedPod] = []
        for family in AddressFamily.allCases {
            guard let tree = try await listing("map", RuleSet.pods.name(family), table) else { continue }
            pods += Self.admittedPods(in: tree)
        }
        return pods
    }

    /// What a map or set has; nil when the table hasn't got it.
    private func listing(_ kind: String, _ name: String, _ table: TableName) async throws(NFTablesError) -> JSON? {
        let commands = "list \(kind) inet \(table.name) \(name)"
        let output: [UInt8]
        do {
            output = try await run(commands, asJSON: true)
        } catch {
            guard error.reason.contains("No such file or directory") else { throw error }
            return nil
        }
        do {
            return try JSON(parsing: output)
        } catch {
            throw NFTablesError(reason: "its answer can't be read: \(error)", commands: commands)
        }
    }

    /// From `nft`'s JSON: `{"map": {"elem": [[{"concat": ["veth1", "10.244.0.5"]}, 7], ...]}}`.
    static func admittedPods(in listing: JSON) -> [AdmittedPod] {
        let map = listing["nftables"]?.elements.lazy.compactMap { $0["map"] }.first
        return (map?["elem"]?.elements ?? []).compactMap { entry in
            let key = entry[0]?["concat"]?.strings ?? []
            guard key.count == 2, let interface = InterfaceName(key[0]), let address = IPAddress(key[1]),
                let mark = entry[1]?.int.flatMap(UInt32.init(exactly:))
            else { return nil }
            return AdmittedPod(address: address, interface: interface, mark: ClusterMark(number: mark))
        }
    }

    /// To which pods somebody outside has connected, and how many seconds ago the last time was.
    func visits(_ table: TableName) async throws(NFTablesError) -> [IPAddress: Double] {
        var visits: [IPAddress: Double] = [:]
        for family in AddressFamily.allCases {
            guard let tree = try await listing("set", RuleSet.visited + family.suffix, table) else { continue }
            visits.merge(Self.visits(in: tree)) { min($0, $1) }
        }
        return visits
    }

    /// From `nft`'s JSON: `{"set": {"elem": [{"elem": {"val": "10.244.0.5", "expires": 86340}}, ...]}}`.
    static func visits(in listing: JSON) -> [IPAddress: Double] {
        let set = listing["nftables"]?.elements.lazy.compactMap { $0["set"] }.first
        var visits: [IPAddress: Double] = [:]
        for entry in set?["elem"]?.elements ?? [] {
            guard let address = (entry[path: "elem", "val"]?.string).flatMap({ IPAddress($0) }),
                let left = entry[path: "elem", "expires"]?.int
            else { continue }
            visits[address] = Double(max(Int64(TableSkeleton.memory) - left, 0))
        }
        return visits
    }

    /// All chains of all tables, in `nft`'s JSON.
    func chains() async throws(NFTablesError) -> JSON {
        let output = try await run("list chains", asJSON: true)
        do {
            return try JSON(parsing: output)
        } catch {
            throw NFTablesError(reason: "its list of chains can't be read: \(error)", commands: "list chains")
        }
    }

    /// Runs commands on a thread that may be kept waiting.
    @discardableResult
    private func run(_ commands: String, asJSON: Bool = false) async throws(NFTablesError) -> [UInt8] {
        let result = await withCheckedContinuation { continuation in
            Self.queue.async {
                continuation.resume(
                    returning: Result { () throws(NFTablesError) in try NFTablesLibrary.loaded.get().run(commands, asJSON: asJSON)
                    })
            }
        }
        return try result.get()
    }

    /// One command at a time: the library's own state isn't made for more.
    private static let queue = DispatchQueue(label: "nftables", qos: .userInitiated)
}
