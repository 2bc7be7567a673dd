import FoundationEssentials
import KubeRuntime

/// What an instance has on the system because of its clusters: looked at before a contest and after it, nothing may have been added.
struct ContestRemains {
    let configuration: Configuration
    let engine: ContainerEngine

    func look() async throws -> Set<String> {
        var found = Set<String>()
        for line in engine.leftovers() {
            // The instance's own group stays for as long as it lives; its pods' are in it.
            guard line.hasPrefix("cgroup ") else {
                found.insert(line)
                continue
            }
            let folder = line.dropFirst("cgroup ".count)
            found.formUnion(Self.names(in: String(folder)).filter { $0.hasPrefix("pod") }.map { "\(line)/\($0)" })
        }
        let hint = "Install what Sampan needs with scripts/install."
        for line in try await Tool.run("ip", ["-o", "route"], missing: hint).split(separator: "\n") where line.contains(" veth") {
            if let network = IPv4Network(configuration.podSubnets[0]), Self.isRoute(line, into: network) {
                found.insert("route \(line)")
            }
        }
        let tables = try await Tool.run("nft", ["list", "tables"], missing: hint)
        for table in Teardown.tables(of: configuration.instance, in: tables) {
            let text = try await Tool.run("nft", ["list", "table"] + table, missing: hint)
            found.formUnion(Self.elements(in: text).map { "nftables \($0)" })
        }
        for folder in ["volumes", "pods", "log/pods", "containerd/streams"] {
            found.formUnion(Self.names(in: "\(configuration.dataDirectory)/\(folder)").map { "\(folder)/\($0)" })
        }
        return found
    }

    private static func isRoute(_ line: Substring, into network: IPv4Network) -> Bool {
        guard let address = line.split(separator: " ").first, let one = IPv4Network("\(address)/32") else { return false }
        return network.overlaps(one)
    }

    private static func names(in folder: String) -> [String] {
        // What isn't there has nothing in it.
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    /// The elements of a table's sets and maps, out of `nft list table`, each with its set's name. What expires by itself isn't counted.
    static func elements(in text: String) -> Set<String> {
        var found = Set<String>()
        var set = ""
        var open = false
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count == 3, words[0] == "set" || words[0] == "map", words[2] == "{" {
                set = String(words[1])
                continue
            }
            var rest = line[...]
            if let start = line.firstRange(of: "elements = {") {
                open = true
                rest = line[start.upperBound...]
            }
            guard open else { continue }
            if let end = rest.firstIndex(of: "}") {
                rest = rest[..<end]
                open = false
            }
            for element in rest.split(separator: ",") {
                let words = element.split(whereSeparator: \.isWhitespace)
                let element = words.joined(separator: " ")
                if !words.isEmpty, !words.contains("expires") { found.insert("\(set): \(element)") }
            }
        }
        return found
    }
}
