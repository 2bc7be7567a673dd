import KubeObject
import KubeRegistry
import KubeStore
import Logging
import NIOCore
import Synchronization

/// Keeps the kernel's table as the pods and services are.
///
/// One task does everything, order by order, so that no two transactions race. Orders that come in while the kernel is busy
/// are done together in the next transaction. When transactions follow each other closely, changes of services alone wait a
/// few milliseconds for more of their kind; a pod is never made to wait for that.
///
/// A transaction that the kernel refuses (somebody else changed the table) is answered by building the table anew, in one
/// transaction too, so that there's never a moment without rules. When even that fails, pods aren't let in, and it's tried
/// again every few seconds.
final class RuleKeeper: Sendable {
    /// What only the task of ``run()`` touches.
    struct State {
        var model: NetworkModel
        var policies: PolicyModel
        var allowlists: AllowlistModel
        var services: [Int64: ClusterServices] = [:]
        /// The health checks of clusters' services, and whether they aren't answered so yet.
        var health: [Int64: [ServiceName: HealthCheck]] = [:]
        var isHealthNew = false
        /// The picking chains that the table has. They're removed only by building the table anew, so that's done when
        /// there are far more than are used.
        var balancers: Set<Balancer> = []
        var balancerLimit = 512
        var needsRebuild = true
        /// The clusters that sleep; one that wakes isn't among them, though connections to it are still held.
        var sleeping: Set<Int64> = []
    }

    let orders = RuleOrders()
    let clusters = ActiveClusters()
    let names = AllowedNames()
    let configuration: NetworkConfiguration
    private let store: Store
    private let runner: any RuleRunner
    private let sweeper: ConnectionSweeper
    /// Where connections are held, once somebody does.
    let holdPorts = Mutex<[AddressFamily: UInt16]>([:])
    /// Who answers load balancers, once somebody does.
    let healthChecks = Mutex<HealthCheckServer?>(nil)
    /// Told which ports of the host services have.
    private let nodePorts: NodePortBook?
    /// What is said of a cluster now.
    let allowlists: @Sendable (LogicalCluster) -> NetworkAllowlists
    private let logger: Logger

    /// How long changes of services wait for company, if the last transaction is no longer ago than `rush`.
    private static let patience: Duration = .milliseconds(5)
    private static let rush: Duration = .milliseconds(25)
    private static let checkTime: Duration = .seconds(5)
    /// How long a cluster may take to wake.
    static let wakeTime: Duration = .seconds(60)

    init(
        configuration: NetworkConfiguration, store: Store, nodePorts: NodePortBook? = nil,
        allowlists: @escaping @Sendable (LogicalCluster) -> NetworkAllowlists = { _ in NetworkAllowlists() },
        runner: any RuleRunner, forget: @escaping @Sendable (Set<Conntrack.Filter>) throws -> Void, logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.nodePorts = nodePorts
        self.allowlists = allowlists
        self.runner = runner
        sweeper = ConnectionSweeper(forget: forget, logger: logger)
        self.logger = logger
    }

    /// What the store's writer tells: only clusters with pods here matter, and of those only services and their endpoints.
    func observe(_ batch: CommitBatch) {
        if batch.lifecycle == .deleted { orders.post(.forget(cluster: batch.cluster.id)) }
        guard clusters.contains(batch.cluster.id) else { return }
        let changes = batch.events.compactMap { ServiceChange($0) }
        if !changes.isEmpty { orders.post(.changes(cluster: batch.cluster.id, changes)) }
        let policies = batch.events.compactMap { PolicyChange($0) }
        if !policies.isEmpty { orders.post(.policies(cluster: batch.cluster.id, policies)) }
    }

    /// Works until its task is cancelled. The rules stay as they are then: pods outlive the server.
    func run() async {
        defer { orders.close() }
        var state = State(
            model: NetworkModel(
                nodePorts: configuration.nodePorts, nodes: configuration.nodes, families: configuration.families),
            policies: PolicyModel(host: configuration.hostServices),
            allowlists: AllowlistModel(host: configuration.hostServices))
        await adopt(&state)
        await perform([], &state)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.sweeper.run() }
            group.addTask {
                while !Task.isCancelled {
                    do { try await Task.sleep(for: Self.checkTime) } catch { return }
                    self.orders.post(.check)
                }
            }
            var last = ContinuousClock.now
            for await _ in orders.wakeups {
                var batch = orders.take()
                if ContinuousClock.now - last < Self.rush, !batch.contains(where: \.isUrgent) {
                    do { try await Task.sleep(for: Self.patience) } catch { break }
                    batch += orders.take()
                }
                for case .wake(let cluster) in batch {
                    group.addTask {
                        do { try await Task.sleep(for: Self.wakeTime) } catch { return }
                        self.orders.post(.settle(cluster: cluster))
                    }
                }
                await perform(batch, &state)
                last = .now
            }
            group.cancelAll()
        }
    }

    /// Takes over the pods that an earlier run of the server let in, so that they keep their network until the runtime has
    /// found them again. Cables that are gone are forgotten.
    private func adopt(_ state: inout State) async {
        let admitted: [AdmittedPod]
        do {
            admitted = try await runner.admittedPods(configuration.table)
        } catch {
            logger.error(
                "Can't read the pod network's rules; pods get them anew as they're found.", metadata: ["error": "\(error)"])
            return
        }
        for pod in admitted where HostRoutes.exists(pod.interface) && configuration.families.contains(pod.address.family) {
            let entry = NetworkModel.Pod(uid: "", cluster: Int64(pod.mark.number), interface: pod.interface)
            do {
                try await attach(pod.address, entry, &state)
            } catch {
                logger.warning(
                    "A pod of a cluster that isn't there any more loses its network.",
                    metadata: ["address": "\(pod.address)", "cluster": "\(pod.mark)", "error": "\(error)"])
            }
        }
    }

    private func perform(_ batch: [RuleOrder], _ state: inout State) async {
        var waiters: [RuleOrder.Waiter] = []
        var forgotten: [Conntrack.Filter] = []
        var answers: [EventLoopPromise<Void>] = []
        for order in batch {
            switch order {
            case .attach(let address, let pod, let waiter):
                do {
                    if state.model.isSuccessor(pod, at: address) { forgotten += Conntrack.Filter.pod(address) }
                    try await attach(address, pod, &state)
                    waiters.append(waiter)
                } catch {
                    waiter.resume(throwing: error)
                }
            case .detach(let address, let uid, let waiter):
                if detach(address, uid: uid, &state) { forgotten += Conntrack.Filter.pod(address) }
                waiters.append(waiter)
            case .changes(let cluster, let changes):
                note(changes, cluster, &state)
            case .policies(let cluster, let changes):
                note(changes, cluster, &state)
            case .allowlists: readAllowlists(&state)
            case .learn(let cluster, let name, let answer, let asker):
                state.allowlists.learn(name, answer, in: cluster)
                answers.append(asker)
            case .sleep(let cluster, let waiter):
                hold(cluster, &state)
                waiters.append(waiter)
            case .wake(let cluster): state.sleeping.remove(cluster)
            case .settle(let cluster): settle(cluster, &state)
            case .forget(let cluster):
                state.sleeping.remove(cluster)
                settle(cluster, &state)
            case .findHolder(let port, let family, let asker):
                asker.resume(returning: state.model.holder(ofPort: port, .tcp, family))
            case .findPods(let cluster, let asker):
                asker.resume(returning: state.model.pods.filter { $0.value.cluster == cluster }.mapValues(\.since))
            case .explain(let question, let cluster, let machine, let asker):
                asker.resume(returning: explain(question, cluster, machine, state))
            case .check:
                await check(&state)
            }
        }
        let populated = state.model.populated
        state.services = state.services.filter { populated.contains($0.key) }
        tellHealth(populated, &state)
        clusters.keep(only: populated)
        names.keep(only: populated)
        do {
            forgotten += try await bring(&state)
            sweeper.post(forgotten)
            for waiter in waiters { waiter.resume() }
            for answer in answers { answer.succeed() }
        } catch {
            logger.error("The pod network's rules can't be set.", metadata: ["error": "\(error)"])
            for waiter in waiters { waiter.resume(throwing: error) }
            for answer in answers { answer.fail(error) }
        }
    }

    private func attach(_ address: IPAddress, _ pod: NetworkModel.Pod, _ state: inout State) async throws {
        if clusters.cluster(pod.cluster) == nil {
            guard let cluster = try await store.cluster(id: pod.cluster) else { throw UnknownCluster(id: pod.cluster) }
            // From here on its changes are told, so none is missed between the snapshot and them.
            clusters.add(cluster)
        }
        if let before = state.model.pods[address], before.cluster != pod.cluster {
            state.policies.set(nil, at: address, in: before.cluster)
            state.allowlists.detach(address, from: before.cluster)
        }
        state.model.attach(address, pod)
        if let cluster = clusters.cluster(pod.cluster) {
            note(pod, at: address, cluster, &state)
            if !state.allowlists.knows(cluster.id) { readAllowlist(cluster, &state) }
            state.allowlists.attach(address, to: cluster.id)
        }
        guard state.services[pod.cluster] == nil, let cluster = clusters.cluster(pod.cluster) else { return }
        let snapshot = cluster.snapshot
        var services = ClusterServices()
        for name in services.load(snapshot) {
            let facts = services.facts(of: name, snapshot)
            state.model.update(name, in: pod.cluster, facts.service, slices: facts.slices)
            noteHealth(name, pod.cluster, snapshot, facts.slices, &state)
        }
        state.services[pod.cluster] = services
    }

    private func detach(_ address: IPAddress, uid: String, _ state: inout State) -> Bool {
        guard let pod = state.model.pods[address], state.model.detach(address, uid: uid) else { return false }
        state.policies.set(nil, at: address, in: pod.cluster)
        state.allowlists.detach(address, from: pod.cluster)
        return true
    }

    /// Reading is cheap and lists change seldom, so all are read.
    private func readAllowlists(_ state: inout State) {
        for id in state.model.populated {
            if let cluster = clusters.cluster(id) { readAllowlist(cluster, &state) }
        }
    }

    private func readAllowlist(_ cluster: LogicalCluster, _ state: inout State) {
        let lists = allowlists(cluster)
        state.allowlists.set(lists, of: cluster.id)
        names.set(lists.patterns, of: cluster.id)
    }

    private func note(_ changes: [ServiceChange], _ id: Int64, _ state: inout State) {
        guard let cluster = clusters.cluster(id), var services = state.services.removeValue(forKey: id) else { return }
        var names = Set<ServiceName>()
        for change in changes { names.formUnion(services.note(change)) }
        let snapshot = cluster.snapshot
        for name in names {
            let facts = services.facts(of: name, snapshot)
            state.model.update(name, in: id, facts.service, slices: facts.slices)
            noteHealth(name, id, snapshot, facts.slices, &state)
        }
        state.services[id] = services
    }

    private func noteHealth(
        _ name: ServiceName, _ id: Int64, _ snapshot: Snapshot, _ slices: [SliceFacts], _ state: inout State
    ) {
        let key = Key(group: "core", plural: "services", namespace: name.namespace, name: name.name)
        let check = snapshot.get(key).flatMap {
            HealthCheck(
                $0.tree, name, cluster: id, slices: slices, nodes: configuration.nodes, ports: configuration.nodePorts)
        }
        guard state.health[id]?[name] != check else { return }
        state.health[id, default: [:]][name] = check
        state.isHealthNew = true
    }

    /// A cluster without pods has nobody who answers.
    private func tellHealth(_ populated: Set<Int64>, _ state: inout State) {
        if state.health.keys.contains(where: { !populated.contains($0) }) {
            state.health = state.health.filter { populated.contains($0.key) }
            state.isHealthNew = true
        }
        guard state.isHealthNew, let server = healthChecks.withLock({ $0 }) else { return }
        state.isHealthNew = false
        server.set(state.health.values.flatMap(\.values))
    }

    private func check(_ state: inout State) async {
        // Pods that were taken over, but ended before anybody found them again.
        for (address, pod) in state.model.pods where pod.uid.isEmpty && !HostRoutes.exists(pod.interface) {
            _ = detach(address, uid: "", &state)
            Healings.process.note(.addresses)
            logger.info("the address of a pod that had ended unseen is let go of", metadata: ["address": "\(address)"])
        }
        guard !state.needsRebuild, !state.model.pods.isEmpty else { return }
        do {
            if try await !runner.exists(configuration.table) {
                logger.warning("Somebody removed the pod network's rules; they're set again.")
                Healings.process.note(.rules)
                state.needsRebuild = true
            }
        } catch {
            logger.warning("Can't look after the pod network's rules.", metadata: ["error": "\(error)"])
        }
    }

    /// Brings the kernel to the model's state.
    /// - Returns: connections that are to be forgotten because of it.
    private func bring(_ state: inout State) async throws -> [Conntrack.Filter] {
        let diff = state.model.takeChanges()
        if let nodePorts {
            for port in diff.removed.compactMap(\.nodePort) { nodePorts.note(port, isHeld: false) }
            for port in diff.added.compactMap(\.nodePort) { nodePorts.note(port, isHeld: true) }
        }
        if state.balancers.count > state.balancerLimit {
            let used = RulesetDiff(added: state.model.ruleset.elements).balancers.count
            state.balancerLimit = max(512, used * 2)
            if state.balancers.count > state.balancerLimit { state.needsRebuild = true }
        }
        if !state.needsRebuild {
            let policies =
                state.policies.takeChanges(table: configuration.table) + state.allowlists.takeChanges(table: configuration.table)
            guard !diff.isEmpty || !policies.isEmpty else { return [] }
            let balancers = diff.balancers.subtracting(state.balancers)
            do {
                try await runner.apply(diff.commands(table: configuration.table, newBalancers: balancers) + policies)
                state.balancers.formUnion(balancers)
                return diff.lostDatagramEndpoints
            } catch {
                logger.warning("Rules were refused; the table is built anew.", metadata: ["error": "\(error)"])
                state.needsRebuild = true
            }
        }
        let elements = state.model.ruleset.elements
        try await runner.apply(
            configuration.skeleton(holdPorts: holdPorts.withLock { $0 }).rebuild(elements)
                + state.policies.everything(table: configuration.table)
                + state.allowlists.everything(table: configuration.table))
        state.balancers = RulesetDiff(added: elements).balancers
        state.needsRebuild = false
        return diff.lostDatagramEndpoints
    }
}

/// A pod came from a cluster that the store doesn't have.
struct UnknownCluster: Error, CustomStringConvertible {
    var id: Int64
    var description: String { "there is no cluster with the id \(id)" }
}
