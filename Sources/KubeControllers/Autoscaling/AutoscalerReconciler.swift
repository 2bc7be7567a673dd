import KubeObject
import KubeRegistry
import KubeSchema
public import KubeStore
import Synchronization

/// Sizes workloads by what their pods use.
///
/// Concurrency: what autoscalers remember is behind a mutex; it is forgotten with them.
public final class AutoscalerReconciler: Reconciler {
    private static let period = 15.0
    /// So long after its start a pod's cpu usage says nothing yet.
    private static let settling = 30.0

    private let metrics: (any MetricsSource)?
    private let histories = Mutex<[String: AutoscalerBehavior.History]>([:])

    public init(metrics: (any MetricsSource)?) { self.metrics = metrics }

    public var name: String { "horizontal-pod-autoscaler" }
    public var concurrency: Int { 4 }
    public var restsWithCluster: Bool { true }
    public var watched: [String] { [Key.prefix(Resources.horizontalPodAutoscalers)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        if event.type == .deleted { histories.withLock { $0[event.object.metadata.uid] = nil } }
        let isStatus = event.previous.map { $0.tree["spec"] == event.object.tree["spec"] } ?? false
        return event.type == .deleted || isStatus ? [] : [ObjectName(event.object.metadata)]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let scaler = work.object(Resources.horizontalPodAutoscalers), scaler.metadata.deletionTimestamp == nil else {
            return .done
        }
        var status = AutoscalerStatus(scaler, now: work.now)
        guard let (resource, target) = target(of: scaler, work) else {
            let reference = scaler.tree[path: "spec", "scaleTargetRef"]
            let kind = reference?["kind"]?.string ?? ""
            let message =
                "the HPA controller was unable to get the target's current scale: \(kind) \"\(reference?["name"]?.string ?? "")\" not found"
            status.set("AbleToScale", .false, "FailedGetScale", message)
            work.report(.warning, "FailedGetScale", message, about: scaler)
            try await write(status.tree, scaler, work)
            return .after(seconds: Self.period)
        }
        status.set(
            "AbleToScale", .true, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
        let current = target.tree[path: "spec", "replicas"]?.int ?? 1
        let desired = await desired(scaler, target: target, current: current, &status, work)
        if let desired, desired.replicas != current {
            try await work.change(resource, target.metadata) { tree throws(StatusError) in
                tree[path: "spec", "replicas"] = .int(desired.replicas)
            }
            status.set(
                "AbleToScale", .true, "SucceededRescale",
                "the HPA controller was able to update the target scale to \(desired.replicas)")
            status.tree["lastScaleTime"] = .string(Timestamp.format(work.now))
            work.report(.normal, "SuccessfulRescale", "New size: \(desired.replicas); reason: \(desired.why)", about: scaler)
        }
        status.tree["currentReplicas"] = .int(target.tree[path: "status", "replicas"]?.int ?? current)
        status.tree["desiredReplicas"] = .int(desired?.replicas ?? current)
        status.tree["observedGeneration"] = .int(scaler.metadata.generation)
        try await write(status.tree, scaler, work)
        return .after(seconds: Self.period)
    }

    private func write(_ status: JSON, _ scaler: Object, _ work: Work) async throws {
        try await work.writeStatus(status, of: scaler, Resources.horizontalPodAutoscalers)
    }

    private func target(of scaler: Object, _ work: Work) -> (ResourceType, Object)? {
        let reference = scaler.tree[path: "spec", "scaleTargetRef"]
        let kinds = [
            "Deployment": Resources.deployments, "ReplicaSet": Resources.replicaSets, "StatefulSet": Resources.statefulSets,
            "ReplicationController": Resources.replicationControllers,
        ]
        guard let resource = kinds[reference?["kind"]?.string ?? ""] else { return nil }
        let key = Key(resource, namespace: work.namespace, name: reference?["name"]?.string ?? "")
        return work.snapshot.get(key).map { (resource, $0) }
    }

    /// The size to go to and why; nil when no metric could be had.
    private func desired(
        _ scaler: Object, target: Object, current: Int64, _ status: inout AutoscalerStatus, _ work: Work
    ) async -> (replicas: Int64, why: String)? {
        let spec = scaler.tree["spec"] ?? [:]
        let behavior = AutoscalerBehavior(spec)
        if current == 0, behavior.minimum != 0 {
            status.set(
                "ScalingActive", .false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
            return (0, "")
        }
        if current > behavior.maximum { return (behavior.maximum, "Current number of replicas above Spec.MaxReplicas") }
        if current < behavior.minimum { return (behavior.minimum, "Current number of replicas below Spec.MinReplicas") }

        let pods = pods(of: target, work)
        var best: AutoscalerMetric.Proposal?
        var failure: AutoscalerMetric.Failure?
        var measured: [JSON] = []
        for metric in spec["metrics"]?.elements ?? [] {
            let samples = await samples(metric, pods, work)
            do throws(AutoscalerMetric.Failure) {
                let proposal = try AutoscalerMetric.propose(metric, current: current, samples: samples)
                measured.append(proposal.status)
                if proposal.replicas > best?.replicas ?? -1 { best = proposal }
            } catch { failure = failure ?? error }
        }
        status.tree["currentMetrics"] = measured.isEmpty ? nil : .array(measured)
        // A metric that is missing might have asked for more: without it nothing shrinks.
        guard let best, failure == nil || best.replicas > current else {
            if let failure {
                let message = "the HPA was unable to compute the replica count: \(failure.message)"
                status.set("ScalingActive", .false, failure.reason, message)
                work.report(.warning, failure.reason, failure.message, about: scaler)
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

    private func pods(of target: Object, _ work: Work) -> [Object] {
        guard let tree = target.tree[path: "spec", "selector"] else { return [] }
        let selector =
            target.kind == "ReplicationController" ? LabelSelector(matchLabels: tree.stringMap) : try? LabelSelector(tree)
        guard let selector, !selector.isEmpty else { return [] }
        return work.list(Resources.pods).filter { selector.matches($0.metadata.labels) && PodState($0).isActive }
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
