import KubeClient
import KubeObject
import Synchronization

/// What developers ask for while a contest goes on.
struct ContestTraffic: Sendable {
    let fleet: ContestFleet
    /// Requests a second.
    let rate: Double

    /// More are never under way: who is late begins late, and its time counts from when it was due.
    private static let mostAtOnce = 512

    /// Sends requests at the rate for so long, and returns when the last one is answered.
    func run(for duration: Duration) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let total = Int(duration.milliseconds / 1000 * rate)
        await withTaskGroup(of: Void.self) { group in
            var underWay = 0
            for number in 0..<total {
                let due = start + .milliseconds(Int(Double(number) * 1000 / rate))
                do { try await clock.sleep(until: due) } catch { break }
                if underWay == Self.mostAtOnce {
                    await group.next()
                    underWay -= 1
                }
                group.addTask { await send(number, due: due) }
                underWay += 1
            }
        }
        try Task.checkCancellation()
    }

    private func send(_ number: Int, due: ContinuousClock.Instant) async {
        let kind = ContestRequest.sequence[number % ContestRequest.sequence.count]
        guard let cluster = fleet.borrow(kind, number) else {
            return fleet.ledger.fail(kind.rawValue, "no cluster was awake that could be asked")
        }
        defer { cluster.end(kind) }
        func took() -> Double { (ContinuousClock.now - due).milliseconds }
        do {
            try await ContestLimit.within(120, kind.rawValue) { try await perform(kind, number, cluster) }
            if kind.mustBeRefused {
                fleet.ledger.fail(kind.rawValue, "it was let through, for \(cluster.logical)")
            } else {
                fleet.ledger.note(kind.rawValue, took())
            }
        } catch let error as StatusError where kind.mustBeRefused && (error.code == 401 || error.code == 403) {
            fleet.ledger.reject(kind.rawValue, took())
        } catch {
            fleet.ledger.fail(kind.rawValue, "\(cluster.logical): \(error)")
        }
    }

    private func perform(_ kind: ContestRequest, _ number: Int, _ cluster: ContestCluster) async throws {
        let client = cluster.client
        let service = cluster.services[number % cluster.services.count]
        switch kind {
        case .nodePort: try await cluster.knock()
        case .proxied: try await cluster.askByProxy(service)
        case .table:
            let path = cluster.path(ContestCluster.pods).description
            _ = try await client.send("GET", path, accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
        case .get: _ = try await client.get(cluster.path(ContestCluster.deployments, "web"))
        case .list: _ = try await client.list(cluster.path(ContestCluster.serviceKind))
        case .create:
            let path = cluster.path(ContestCluster.configMaps, "made-\(number)")
            _ = try await client.create(Self.configMap(path.name, number), at: cluster.path(ContestCluster.configMaps))
            try await client.delete(path)
        case .apply: try await apply(number, cluster)
        case .patch:
            try await apply(number, cluster)
            let change: JSON = ["data": ["patched": .string("\(number)")]]
            _ = try await client.patch(change, .merge, at: cluster.path(ContestCluster.configMaps, "applied"))
        case .watch: try await watch(number, cluster)
        case .logs: try await readLogs(cluster)
        case .exec: try await exec(service, cluster)
        case .rollout: try await rollOut(number, cluster)
        case .foreign: try await intrude(cluster)
        case .beyondQuota: try await exceed(number, cluster)
        }
    }

    private static func configMap(_ name: String, _ number: Int) -> JSON {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)],
            "data": ["number": .string("\(number)"), "text": .string(String(repeating: "x", count: 512))],
        ]
    }

    private func apply(_ number: Int, _ cluster: ContestCluster) async throws {
        // What another request patches is nobody's here, so there is no conflict.
        _ = try await cluster.client.patch(
            Self.configMap("applied", number), .apply, at: cluster.path(ContestCluster.configMaps, "applied"))
    }

    /// Until the watch tells of what was written after it began.
    private func watch(_ number: Int, _ cluster: ContestCluster) async throws {
        let collection = cluster.path(ContestCluster.configMaps)
        let version = try await cluster.client.list(collection)[path: "metadata", "resourceVersion"]?.string
        let path = cluster.path(ContestCluster.configMaps, "watched-\(number)")
        let events = try await cluster.client.watch(path, resourceVersion: version)
        _ = try await cluster.client.create(Self.configMap(path.name, number), at: collection)
        for try await event in events where event.kind == .added {
            try await cluster.client.delete(path)
            return
        }
        throw CommandFailure("the watch ended before it told of \(path.name)")
    }

    private func readLogs(_ cluster: ContestCluster) async throws {
        let pods = try await cluster.client.list(cluster.path(ContestCluster.pods), labelSelector: "app=web")
        let running = pods["items"]?.elements.first {
            $0[path: "metadata", "deletionTimestamp"] == nil && $0[path: "status", "phase"]?.string == "Running"
        }
        guard let name = running?[path: "metadata", "name"]?.string else { throw CommandFailure("no pod runs") }
        let path = cluster.path(ContestCluster.pods, name, "log").description
        let text = String(
            decoding: try await cluster.client.send("GET", path, query: [("tailLines", "20")], accept: "*/*"), as: UTF8.self)
        guard text.contains("version \(cluster.logical),") else {
            throw CommandFailure("the log of \(name) is another's: \(text.prefix(200))")
        }
    }

    /// By stock kubectl, in the pod: the cluster's DNS and its service address.
    private func exec(_ service: String, _ cluster: ContestCluster) async throws {
        let text = try await Tool.run(
            "kubectl",
            [
                "--kubeconfig", cluster.kubeconfig, "--cache-dir", cluster.cache, "exec", "deployment/web", "--", "wget", "-q",
                "-O", "-",
                "http://\(service).\(ContestCluster.namespace)",
            ], missing: "Install it with scripts/install bench.")
        try cluster.check(Array(text.utf8), "in its pod for \(service)")
    }

    private func rollOut(_ number: Int, _ cluster: ContestCluster) async throws {
        try await cluster.untilPodsAreUnused()
        let path = cluster.path(ContestCluster.deployments, "web")
        let change: JSON = [
            "spec": ["template": ["metadata": ["annotations": ["kubectl.kubernetes.io/restartedAt": .string("\(number)")]]]]
        ]
        let changed = try await cluster.client.patch(change, .strategic, at: path)
        let generation = changed[path: "metadata", "generation"]?.int ?? 0
        for try await event in try await cluster.client.watch(path) where event.kind != .bookmark {
            let status = event.object["status"]
            func count(_ name: String) -> Int64 { status?[name]?.int ?? 0 }
            guard count("observedGeneration") >= generation else { continue }
            if count("updatedReplicas") == 1, count("replicas") == 1, count("availableReplicas") == 1 { return }
        }
        throw CommandFailure("the watch of the deployment ended before the rollout did")
    }

    /// Asks another team's cluster with this one's credential, and the platform for another team's objects.
    private func intrude(_ cluster: ContestCluster) async throws {
        guard let other = fleet.foreigner(to: cluster) else {
            throw StatusError(code: 403, reason: "Forbidden", message: "there is no other team to intrude upon")
        }
        var configuration = cluster.client.configuration
        configuration.server = other.client.configuration.server
        configuration.serverName = other.client.configuration.serverName
        try await KubeClient.with(configuration) { stranger in
            do {
                _ = try await stranger.list(other.path(ContestCluster.configMaps))
                throw CommandFailure("\(cluster.logical)'s credential is one in \(other.logical)")
            } catch let error as StatusError where error.code == 401 {}
        }
        _ = try await cluster.team.api.client.get(other.team.api.path(other.name))
    }

    /// Asks for a cluster in the team that has as many as it may.
    private func exceed(_ number: Int, _ cluster: ContestCluster) async throws {
        try await fleet.full.create("more-\(number)")
    }
}
