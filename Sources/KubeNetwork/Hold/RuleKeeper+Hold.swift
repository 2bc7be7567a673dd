import KubeStore

extension RuleKeeper {
    /// A cluster has fallen asleep: connections to its ports of the host are held from now on.
    func hold(_ cluster: LogicalCluster, _ state: inout State) {
        state.sleeping.insert(cluster.id)
        let snapshot = cluster.snapshot
        var services = ClusterServices()
        var facts: [ServiceName: ServiceFacts] = [:]
        for name in services.load(snapshot) { facts[name] = services.facts(of: name, snapshot).service }
        state.model.hold(cluster.id, facts)
    }

    /// The time that a cluster had to wake is over. One that sleeps again meanwhile goes on holding.
    func settle(_ id: Int64, _ state: inout State) {
        guard !state.sleeping.contains(id) else { return }
        let held = state.model.held[id] ?? [:]
        state.model.settle(id)
        for name in held.keys { state.model.update(name, in: id, nil, slices: []) }
        guard let cluster = clusters.cluster(id), var services = state.services[id] else { return }
        let snapshot = cluster.snapshot
        for name in services.load(snapshot) {
            let facts = services.facts(of: name, snapshot)
            state.model.update(name, in: id, facts.service, slices: facts.slices)
        }
        state.services[id] = services
    }
}
