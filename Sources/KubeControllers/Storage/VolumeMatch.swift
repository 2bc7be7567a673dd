import KubeObject

/// Which of the volumes that are there fits a claim best.
/// Source: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding
enum VolumeMatch {
    /// The volume that is kept for the claim, else the smallest that is large enough.
    ///
    /// - Parameters:
    ///   - node: where the claim's pod will run; nil when that isn't known, or doesn't matter.
    ///   - onlyKept: the claim waits for its first consumer: only a volume that is kept for it counts.
    static func best(
        for claim: ClaimView, of volumes: some Sequence<VolumeView>, node: Object? = nil, onlyKept: Bool = false
    ) -> VolumeView? {
        let request = Quantity(stored: claim.request)
        let selector = claim.selector
        var best: VolumeView?
        for volume in volumes {
            guard volume.className == claim.className || volume.isKept(for: claim), volume.volumeMode == claim.volumeMode,
                !volume.isBeingDeleted, volume.attributesClass == claim.attributesClass, volume.size >= request
            else { continue }
            if let node, !volume.isReachable(from: node) { continue }
            if volume.isKept(for: claim) { return volume }
            guard volume.claim == nil, !onlyKept, volume.phase == "Available", volume.className == claim.className,
                Set(claim.accessModes).isSubset(of: volume.accessModes), selector?.matches(volume.metadata.labels) ?? true
            else { continue }
            // Of two of one size the first by name, so that the choice doesn't depend on the order.
            if let found = best, (found.size, found.name) <= (volume.size, volume.name) { continue }
            best = volume
        }
        return best
    }
}

private func <= (left: (Quantity, String), right: (Quantity, String)) -> Bool {
    left.0 < right.0 || (!(right.0 < left.0) && left.1 <= right.1)
}
