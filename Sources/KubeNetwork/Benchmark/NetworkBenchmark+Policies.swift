import KubeObject

extension NetworkBenchmark {
    /// Changes a policy that is for a hundred pods, and that lets in a hundred of another namespace, again and again.
    func policies(_ configuration: NetworkConfiguration, _ kernel: NFTables) async throws -> Measurement {
        var model = PolicyModel(host: configuration.hostServices)
        model.begin(1, namespaces: ["default": [:], "others": ["team": "others"]])
        for index in 0..<200 {
            var pod = PolicyPod(namespace: index % 2 == 0 ? "default" : "others", name: "pod-\(index)")
            pod.labels = ["app": "web"]
            model.set(pod, at: configuration.podSubnet[UInt32(index + 10)], in: 1)
        }
        try await kernel.apply(model.everything(table: configuration.table))
        let clock = ContinuousClock()
        var latencies: [Duration] = []
        let begin = clock.now
        for change in 0..<sizes.changes {
            let one = clock.now
            let peers: JSON = [["namespaceSelector": ["matchLabels": ["team": "others"]]]]
            let rule: JSON = ["from": peers, "ports": [["port": .int(Int64(8000 + change))], ["port": "http"]]]
            let policy: JSON = [
                "metadata": ["namespace": "default"],
                "spec": ["podSelector": ["matchLabels": ["app": "web"]], "ingress": [rule]],
            ]
            model.set(PolicyFacts(policy), ServiceName(namespace: "default", name: "policy"), in: 1)
            let commands = model.takeChanges(table: configuration.table)
            if !commands.isEmpty { try await kernel.apply(commands) }
            latencies.append(clock.now - one)
        }
        return Measurement(
            "policy for 100 pods changed, \(sizes.services) services in place", elapsed: clock.now - begin, latencies: latencies)
    }
}
