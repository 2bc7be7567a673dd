import Foundation
import KubeObject
import Subprocess

/// The kernel's packet filter, through the `nft` command.
struct NFTables: RuleRunner {
    func apply(_ commands: String) async throws(NFTablesError) {
        _ = try await run(["-f", "-"], input: commands)
    }

    func exists(_ table: TableName) async throws(NFTablesError) -> Bool {
        do {
            _ = try await run(["list", "chain", "inet", table.name, "identify"])
            return true
        } catch {
            guard error.reason.contains("No such file or directory") else { throw error }
            return false
        }
    }

    func admittedPods(_ table: TableName) async throws(NFTablesError) -> [AdmittedPod] {
        guard try await exists(table) else { return [] }
        let arguments = ["-j", "list", "map", "inet", table.name, "pods"]
        let output = try await run(arguments)
        let tree: JSON
        do {
            tree = try JSON(parsing: output)
        } catch {
            throw NFTablesError(reason: "its list of pods can't be read: \(error)", commands: arguments.joined(separator: " "))
        }
        return Self.admittedPods(in: tree)
    }

    /// From `nft`'s JSON: `{"map": {"elem": [[{"concat": ["veth1", "10.244.0.5"]}, 7], ...]}}`.
    static func admittedPods(in listing: JSON) -> [AdmittedPod] {
        let map = listing["nftables"]?.elements.lazy.compactMap { $0["map"] }.first
        return (map?["elem"]?.elements ?? []).compactMap { entry in
            let key = entry[0]?["concat"]?.strings ?? []
            guard key.count == 2, let interface = InterfaceName(key[0]), let address = IPv4Address(key[1]),
                let mark = entry[1]?.int.flatMap(UInt32.init(exactly:))
            else { return nil }
            return AdmittedPod(address: address, interface: interface, mark: ClusterMark(number: mark))
        }
    }

    /// All chains of all tables, in `nft`'s JSON.
    func chains() async throws(NFTablesError) -> JSON {
        let output = try await run(["-j", "list", "chains"])
        do {
            return try JSON(parsing: output)
        } catch {
            throw NFTablesError(reason: "its list of chains can't be read: \(error)", commands: "nft -j list chains")
        }
    }

    /// Where system commands are, even for somebody whose PATH leaves them out (Debian's `su`).
    private static let environment = Environment.inherit.updating([
        "PATH": (ProcessInfo.processInfo.environment["PATH"].map { $0 + ":" } ?? "") + "/usr/sbin:/sbin:/usr/bin:/bin"
    ])

    @discardableResult
    private func run(_ arguments: [String], input: String = "") async throws(NFTablesError) -> [UInt8] {
        let what = input.isEmpty ? "nft " + arguments.joined(separator: " ") : input
        let result: ExecutionResult<Void, BytesOutput, StringOutput<UTF8>>
        do {
            result = try await Subprocess.run(
                .name("nft"), arguments: Arguments(arguments), environment: Self.environment, input: .string(input),
                output: .bytes(limit: 64 << 20),
                error: .string(limit: 16 << 20))
        } catch {
            throw NFTablesError(
                reason: "nft couldn't be run (is the package nftables installed?): \(error)", commands: what)
        }
        guard result.terminationStatus.isSuccess else {
            let said = result.standardError
            throw NFTablesError(reason: said.isEmpty ? "it ended with \(result.terminationStatus)" : said, commands: what)
        }
        return result.standardOutput
    }
}
