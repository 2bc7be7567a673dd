import KubeObject
import KubeSchema
public import KubeStore

/// Keeps stateful sets' pods and claims. What to do next is `StatefulSetPlan`'s to say.
public struct StatefulSetReconciler: Reconciler {
    public init() {}

    public var name: String { "statefulset-controller" }
    public var watched: [String] { [Key.prefix(Resources.statefulSets), Key.prefix(Resources.pods)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        if event.object.kind == "StatefulSet" { return event.type == .deleted ? [] : [ObjectName(event.object.metadata)] }
        return PodOwners.keys(for: event, kind: "StatefulSet") { metadata in
            cluster.snapshot.list(prefix: Key.prefix(Resources.statefulSets, namespace: metadata.namespace)).filter {
                guard let selector = Self.selector(of: $0), !selector.isEmpty else { return false }
                return selector.matches(metadata.labels) && metadata.name.hasPrefix("\($0.metadata.name)-")
            }
        }
    }

    private static func selector(of set: Object) -> LabelSelector? {
        set.tree[path: "spec", "selector"].flatMap { try? LabelSelector($0) }
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let object = work.object(Resources.statefulSets), let selector = Self.selector(of: object), !selector.isEmpty else {
            return .done
        }
        // Its pods and revisions are the garbage collector's now; making a revision anew would hold that up.
        guard object.metadata.deletionTimestamp == nil else { return .done }
        let set = StatefulSetView(object)
        let prefix = "\(object.metadata.name)-"
        let candidates = work.list(Resources.pods).filter { pod in
            // Only what has a name of the set is ever adopted.
            pod.metadata.controller != nil
                || (pod.metadata.name.hasPrefix(prefix) && Int(pod.metadata.name.dropFirst(prefix.count)) != nil)
        }
        let ownership = ControllerOwnership(owner: object, selector: selector, candidates: candidates)
        for pod in ownership.toAdopt {
            try await work.change(Resources.pods, pod.metadata) { tree throws(StatusError) in
                ControllerOwnership.adopt(&tree, by: object)
            }
        }
        for pod in ownership.toRelease {
            try await work.change(Resources.pods, pod.metadata) { tree throws(StatusError) in
                ControllerOwnership.release(&tree, from: object.metadata.uid)
            }
        }
        let history = try await work.revisions(of: object, Resources.statefulSets, selector: selector)
        let pods = ownership.owned.compactMap { StatefulPod($0, of: set) }
        let plan = StatefulSetPlan(set, pods: pods, updateRevision: history.update, now: work.now)
        try await own(pods, set, work)
        try await perform(plan, set, history, work)
        try await work.writeStatus(plan.status, of: object, Resources.statefulSets)

        let live = Set(pods.map(\.revision) + [plan.status["currentRevision"]?.string ?? "", history.update])
        try await work.truncate(history, live: live, limit: set.revisionHistoryLimit)
        return .after(seconds: plan.secondsUntilNextLook)
    }

    /// Before a pod goes, its claims must say whether they go with it.
    private func own(_ pods: [StatefulPod], _ set: StatefulSetView, _ work: Work) async throws {
        for pod in pods {
            for template in set.claimTemplates {
                let key = Key(
                    Resources.persistentVolumeClaims, namespace: work.namespace, name: set.claimName(template, pod.ordinal))
                guard let claim = work.cluster.snapshot.get(key),
                    let references = StatefulSetClaims.references(of: claim, set, pod: pod)
                else { continue }
                try await work.change(Resources.persistentVolumeClaims, claim.metadata) { tree in
                    tree[path: "metadata", "ownerReferences"] = references.isEmpty ? nil : .array(references)
                }
            }
        }
    }

    private func perform(_ plan: StatefulSetPlan, _ set: StatefulSetView, _ history: RevisionHistory, _ work: Work) async throws {
        try await concurrently(plan.delete) { item in
            let (pod, isReplaced) = item
            if isReplaced {
                work.report(
                    .warning, "RecreatingFailedPod",
                    "StatefulSet \(pod.namespace)/\(set.object.metadata.name) is recreating failed Pod \(pod.name)",
                    about: set.object)
            }
            try await work.delete(Resources.pods, pod)
            work.report(
                .normal, "SuccessfulDelete", "delete Pod \(pod.name) in StatefulSet \(set.object.metadata.name) successful",
                about: set.object)
        }
        try await concurrently(plan.create) { item in
            try await create(item.ordinal, item.revision, set, history, work)
        }
    }

    private func create(
        _ ordinal: Int, _ revision: String, _ set: StatefulSetView, _ history: RevisionHistory, _ work: Work
    ) async throws {
        for claim in StatefulSetPodTemplate.claims(set, ordinal: ordinal) {
            let name = claim[path: "metadata", "name"]?.string ?? ""
            let key = Key(Resources.persistentVolumeClaims, namespace: work.namespace, name: name)
            if let known = work.cluster.snapshot.get(key) {
                // A pod with it would never start.
                guard known.metadata.deletionTimestamp == nil else {
                    throw StatusError.conflict(
                        Resources.persistentVolumeClaims.groupResource, name, "pvc \(name) is to be deleted")
                }
                continue
            }
            try await work.create(claim, Resources.persistentVolumeClaims)
            work.report(
                .normal, "SuccessfulCreate",
                "create Claim \(name) Pod \(set.podName(ordinal)) in StatefulSet \(set.object.metadata.name) success",
                about: set.object)
        }
        let kept = history.revisions.first { $0.metadata.name == revision }
        let template = kept.map(RevisionHistory.template) ?? set.spec["template"] ?? [:]
        let pod = StatefulSetPodTemplate.pod(
            set, template: template, ordinal: ordinal, revision: kept == nil ? history.update : revision)
        let name = set.podName(ordinal)
        do {
            try await work.create(pod, Resources.pods)
        } catch {
            work.report(
                .warning, "FailedCreate",
                "create Pod \(name) in StatefulSet \(set.object.metadata.name) failed error: \(error)", about: set.object)
            throw error
        }
        work.report(
            .normal, "SuccessfulCreate", "create Pod \(name) in StatefulSet \(set.object.metadata.name) successful",
            about: set.object)
    }
}
