import KubeObject

/// What becomes of a claim next, decided from the claim, the volumes and the classes.
/// Source: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#lifecycle-of-a-volume-and-claim
enum ClaimPlan {
    /// A report to whoever looks at the claim.
    struct Report: Equatable {
        var isWarning = false
        var reason: String
        var message: String
    }

    /// It waits, and why.
    case wait(Report?)
    /// Ask a provisioner for a volume.
    case provision(by: String)
    case bind(VolumeView)
    /// It had a volume, which is gone or another's.
    case lose(Report)

    /// What a plan needs to see of the cluster.
    struct Surroundings {
        /// Those of the claim's class, those that are kept for it, and the one that it names.
        var volumes: [VolumeView]
        var storageClass: Object?
        /// The names of pods that use the claim and aren't bound to a node yet.
        var waitingPods: [String] = []
    }

    init(_ claim: ClaimView, _ around: Surroundings) {
        let named = around.volumes.first { $0.name == claim.volumeName }
        if claim.isBindCompleted {
            self = Self.bound(claim, named)
        } else if claim.volumeName.isEmpty {
            self = Self.unbound(claim, around)
        } else {
            self = Self.asking(claim, named)
        }
    }

    private static func unbound(_ claim: ClaimView, _ around: Surroundings) -> ClaimPlan {
        let isDelayed =
            around.storageClass?.tree["volumeBindingMode"]?.string == "WaitForFirstConsumer" && claim.selectedNode == nil
        if let volume = VolumeMatch.best(for: claim, of: around.volumes, onlyKept: isDelayed) { return .bind(volume) }
        if isDelayed { return .wait(waiting(for: around.waitingPods)) }
        guard !claim.className.isEmpty else {
            return .wait(
                Report(
                    reason: "FailedBinding", message: "no persistent volumes available for this claim and no storage class is set"
                ))
        }
        guard let storageClass = around.storageClass else {
            return .wait(
                Report(
                    isWarning: true, reason: "ProvisioningFailed",
                    message: "storageclass.storage.k8s.io \"\(claim.className)\" not found"))
        }
        let provisioner = storageClass.tree["provisioner"]?.string ?? ""
        // Volumes of such a class are made by people.
        if provisioner == "kubernetes.io/no-provisioner" {
            return .wait(
                Report(
                    reason: "FailedBinding", message: "no persistent volumes available for this claim and no storage class is set"
                ))
        }
        return .provision(by: provisioner)
    }

    private static func waiting(for pods: [String]) -> Report {
        switch pods.count {
        case 0:
            Report(
                reason: "WaitForFirstConsumer", message: "waiting for first consumer to be created before binding")
        case 1: Report(reason: "WaitForPodScheduled", message: "waiting for pod \(pods[0]) to be scheduled")
        default:
            Report(reason: "WaitForPodScheduled", message: "waiting for pods \(pods.joined(separator: ",")) to be scheduled")
        }
    }

    /// The claim names the volume that it wants.
    private static func asking(_ claim: ClaimView, _ volume: VolumeView?) -> ClaimPlan {
        guard let volume else { return .wait(nil) }
        guard volume.claim == nil || volume.isKept(for: claim) else {
            return .wait(
                Report(
                    isWarning: true, reason: "FailedBinding",
                    message: "volume \"\(volume.name)\" already bound to a different claim."))
        }
        guard volume.volumeMode == claim.volumeMode else {
            return .wait(mismatch(volume, "incompatible volumeMode"))
        }
        guard volume.className == claim.className else { return .wait(mismatch(volume, "storageClassName does not match")) }
        guard volume.size >= Quantity(stored: claim.request) else {
            return .wait(mismatch(volume, "requested PV is too small"))
        }
        guard Set(claim.accessModes).isSubset(of: volume.accessModes) else {
            return .wait(mismatch(volume, "incompatible accessMode"))
        }
        return .bind(volume)
    }

    private static func mismatch(_ volume: VolumeView, _ why: String) -> Report {
        Report(
            isWarning: true, reason: "VolumeMismatch", message: "Cannot bind to requested volume \"\(volume.name)\": \(why)")
    }

    private static func bound(_ claim: ClaimView, _ volume: VolumeView?) -> ClaimPlan {
        func lost(_ reason: String, _ message: String) -> ClaimPlan {
            .lose(Report(isWarning: true, reason: reason, message: message))
        }
        if claim.volumeName.isEmpty {
            return lost("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
        }
        guard let volume else {
            return lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
        }
        if volume.claim == nil || volume.isKept(for: claim) { return .bind(volume) }
        return lost("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly")
    }
}
