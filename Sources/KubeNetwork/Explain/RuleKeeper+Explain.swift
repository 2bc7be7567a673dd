import KubeStore

extension RuleKeeper {
    /// What becomes of a connection as the rules are now.
    func explain(
        _ question: NetworkQuestion, _ cluster: LogicalCluster, _ machine: Set<IPAddress>, _ state: State
    ) -> NetworkAnswer {
        let snapshot = cluster.snapshot
        var services = ClusterServices()
        let names = services.load(snapshot)
        let explainer = NetworkExplainer(
            configuration: configuration, model: state.model, policies: state.policies, allowlists: state.allowlists,
            cluster: cluster.id,
            services: NetworkExplainer.ClusterServicesView(
                names: { names }, facts: { [services] in services.facts(of: $0, snapshot) }), machine: machine)
        return explainer.answer(question)
    }
}
