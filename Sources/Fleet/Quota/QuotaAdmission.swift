public import KubeObject
public import KubeRegistry
import KubeSchema
import KubeStore

/// Nothing is created, or grows, in a cluster that its own limits or its team's quota have no room for, whoever asks and whatever the cluster's own
/// objects say.
public struct QuotaAdmission: MutatingAdmissionPlugin, ValidatingAdmissionPlugin {
    private let keeper: QuotaKeeper

    /// The plugin where it belongs: after all others, so that it sees what will be stored.
    public static func chain(_ keeper: QuotaKeeper) -> AdmissionChain {
        AdmissionChain(mutating: [Self(keeper: keeper)], validating: [Self(keeper: keeper)])
    }

    /// Gives containers that don't say it what they are charged for, so that the kernel keeps them to it.
    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard MachineCharge.isPods(request.resource.groupResource),
            request.operation == .create && request.subresource.isEmpty
                || request.operation == .update && request.subresource == "resize"
        else { return }
        let (limits, quota) = keeper.limits(of: request.context.cluster.name)
        func isLimited(_ resource: MachineResource) -> Bool { limits[resource] != nil || quota[resource] != nil }
        MachineCharge.fill(&request.object, cpu: isLimited(.cpu), memory: isLimited(.memory))
    }

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        let resource = request.resource.groupResource
        guard MachineCharge.counts(resource) else { return }
        switch request.operation {
        case .create where request.subresource.isEmpty:
            let amounts = MachineCharge.of(request.object, resource)
            let uid = request.object[path: "metadata", "uid"]?.string
            try await reserve(amounts, uid: uid, &request)
        case .update where !request.context.isInternal:
            guard let old = request.old else { return }
            let before = MachineCharge.of(old.tree, resource)
            let after = MachineCharge.of(request.object, resource)
            if before != after { try await checkChange(from: before, to: after, &request) }
        default: return
        }
    }

    private func checkChange(
        from before: MachineAmounts, to after: MachineAmounts, _ request: inout AdmissionRequest
    ) async throws(StatusError) {
        if request.subresource == "status", before[.pods] > after[.pods] {
            let (limits, quota) = keeper.limits(of: request.context.cluster.name)
            guard !limits.isEmpty || !quota.isEmpty else { return }
            // Its containers may run on for as long as their grace period is.
            throw .forbidden(
                request.resource.groupResource, request.name,
                "in a cluster with limits only the node says that a pod is over; delete the pod instead")
        }
        var more = MachineAmounts()
        for resource in MachineResource.allCases { more[resource] = after[resource] - before[resource] }
        try await reserve(more, uid: nil, &request)
    }

    private func reserve(
        _ amounts: MachineAmounts, uid: String?, _ request: inout AdmissionRequest
    ) async throws(StatusError) {
        let reservation = try await keeper.reserve(
            amounts, uid: uid, for: request.resource.groupResource, request.name, in: request.context.cluster)
        if let reservation, !request.isDryRun { request.held.append(reservation) }
    }
}
