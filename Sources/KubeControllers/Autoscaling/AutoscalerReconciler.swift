import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore
import Synchronization

/// Sizes workloads by what their pods use, and by what metrics servers of their cluster say.
///
/// Concurrency: what autoscalers remember is behind a mutex; it is forgotten with them. Many may work at once, since each may wait for a
/// tenant's server; ``MetricsPatience`` says how many of one cluster.
final class AutoscalerReconciler: Reconciler {
    static let controllerName = "horizontal-pod-autoscaler"
    private static let period = 15.0
    /// So long after its start a pod's cpu usage says nothing yet.
    private static let settling = 30.0

    private let metrics: (any MetricsSource)?
    private let api: (any MetricsAPI)?
    private let registry: Registry
    private let clock: ControllerClock
    private let histories = Mutex<[String: AutoscalerBehavior.History]>([:])
    private let selectors = Mutex<[Int64: AutoscalerSelectors]>([:])
    private let patience = MetricsPatience()

    init(registry: Registry, metrics: (any MetricsSource)?, api: (any MetricsAPI)?, clock: ControllerClock) {
        self.registry = registry
        self.metrics = metrics
        self.api = api
        self.clock = clock
    }

    var name: String { Self.controllerName }
    var concurrency: Int { 64 }
    var restsWithCluster: Bool { true }
    var watched: [String] { [Key.prefix(Resources.horizontalPodAutoscalers)] }

    func forget(cluster: Int64) {
        patience.forget(cluster)
        selectors.withLock { $0[cluster] = nil }
    }

    func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        if event.type == .deleted {
            histories.withLock { $0[event.object.metadata.uid] = nil }
            selectors.withLock { $0[cluster.id]?.forget(ObjectName(event.object.metadata)) }
        }
        let isStatus = event.previous.map { $0.tree["spec"] == event.object.tree["spec"] } ?? false
        return event.type == .deleted || isStatus ? [] : [ObjectName(event.object.metadata)]
    }

    func reconcile(_ work: Work) async throws -> Outcome {
        guard let scaler = work.object(Resources.horizontalPodAutoscalers), scaler.metadata.deletionTimestamp == nil else {
            return .done
        }
        let asksServers = (scaler.tree[path: "spec", "metrics"]?.elements ?? []).contains {
            ["Pods", "Object", "External"].contains($0["type"]?.string)
        }
        guard asksServers else { return try await scale(scaler, work) }
        if let turn = patience.enter(work.cluster.id) { return .after(seconds: turn) }
        defer { patience.leave(work.cluster.id, now: clock.now()) }
        return try await scale(scaler, work)
    }

    private func scale(_ scaler: Object, _ work: Work) async throws -> Outcome {
        var status = AutoscalerStatus(scaler, now: work.now)
        let target: ScaleTarget
        do throws(ScaleTarget.Missing) {
            target = try await ScaleTarget.find(
                scaler.tree[path: "spec", "scaleTargetRef"] ?? [:], namespace: work.namespace, in: work.cluster, registry)
        } catch {
            status.set(
                "AbleToScale", .false, "FailedGetScale",
                "the HPA controller was unable to get the target's current scale: \(error.message)")
            work.report(.warning, "FailedGetScale", error.message, about: scaler)
            try await write(status.tree, scaler, work)
            return .after(seconds: Self.period)
        }
        status.set(
            "AbleToScale", .true, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
        let current = target.specReplicas
        status.tree["currentReplicas"] = .int(current)
        status.tree["observedGeneration"] = .int(scaler.metadata.generation)
        if let desired = await desired(scaler, target: target, &status, work) {
            if desired.replicas == current {
                status.tree["desiredReplicas"] = .int(current)
            } else {
                await rescale(target, to: desired, scaler, &status, work)
            }
        } else {
            status.tree["desiredReplicas"] = status.tree["desiredReplicas"] ?? 0
        }
        try await write(status.tree, scaler, work)
        return .after(seconds: Self.period)
    }

    private func rescale(
        _ target: ScaleTarget, to desired: (replicas: Int64, why: String), _ scaler: Object, _ status: inout AutoscalerStatus,
        _ work: Work
    ) async {
        do throws(StatusError) {
            try await target.set(desired.replicas, in: work.cluster, registry)
        } catch {
            status.set(
                "AbleToScale", .false, "FailedUpdateScale",
                "the HPA controller was unable to update the target scale: \(error.message)")
            status.tree["desiredReplicas"] = status.tree["desiredReplicas"] ?? 0
            let why = "New size: \(desired.replicas); reason: \(desired.why); error: \(error.message)"
            work.report(.warning, "FailedRescale", why, about: scaler)
            return
        }
        let uid = scaler.metadata.uid
        histories.withLock { $0[uid, default: .init()].note(desired.replicas - target.specReplicas, at: work.now) }
        status.set(
            "AbleToScale", .true, "SucceededRescale",
            "the HPA controller was able to update the target scale to \(desired.replicas)")
        status.tree["desiredReplicas"] = .int(desired.replicas)
        status.tree["lastScaleTime"] = .string(Timestamp.format(work.now))
        work.report(.normal, "SuccessfulRescale", "New size: \(desired.replicas); reason: \(desired.why)", about: scaler)
    }

    private func write(_ status: JSON, _ scaler: Object, _ work: Work) async throws {
        try await work.writeStatus(status, of: scaler, Resources.horizontalPodAutoscalers)
    }

    /// The size to go to and why; nil when no metric could be had.
    private func desired(
        _ scaler: Object, target: ScaleTarget, _ status: inout AutoscalerStatus, _ work: Work
    ) async -> (replicas: Int64, why: String)? {
        let spec = scaler.tree["spec"] ?? [:]
        let behavior = AutoscalerBehavior(spec)
        let current = target.specReplicas
        if current == 0, behavior.minimum != 0 {
            status.set(
                "ScalingActive", .false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
            return (0, "")
        }
        if current > behavior.maximum { return (behavior.maximum, "Current number of replicas above Spec.MaxReplicas") }
        if current < behavior.minimum { return (behavior.minimum, "Current number of replicas below Spec.MinReplicas") }
        guard let pods = pods(of: target, scaler, &status, work) else { return nil }

        let specs = spec["metrics"]?.elements ?? []
        let proposer = proposer(target, pods, spec["behavior"], work)
        var best: AutoscalerMetric.Proposal?
        var failures: [AutoscalerMetric.Failure] = []
        var measured: [JSON] = []
        for metric in specs {
            do throws(AutoscalerMetric.Failure) {
                let proposal = try await proposer.propose(metric)
                measured.append(proposal.status)
                if proposal.replicas > best?.replicas ?? -1 { best = proposal }
            } catch {
                failures.append(error)
                // Clients find a metric's status by its place.
                measured.append(["type": ""])
                work.report(.warning, error.reason, error.message, about: scaler)
            }
        }
        status.tree["currentMetrics"] = measured.isEmpty ? nil : .array(measured)
        // A metric that is missing might have asked for more: without it nothing shrinks.
        guard let best, failures.isEmpty || best.replicas >= current else {
            if let first = failures.first {
                status.set(
                    "ScalingActive", .false, first.reason, "the HPA was unable to compute the replica count: \(first.message)")
                let why = "invalid metrics (\(failures.count) invalid out of \(specs.count)), first error is: \(first.whole)"
                work.report(.warning, "FailedComputeMetricsReplicas", why, about: scaler)
            }
            return nil
        }
        status.set(
            "ScalingActive", .true, "ValidMetricFound",
            "the HPA was able to successfully calculate a replica count from \(best.name)")
        let uid = scaler.metadata.uid
        let decision = histories.withLock { histories in
            behavior.decide(proposed: best.replicas, current: current, history: &histories[uid, default: .init()], now: work.now)
        }
        status.note(decision, isSame: decision.replicas == current)
        let direction = decision.replicas > current ? "above" : "below"
        return (decision.replicas, decision.replicas < current ? "All metrics below target" : "\(best.name) \(direction) target")
    }

    private func proposer(_ target: ScaleTarget, _ pods: [Object], _ behavior: JSON?, _ work: Work) -> MetricProposer {
        let schema = registry.schema(of: work.cluster)
        let reader = MetricsReader(
            api: api, patience: patience, cluster: work.cluster, namespace: work.namespace,
            plural: { kind in
                schema.resource(kind).map { $0.group.isEmpty ? $0.plural : "\($0.plural).\($0.group)" }
            },
            now: clock.now, deadline: clock.now() + MetricsReader.budget)
        return MetricProposer(
            reader: reader, target: target, pods: pods, tolerance: AutoscalerMetric.Tolerance(behavior)
        ) { metric in await self.samples(metric, pods, work) }
    }

    /// The pods that the scale's selector chooses; nil when it doesn't say which, or another autoscaler has them too, which is told.
    private func pods(
        of target: ScaleTarget, _ scaler: Object, _ status: inout AutoscalerStatus, _ work: Work
    ) -> [Object]? {
        func refuse(_ event: String, _ message: String, as reason: String, condition: String? = nil) -> [Object]? {
            status.set("ScalingActive", .false, reason, condition ?? message)
            work.report(.warning, event, message, about: scaler)
            work.report(.warning, "FailedComputeMetricsReplicas", message, about: scaler)
            return nil
        }
        guard !target.selector.isEmpty else {
            return refuse(
                "SelectorRequired", "selector is required", as: "InvalidSelector",
                condition: "the HPA target's scale is missing a selector")
        }
        let selector: LabelSelector
        do {
            selector = try LabelSelector(parsing: target.selector)
        } catch {
            let message = "couldn't convert selector into a corresponding internal selector object: \(error)"
            return refuse("InvalidSelector", message, as: "InvalidSelector")
        }
        let pods = work.list(Resources.pods).filter { selector.matches($0.metadata.labels) }
        var rivals = selectors.withLock { selectors in
            selectors[work.cluster.id, default: .init()].note(selector, of: ObjectName(scaler.metadata))
            return selectors[work.cluster.id, default: .init()].names(selecting: pods, in: work.namespace)
        }
        if rivals.count > 1 {
            // One that was being looked at when it was deleted is still among them.
            let all = Set(work.list(Resources.horizontalPodAutoscalers).map(\.metadata.name))
            rivals.removeAll { !all.contains($0) }
        }
        guard rivals.count <= 1 else {
            let names = rivals.map { "\(work.namespace)/\($0)" }.joined(separator: " ")
            let message = "pods by selector \(target.selector) are controlled by multiple HPAs: [\(names)]"
            return refuse("AmbiguousSelector", message, as: "AmbiguousSelector")
        }
        return pods.filter { PodState($0).isActive }
    }

    private func samples(_ metric: JSON, _ pods: [Object], _ work: Work) async -> [AutoscalerMetric.Sample] {
        let source = metric["containerResource"] ?? metric["resource"]
        let resource = source?["name"]?.string ?? ""
        let container = metric["containerResource"]?["container"]?.string
        var samples: [AutoscalerMetric.Sample] = []
        for pod in pods {
            let usage = await metrics?.usage(cluster: work.cluster.id, namespace: pod.metadata.namespace, pod: pod.metadata.name)
            let used = usage.map { usage in
                Int64(
                    saturating: usage.containers.filter { container == nil || $0.key == container }.values.reduce(0.0) {
                        $0 + Double($1[resource] ?? 0)
                    })
            }
            let state = PodState(pod)
            let isYoung = work.now - (pod.tree[path: "status", "startTime"]?.string?.timestamp ?? work.now) < Self.settling
            samples.append(
                AutoscalerMetric.Sample(
                    usage: used, request: request(of: pod, resource, container),
                    isUnready: state.phase == .pending || (resource == "cpu" && (!state.isReady || isYoung))))
        }
        return samples
    }

    private func request(of pod: Object, _ resource: String, _ container: String?) -> Int64? {
        let containers = (pod.tree[path: "spec", "containers"]?.elements ?? []).filter {
            container == nil || $0["name"]?.string == container
        }
        var sum: Int64 = 0
        for item in containers {
            guard let amount = ResourceAmounts(item[path: "resources", "requests"]).amounts[resource] else { return nil }
            sum += amount
        }
        return sum
    }
}
