import KubeObject

/// What a program must be for a processor to run it, with the names that images have for it.
///
/// Source: https://github.com/opencontainers/image-spec/blob/main/image-index.md (`platform`), which takes Go's names.
struct ImagePlatform: Sendable, Equatable {
    /// As Go names it: `arm64`.
    var architecture: String
    /// Of 32-bit Arm: `v7`.
    var variant = ""

    /// As the engine's tools want it: `linux/arm/v7`.
    var description: String { "linux/\(architecture)" + (variant.isEmpty ? "" : "/\(variant)") }

    /// What images are made for, the likeliest first.
    static let known = [
        ImagePlatform(architecture: "amd64"), ImagePlatform(architecture: "arm64"),
        ImagePlatform(architecture: "arm", variant: "v7"), ImagePlatform(architecture: "riscv64"),
        ImagePlatform(architecture: "ppc64le"), ImagePlatform(architecture: "s390x"), ImagePlatform(architecture: "386"),
    ]

    /// Whether this machine's kernel runs such programs without help.
    static func isNative(_ architecture: String, on machine: String = NodeFacts.architecture) -> Bool {
        architecture == machine || (architecture == "386" && machine == "amd64")
    }

    /// How a program for the processor begins, as the kernel sees it when it looks for somebody who can run it; nil for one that we don't know.
    static func programHeader(_ architecture: String) -> [UInt8]? {
        /// ELF's number of the machine, whether it has 64 bits, and whether the highest byte comes first.
        let facts: (machine: UInt8, is64: Bool, isBig: Bool)
        switch architecture {
        case "386": facts = (3, false, false)
        case "arm": facts = (40, false, false)
        case "amd64": facts = (62, true, false)
        case "arm64": facts = (183, true, false)
        case "riscv64": facts = (243, true, false)
        case "ppc64le": facts = (21, true, false)
        case "s390x": facts = (22, true, true)
        default: return nil
        }
        let start: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, facts.is64 ? 2 : 1, facts.isBig ? 2 : 1, 1]
        let executable: [UInt8] = facts.isBig ? [0, 2, 0, facts.machine] : [2, 0, facts.machine, 0]
        return start + [UInt8](repeating: 0, count: 9) + executable
    }

    /// The one of an index's manifests that is for this machine, or else for one that it may be able to stand in for.
    /// - Parameter index: as a registry or an archive has it.
    static func choose(from index: JSON, machine: String = NodeFacts.architecture) -> (platform: ImagePlatform, digest: String)? {
        let manifests = (index["manifests"]?.elements ?? []).prefix(100)
        let order = [ImagePlatform(architecture: machine)] + known.filter { $0.architecture != machine }
        for platform in order {
            for manifest in manifests {
                guard manifest[path: "platform", "os"]?.string == "linux",
                    manifest[path: "platform", "architecture"]?.string == platform.architecture,
                    let digest = manifest["digest"]?.string, isDigest(digest)
                else { continue }
                let variant = platform.architecture == "arm" ? manifest[path: "platform", "variant"]?.string ?? "" : ""
                guard variant.utf8.count <= 8, variant.utf8.allSatisfy({ (48...57).contains($0) || (97...122).contains($0) })
                else { continue }
                return (ImagePlatform(architecture: platform.architecture, variant: variant), digest)
            }
        }
        return nil
    }

    /// The first digest that is in a tool's output.
    static func digest(in output: String) -> String? {
        output.split(whereSeparator: \.isWhitespace).lazy.map { String($0.prefix(71)) }.first(where: isDigest)
    }

    static func isDigest(_ text: String) -> Bool {
        let bytes = text.utf8
        return bytes.count == 71 && text.hasPrefix("sha256:")
            && bytes.dropFirst(7).allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
