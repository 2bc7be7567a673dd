internal import GRPCCore
import Glibc
import KubeObject
internal import SwiftProtobuf

/// Images that aren't made for this machine's processor.
///
/// containerd takes the manifest for its own processor out of an index, and nothing when there is none. A name that stands for one
/// manifest is taken as it is. So of an index without our processor one manifest is given the name.
extension ImageStore {
    /// What containerd says when an archive or an index has nothing for this machine.
    static func isForeign(_ message: String) -> Bool {
        message.contains("no match for platform in manifest") || message.contains("image might be filtered out")
    }

    /// Loads an archive of images of which none is for this machine's processor; nil when that isn't so.
    func loadForeign(archive: String, _ ctr: String) async throws -> [String]? {
        for platform in ImagePlatform.known where platform.architecture != NodeFacts.architecture {
            let output: String
            do {
                output = try await Program.run(ctr, importing(archive, ["--platform", platform.description]))
            } catch let error as EngineError where Self.isForeign("\(error)") {
                continue
            }
            let loaded = Self.loaded(output)
            for image in loaded {
                let tree = try await content(image.digest, ctr)
                if tree["manifests"] != nil { try await self.name(image.name, asManifestOf: tree, ctr) }
            }
            return loaded.map(\.name)
        }
        return nil
    }

    /// Names and digests, as the engine's tool says them.
    static func loaded(_ output: String) -> [(name: String, digest: String)] {
        output.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.first == "unpacking", words.count > 2 else { return nil }
            return (String(words[1]), String(words[2].drop { $0 == "(" }.prefix { $0 != ")" }))
        }
    }

    func importing(_ archive: String, _ options: [String]) -> [String] {
        address + ["images", "import", "--snapshotter", engine.machine.snapshotter] + options + [archive]
    }

    private var address: [String] { ["--address", engine.socket, "--namespace", "k8s.io"] }

    private func content(_ digest: String, _ ctr: String) async throws -> JSON {
        try JSON(parsing: Array(try await Program.run(ctr, address + ["content", "get", digest]).utf8))
    }

    /// Loads an archive that has no content, only the name of a manifest that is here already.
    private func name(_ name: String, asManifestOf index: JSON, _ ctr: String) async throws {
        guard let (platform, digest) = ImagePlatform.choose(from: index),
            let manifest = index["manifests"]?.elements.first(where: { $0["digest"]?.string == digest })
        else { return }
        var entry = manifest
        entry["annotations"] = ["io.containerd.image.name": .string(name)]
        let tree: JSON = ["schemaVersion": 2, "manifests": [entry]]
        var archive = TarArchive()
        archive.addFile("oci-layout", JSON.object(["imageLayoutVersion": "1.0.0"]).encoded())
        archive.addFile("index.json", tree.encoded())
        let file = "\(engine.paths.home)/foreign-\(getpid())-\(digest.dropFirst(7).prefix(12)).tar"
        try File.write(archive.bytes, to: file)
        defer { unlink(file) }
        try await Program.run(ctr, importing(file, ["--platform", platform.description]))
    }

    /// Pulls, of an index that has nothing for this machine, what another processor would run; nil when there is nothing, either.
    ///
    /// The engine's CRI can't be asked for another platform, its own tool can; but that takes credentials in its arguments, which everybody on the
    /// machine can read. So only who needs none gets such an image.
    func pullForeign(_ name: String, failure: String) async throws -> String? {
        guard Self.isForeign(failure), let ctr = Program.find("ctr") else { return nil }
        for platform in ImagePlatform.known where platform.architecture != NodeFacts.architecture {
            let options = ["--hosts-dir", engine.paths.registries, "--snapshotter", engine.machine.snapshotter]
            do {
                try await Program.run(
                    ctr, address + ["images", "pull"] + options + ["--platform", platform.description, name])
            } catch let error as EngineError where Self.isForeign("\(error)") {
                continue
            }
            let listed = try await Program.run(ctr, address + ["images", "list", "name==\(name)"])
            guard let index = ImagePlatform.digest(in: listed) else { return nil }
            try await self.name(name, asManifestOf: try await content(index, ctr), ctr)
            return name
        }
        return nil
    }

    /// What processor an image is for, and which of those of its kind; nil when its configuration doesn't say.
    func platform(of image: CRIImage) async throws -> ImagePlatform? {
        let answer = try await engine.client.images.imageStatus(
            .with {
                $0.image.image = image.id
                $0.verbose = true
            }, options: .within(.seconds(30)))
        guard let text = answer.info["info"], let tree = try? JSON(parsing: Array(text.utf8)),
            let architecture = tree[path: "imageSpec", "architecture"]?.string, !architecture.isEmpty
        else { return nil }
        return ImagePlatform(architecture: architecture, variant: tree[path: "imageSpec", "variant"]?.string ?? "")
    }
}

extension ImagePlatform {
    /// Why an image for this platform can't be run here, with what to do about it; nil when it can.
    ///
    /// - Parameter isSandboxed: whether it's to run under gVisor, whose kernel has no emulators.
    func obstacle(
        image: String, isSandboxed: Bool, machine: String = NodeFacts.architecture, formats: String = BinaryFormat.directory
    ) -> String? {
        guard !Self.isNative(architecture, on: machine) else { return nil }
        let mismatch =
            "no match for platform in manifest: image \"\(image)\" is for \(description), this node is linux/\(machine)"
        if isSandboxed { return "\(mismatch), and gVisor runs only the node's own programs" }
        guard let header = Self.programHeader(architecture) else { return "\(mismatch), which can't emulate it" }
        guard let reason = BinaryFormat.obstacle(to: header, in: formats) else { return nil }
        return
            "\(mismatch), and \(reason): install qemu-user-static and binfmt-support on the machine (scripts/install emulation), or use an image for linux/\(machine)"
    }
}
