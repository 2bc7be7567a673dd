import KubeObject

/// What becomes of a volume next, decided from the volume and the claim that it is for.
/// Source: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming
enum VolumePlan: Equatable {
    /// Only the phase is written.
    case phase(String)
    /// Its claim doesn't know of it yet: let the claim be looked at.
    case askClaim
    /// Its claim has another volume: it is free again.
    case unbind
    /// Its claim is gone: do what the reclaim policy says.
    case release

    /// - Parameter claim: the claim of the name that the volume says, whatever its uid.
    init(_ volume: VolumeView, claim: ClaimView?) {
        guard volume.claim != nil else {
            self = .phase("Available")
            return
        }
        // Kept for a claim that may come, and is the claim's when it comes.
        guard !volume.claimUID.isEmpty else {
            self = .phase("Available")
            return
        }
        guard let claim, claim.metadata.uid == volume.claimUID else {
            self = .release
            return
        }
        if claim.volumeName.isEmpty {
            self = .askClaim
        } else if claim.volumeName == volume.name {
            self = .phase("Bound")
        } else if volume.provisioner != nil, volume.reclaimPolicy == "Delete" {
            // Made for the claim, which got another meanwhile.
            self = .release
        } else {
            self = volume.isBoundByController ? .unbind : .phase("Available")
        }
    }
}
