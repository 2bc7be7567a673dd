import KubeObject
import KubeSchema
import KubeStore

extension Registry {
    /// Deletes a pod, unless a disruption budget forbids it for now.
    /// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
    func evict(
        _ eviction: JSON, namespace: String, pod name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        guard eviction["metadata"]?.text("name") == name else {
            throw .badRequest("name in URL does not match name in Eviction object")
        }
        let pods = try resource("pods")
        let pod = try get(pods, namespace: namespace, name: name, context)
        let given = eviction["deleteOptions"] ?? [:]
        var deletion = DeleteOptions(
            gracePeriodSeconds: given["gracePeriodSeconds"]?.int,
            propagationPolicy: PropagationPolicy(rawValue: given.text("propagationPolicy")),
            preconditionUID: given["preconditions"]?["uid"]?.string,
            preconditionResourceVersion: given["preconditions"]?["resourceVersion"]?.string,
            dryRun: options.dryRun || (given["dryRun"]?.strings.contains("All") ?? false))
        let phase = pod.tree["status"]?.text("phase") ?? ""
        // These count for no budget.
        if ["Succeeded", "Failed", "Pending"].contains(phase) || pod.metadata.deletionTimestamp != nil {
            try await delete(pods, namespace: namespace, name: name, deletion, context)
            return WriteResult(.document(Self.success), code: 201)
        }
        let budgets = context.cluster.snapshot.list(
            prefix: Key.prefix(group: "policy", plural: "poddisruptionbudgets", namespace: namespace)
        ).filter { budget in
            guard let selector = budget.tree[path: "spec", "selector"] else { return false }
            return Result { try LabelSelector(selector) }.value?.matches(pod.metadata.labels) ?? false
        }
        if budgets.count > 1 {
            throw StatusError(
                code: 500, reason: "",
                message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
        }
        if let budget = budgets.first {
            if EvictionBudget.isCounted(pod.tree, budget.tree) {
                try await take(from: budget, for: pod, dryRun: deletion.dryRun, context)
            } else {
                // It is judged as it was: by now it may have become ready, and count.
                deletion.preconditionResourceVersion = String(pod.metadata.resourceVersion)
            }
        }
        if deletion.preconditionResourceVersion == nil {
            try await markDisrupted(pods, namespace: namespace, name: name, dryRun: deletion.dryRun, context)
        }
        try await delete(pods, namespace: namespace, name: name, deletion, context)
        return WriteResult(.document(Self.success), code: 201)
    }

    /// Says on the pod why it goes.
    private func markDisrupted(
        _ pods: ResourceType, namespace: String, name: String, dryRun: Bool, _ context: RequestContext
    ) async throws(StatusError) {
        _ = try await change(
            pods, namespace: namespace, name: name, subresource: "status",
            UpdateOptions(dryRun: dryRun, fieldManager: "kube-apiserver"), context
        ) { tree, _ throws(StatusError) in
            var conditions = tree[path: "status", "conditions"]?.elements ?? []
            conditions.removeAll { $0.text("type") == "DisruptionTarget" }
            conditions.append([
                "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
                "message": "Eviction API: evicting", "lastProbeTime": .null, "lastTransitionTime": .string(Timestamp.now()),
            ])
            tree[path: "status", "conditions"] = .array(conditions)
        }
    }

    /// Counts a disruption against a budget.
    private func take(
        from budget: Object, for pod: Object, dryRun: Bool, _ context: RequestContext
    ) async throws(StatusError) {
        let budgets = try resource("poddisruptionbudgets", group: "policy")
        _ = try await change(
            budgets, namespace: budget.metadata.namespace, name: budget.metadata.name, subresource: "status",
            UpdateOptions(dryRun: dryRun, fieldManager: "kube-apiserver"), context
        ) { tree, _ throws(StatusError) in
            try EvictionBudget.require(tree)
            let allowed = tree[path: "status", "disruptionsAllowed"]?.int ?? 0
            tree[path: "status", "disruptionsAllowed"] = .int(allowed - 1)
            tree[path: "status", "disruptedPods", pod.metadata.name] = .string(Timestamp.now())
        }
    }
}

/// What a disruption budget says to an eviction.
enum EvictionBudget {
    /// Evictions that were allowed and haven't been seen by the budget's controller yet.
    static let maximumDisruptedPods = 2000

    /// Whether evicting the pod takes something from the budget; not, when the pod isn't healthy anyway and the budget lets such go.
    static func isCounted(_ pod: JSON, _ budget: JSON) -> Bool {
        let ready = (pod[path: "status", "conditions"]?.elements ?? []).first { $0.text("type") == "Ready" }
        if ready?.text("status") == "True" { return true }
        if budget["spec"]?.text("unhealthyPodEvictionPolicy") == "AlwaysAllow" { return false }
        let healthy = budget[path: "status", "currentHealthy"]?.int ?? 0
        let desired = budget[path: "status", "desiredHealthy"]?.int ?? 0
        return !(healthy >= desired && desired > 0)
    }

    /// - Throws: 429 and 403 in upstream's words when the budget allows no disruption.
    static func require(_ budget: JSON) throws(StatusError) {
        let name = budget["metadata"]?.text("name") ?? ""
        let status = budget["status"] ?? [:]
        let group = GroupResource(group: "policy", resource: "poddisruptionbudget")
        if status["observedGeneration"]?.int ?? 0 < budget[path: "metadata", "generation"]?.int ?? 0 {
            throw self.refusal(
                "The disruption budget \(name) is still being processed by the server.", retryAfterSeconds: 10)
        }
        let allowed = status["disruptionsAllowed"]?.int ?? 0
        if allowed < 0 { throw .forbidden(group, name, "pdb disruptions allowed is negative") }
        if status["disruptedPods"]?.object?.count ?? 0 > self.maximumDisruptedPods {
            throw .forbidden(group, name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller")
        }
        guard allowed == 0 else { return }
        let condition = (status["conditions"]?.elements ?? []).first { $0.text("type") == "DisruptionAllowed" }
        if condition?.text("reason") == "SyncFailed" {
            throw self.refusal(
                "The disruption budget \(name) does not allow evicting pods currently because it failed sync: "
                    + (condition?.text("message") ?? ""))
        }
        throw self.refusal(
            "The disruption budget \(name) needs \(status["desiredHealthy"]?.int ?? 0) healthy pods and has "
                + "\(status["currentHealthy"]?.int ?? 0) currently")
    }

    private static func refusal(_ why: String, retryAfterSeconds: Int64 = 0) -> StatusError {
        var details: JSON = ["causes": [["reason": "DisruptionBudget", "message": .string(why)]]]
        if retryAfterSeconds > 0 { details["retryAfterSeconds"] = .int(retryAfterSeconds) }
        return StatusError(
            code: 429, reason: "TooManyRequests", message: "Cannot evict pod as it would violate the pod's disruption budget.",
            details: details)
    }
}
