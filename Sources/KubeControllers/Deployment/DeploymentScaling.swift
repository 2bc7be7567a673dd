import KubeObject

/// Which replica sets get how many pods.
enum DeploymentScaling {
    /// A replica set and the size it is to have.
    struct Size: Equatable {
        var name: String
        var replicas: Int64
    }

    /// The size of a replica set that is made, or grown, for the newest template: as far as surge allows now.
    static func newReplicas(_ deployment: DeploymentView, all: [ReplicaSetView], current: Int64) -> Int64 {
        if deployment.isRecreate { return deployment.replicas }
        let total = all.reduce(0) { $0 + $1.desired }
        let room = deployment.replicas + deployment.maxSurge - total
        if room <= 0 { return current }
        return current + min(room, deployment.replicas - current)
    }

    /// The next step of a rolling update for the old replica sets: unhealthy pods first, then as many as may be unavailable.
    static func shrinkOld(_ deployment: DeploymentView, new: ReplicaSetView?, old: [ReplicaSetView]) -> [Size] {
        let active = old.filter { $0.desired > 0 }.sorted(by: ReplicaSetView.isOlder)
        guard !active.isEmpty else { return [] }
        let minimum = deployment.replicas - deployment.maxUnavailable
        let total = active.reduce(new?.desired ?? 0) { $0 + $1.desired }
        let newUnavailable = (new?.desired ?? 0) - (new?.available ?? 0)
        let maxScaledDown = total - minimum - newUnavailable
        guard maxScaledDown > 0 else { return [] }

        var sizes = Dictionary(uniqueKeysWithValues: active.map { ($0.name, $0.desired) })
        var removed: Int64 = 0
        for set in active where removed < maxScaledDown && set.desired > set.available {
            let count = min(maxScaledDown - removed, set.desired - set.available)
            sizes[set.name] = set.desired - count
            removed += count
        }
        var spare = active.reduce(new?.available ?? 0) { $0 + $1.available } - minimum
        for set in active where spare > 0 {
            let size = sizes[set.name] ?? 0
            let count = min(size, spare)
            sizes[set.name] = size - count
            spare -= count
        }
        return active.compactMap { set in
            guard let size = sizes[set.name], size != set.desired else { return nil }
            return Size(name: set.name, replicas: size)
        }
    }

    /// Sizes after a change of the deployment's own replicas, without moving the rollout on: the only active set takes it all; a finished
    /// rollout shrinks what is left of old sets; a rollout in the middle spreads the difference over its sets in proportion.
    ///
    /// A set may be named with the size that it has: its annotations still have to be brought up to date.
    static func scale(_ deployment: DeploymentView, new: ReplicaSetView?, old: [ReplicaSetView]) -> [Size] {
        let all = old + (new.map { [$0] } ?? [])
        let active = all.filter { $0.desired > 0 }
        if active.count <= 1 {
            let only = active.first ?? new ?? old.max(by: ReplicaSetView.isOlder)
            guard let only, only.desired != deployment.replicas else { return [] }
            return [Size(name: only.name, replicas: deployment.replicas)]
        }
        if let new, new.desired == deployment.replicas, new.annotatedDesired == deployment.replicas,
            new.available == deployment.replicas
        {
            return old.filter { $0.desired > 0 }.sorted(by: ReplicaSetView.isOlder).map { Size(name: $0.name, replicas: 0) }
        }
        return deployment.isRecreate ? [] : proportional(deployment, active: active)
    }

    private static func proportional(_ deployment: DeploymentView, active: [ReplicaSetView]) -> [Size] {
        let total = active.reduce(0) { $0 + $1.desired }
        let allowed = deployment.replicas > 0 ? deployment.replicas + deployment.maxSurge : 0
        let difference = allowed - total
        // The largest takes what rounding leaves over; of equal ones the newer when growing and the older when shrinking.
        let sorted = active.sorted { a, b in
            if a.desired != b.desired { return a.desired > b.desired }
            return difference > 0 ? ReplicaSetView.isOlder(b, a) : ReplicaSetView.isOlder(a, b)
        }
        var given: Int64 = 0
        var sizes: [Int64] = []
        for set in sorted {
            let share = difference == 0 ? 0 : share(of: set, deployment: deployment, difference: difference, given: given)
            sizes.append(set.desired + share)
            given += share
        }
        if difference != 0, !sizes.isEmpty { sizes[0] = max(0, sizes[0] + difference - given) }
        return zip(sorted, sizes).map { Size(name: $0.name, replicas: $1) }
    }

    private static func share(of set: ReplicaSetView, deployment: DeploymentView, difference: Int64, given: Int64) -> Int64 {
        guard set.desired != 0, difference != given else { return 0 }
        let fraction: Int64
        if deployment.replicas == 0 {
            fraction = -set.desired
        } else {
            let maximum = Double(deployment.replicas + deployment.maxSurge)
            let annotated = set.annotatedMaximum.flatMap { $0 > 0 ? $0 : nil } ?? deployment.status?["replicas"]?.int ?? 0
            guard annotated > 0 else { return 0 }
            fraction = Int64(saturating: (Double(set.desired) * maximum / Double(annotated)).rounded()) - set.desired
        }
        let rest = difference - given
        return difference > 0 ? min(fraction, rest) : max(fraction, rest)
    }
}
