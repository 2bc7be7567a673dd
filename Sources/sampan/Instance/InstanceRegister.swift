import FoundationEssentials
import KubeClient
import KubeNetwork

/// `/run/sampan/NAME.json`: which instances were started since boot, so that two of them never claim the same name, port or subnet.
///
/// An entry counts only while its server holds its lock, so nothing has to be tidied after a crash.
enum InstanceRegister {
    static let directory = "/run/sampan"

    static func record(_ configuration: Configuration) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let bytes = try Array(JSONEncoder().encode(configuration))
        try AtomicFile.write(bytes, to: "\(directory)/\(configuration.instance).json", mode: 0o644)
    }

    static func remove(_ configuration: Configuration) throws {
        let path = "\(directory)/\(configuration.instance).json"
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        if try FileManager.default.fileExists(atPath: directory)
            && FileManager.default.contentsOfDirectory(atPath: directory).isEmpty
        {
            try FileManager.default.removeItem(atPath: directory)
        }
    }

    /// The other instances whose servers run now.
    static func running(besides configuration: Configuration) throws -> [Configuration] {
        guard FileManager.default.fileExists(atPath: directory) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: directory).sorted().compactMap { name in
            guard name.hasSuffix(".json"), let bytes = try AtomicFile.read("\(directory)/\(name)") else { return nil }
            let other = try JSONDecoder().decode(Configuration.self, from: Data(bytes))
            guard other.dataDirectory != configuration.dataDirectory, try InstanceLock.holder(path: other.lockPath) != nil else {
                return nil
            }
            return other
        }
    }

    /// Throws when a running instance already has what `configuration` asks for.
    static func check(_ configuration: Configuration) throws {
        for other in try running(besides: configuration) {
            let whose = "the instance \(other.instance) (\(other.dataDirectory))"
            if other.instance == configuration.instance {
                throw CommandFailure(
                    "The name \(other.instance) is taken by \(whose).", hint: "Give this instance its own with --instance.")
            }
            if other.apiPort == configuration.apiPort {
                throw CommandFailure("Port \(other.apiPort) is taken by \(whose).", hint: "Choose another with --api-port.")
            }
            guard other.runsContainers && configuration.runsContainers else { continue }
            if other.dnsPort == configuration.dnsPort {
                throw CommandFailure("Port \(other.dnsPort) is taken by \(whose).", hint: "Choose another with --dns-port.")
            }
            let theirs = other.podSubnets.compactMap { IPRange($0) }
            if configuration.podSubnets.compactMap({ IPRange($0) }).contains(where: { mine in
                theirs.contains { $0.overlaps(mine) }
            }) {
                throw CommandFailure(
                    "The pod subnet \(configuration.podSubnet) overlaps that of \(whose).",
                    hint:
                        "Choose another with --pod-subnet, for example 10.245.0.0/16\(configuration.isDualStack ? ",fd00:10:245::/64" : "")."
                )
            }
        }
    }
}
