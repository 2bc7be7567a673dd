internal import Crypto
import KubeObject

/// A single-layer image as `docker save` would write it, so that `ctr images import` takes it.
///
/// The same input always gives the same bytes, and so the same image ID.
public struct ImageArchive: Sendable {
    /// The full name, with its tag.
    public var name: String
    public var layer: TarArchive
    public var entrypoint: [String]
    public var command: [String]
    public var environment: [String]
    /// As Go names it: `amd64`, `arm64`.
    public var architecture: String

    public init(
        name: String, layer: TarArchive, entrypoint: [String] = [], command: [String] = [], environment: [String] = [],
        architecture: String = NodeFacts.architecture
    ) {
        self.name = name
        self.layer = layer
        self.entrypoint = entrypoint
        self.command = command
        self.environment = environment
        self.architecture = architecture
    }

    /// The archive.
    public var bytes: [UInt8] {
        let layerBytes = layer.bytes
        let digest = SHA256.hash(data: layerBytes).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
        var config: JSON = [
            "architecture": .string(architecture), "os": "linux", "created": "1970-01-01T00:00:00Z", "config": [:],
            "rootfs": ["type": "layers", "diff_ids": [.string("sha256:" + digest)]],
            "history": [["created": "1970-01-01T00:00:00Z"]],
        ]
        for (key, list) in [("Entrypoint", entrypoint), ("Cmd", command), ("Env", environment)] where !list.isEmpty {
            config[path: "config", key] = .array(list.map { .string($0) })
        }
        let manifest: JSON = [
            ["Config": "config.json", "RepoTags": [.string(name)], "Layers": ["layer.tar"]]
        ]
        var archive = TarArchive()
        archive.addFile("layer.tar", layerBytes)
        archive.addFile("config.json", config.encoded())
        archive.addFile("manifest.json", manifest.encoded())
        return archive.bytes
    }
}
