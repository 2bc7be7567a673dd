internal import GRPCCore
internal import SwiftProtobuf

/// The images of one engine.
public struct ImageStore: Sendable {
    /// One image, as listed.
    public struct Image: Sendable, Hashable {
        /// `sha256:...` of its configuration.
        public var id: String
        /// Full names with tags.
        public var names: [String]
        /// Full names with digests, for images that came from a registry.
        public var digests: [String]
        /// Bytes, as the engine counts them.
        public var size: UInt64
    }

    let engine: ContainerEngine

    public init(engine: ContainerEngine) { self.engine = engine }

    /// Loads a `docker save` or OCI archive, possibly compressed. Returns the full names of what was loaded.
    @discardableResult
    public func load(archive: String) async throws -> [String] {
        guard let ctr = Program.find("ctr") else { throw EngineError.missing(program: "ctr", package: "containerd") }
        let output = try await Program.run(
            ctr,
            [
                "--address", engine.socket, "--namespace", "k8s.io", "images", "import", "--snapshotter",
                engine.machine.snapshotter, archive,
            ])
        return output.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.first == "unpacking" && words.count > 1 ? String(words[1]) : nil
        }
    }

    /// All images but our own pause image.
    public func list() async throws -> [Image] {
        let answer = try await engine.client.images.listImages(CRIListImagesRequest(), options: .within(.seconds(30)))
        return answer.images.map(Image.init).filter { !$0.names.contains(PauseImage.name) }
            .sorted { ($0.names.first ?? $0.id) < ($1.names.first ?? $1.id) }
    }

    /// The image of this name (full, or an ID), or nil when it isn't here.
    func find(_ name: String) async throws -> CRIImage? {
        let answer = try await engine.client.images.imageStatus(
            CRIImageStatusRequest.with { $0.image.image = name }, options: .within(.seconds(30)))
        return answer.hasImage ? answer.image : nil
    }

    /// Pulls an image, trying the credentials in turn (none: anonymously). Returns what the engine calls it.
    func pull(_ name: String, credentials: [RegistryCredential]) async throws -> String {
        var failure: (any Error)?
        for credential in credentials.isEmpty ? [nil] : credentials.map(Optional.some) {
            let request = CRIPullImageRequest.with {
                $0.image.image = name
                $0.image.userSpecifiedImage = name
                guard let credential else { return }
                $0.auth.username = credential.username
                $0.auth.password = credential.password
                $0.auth.identityToken = credential.identityToken
                $0.auth.serverAddress = credential.server
            }
            do {
                return try await engine.client.images.pullImage(request, options: .within(.seconds(3600))).imageRef
            } catch {
                try Task.checkCancellation()
                failure = error
            }
        }
        throw failure ?? CancellationError()
    }
}

extension ImageStore.Image {
    init(_ image: CRIImage) {
        self.init(id: image.id, names: image.repoTags, digests: image.repoDigests, size: image.size)
    }
}
