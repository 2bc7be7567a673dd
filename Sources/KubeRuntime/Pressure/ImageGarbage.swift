internal import GRPCCore
import KubeObject
import Logging
internal import SwiftProtobuf

/// Removes images that nobody needs, when the disk runs short: those that came from a registry, and can come again.
///
/// Kubelet removes all that no container has. What was loaded from an archive stays here: nobody could bring it back.
struct ImageGarbage: Sendable {
    let engine: ContainerEngine
    let logger: Logger

    /// - Parameter wanted: what pods' specs name, full names: an image may be pulled and have no container yet, or be mounted as a volume.
    /// - Returns: how many were removed.
    func collect(except wanted: Set<String>) async throws -> Int {
        let images = try await ImageStore(engine: engine).list()
        let containers = try await engine.client.runtime.listContainers(
            CRIListContainersRequest(), options: .within(.seconds(10)))
        let used = Set(containers.containers.flatMap { [$0.imageRef, $0.image.image] })
        var removed = 0
        for image in Self.unneeded(images, used: used, wanted: wanted) {
            do {
                _ = try await engine.client.images.removeImage(
                    .with { $0.image.image = image.id }, options: .within(.seconds(60)))
                removed += 1
            } catch let error as RPCError {
                logger.warning(
                    "an image that nobody uses can't be removed", metadata: ["image": "\(image.id)", "error": "\(error.message)"])
            }
        }
        if removed > 0 {
            logger.info("removed images that nobody uses, since the disk is short", metadata: ["images": "\(removed)"])
        }
        return removed
    }

    static func unneeded(_ images: [ImageStore.Image], used: Set<String>, wanted: Set<String>) -> [ImageStore.Image] {
        images.filter { image in
            let names = Set(image.names + image.digests)
            // Of one that was loaded and pulled, the loaded name would go with it.
            let pulled = Set(image.digests.compactMap { ImageName($0)?.repository })
            let canComeAgain = image.names.allSatisfy { ImageName($0).map { pulled.contains($0.repository) } ?? false }
            return !image.digests.isEmpty && canComeAgain && !used.contains(image.id) && names.isDisjoint(with: used)
                && names.isDisjoint(with: wanted)
        }
    }
}

extension Pod {
    /// The images that it has or will have, by their full names.
    var imageNames: [String] {
        let volumes = (spec["volumes"]?.elements ?? []).compactMap { $0[path: "image", "reference"]?.string }
        return (allContainers.map(\.image) + volumes).compactMap { ImageName($0)?.description }
    }
}
