internal import GRPCCore
import Glibc
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
        // Standard input can be read once only, and an archive may have to be read again.
        let isStream = archive == "/dev/stdin"
        let file = isStream ? try Self.spool(archive, in: engine.paths.home) : archive
        defer { if isStream { unlink(file) } }
        do {
            return Self.loaded(try await Program.run(ctr, importing(file, []))).map(\.name)
        } catch let error as EngineError where Self.isForeign("\(error)") {
            guard let names = try await loadForeign(archive: file, ctr) else { throw error }
            return names
        }
    }

    private static func spool(_ stream: String, in directory: String) throws(EngineError) -> String {
        let file = "\(directory)/load-\(getpid()).tar"
        do throws(EngineError) {
            try File.copy(stream, to: file)
        } catch {
            unlink(file)
            throw error
        }
        return file
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
        do {
            return try await pullByName(name, credentials: credentials)
        } catch let error as RPCError where Self.isForeign(error.message) {
            guard credentials.isEmpty else {
                throw RPCError(
                    code: error.code,
                    message: error.message
                        + ": the image isn't made for linux/\(NodeFacts.architecture); one that takes credentials must be loaded with `sampan image load`"
                )
            }
            guard let found = try await pullForeign(name, failure: error.message) else { throw error }
            return found
        }
    }

    private func pullByName(_ name: String, credentials: [RegistryCredential]) async throws -> String {
        var failure: (any Error)?
        for credential in credentials.isEmpty ? [nil] : credentials.map(Optional.some) {
            let request = CRIPullImageRequest.with {
                $0.image.image = name
                $0.image.userSpecifiedImage = name
                guard let credential else { return }
                $0.auth.username = credential.username
                $0.auth.password = credential.password
                $0.auth.identityToken = credential.identityToken
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
