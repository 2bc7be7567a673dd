import KubeObject

/// Metrics that aren't the pods' own use: of type Pods, Object and External. All amounts are thousandths.
extension AutoscalerMetric {
    /// The target as it is.
    struct Target: Sendable {
        /// How many it shall have and has.
        var specReplicas: Int64
        var statusReplicas: Int64
        /// How many pods run and are ready; nil when the selector chooses no pods at all.
        var readyPods: Int64?
    }

    /// Reads `pods`.
    /// - Parameter samples: what the metric says of each of the target's pods; `request` isn't looked at.
    static func proposePods(
        _ metric: JSON, current: Int64, samples: [Sample], tolerance: Tolerance
    ) throws(Failure) -> Proposal {
        let source = metric["pods"] ?? [:]
        let wanted = amount(source[path: "target", "averageValue"]) ?? 0
        guard !samples.isEmpty else {
            throw podsFailure("no pods returned by selector while calculating replica count")
        }
        let measured = samples.filter { $0.usage != nil && !$0.isUnready }
        guard !measured.isEmpty else { throw podsFailure("did not receive metrics for any ready pods") }
        guard wanted > 0 else {
            throw podsFailure("invalid pods metric source: no average value target was set")
        }
        let used = measured.reduce(0.0) { $0 + Double($1.usage ?? 0) }
        let average = Int64(saturating: (used / Double(measured.count)).rounded(.towardZero))
        return Proposal(
            replicas: replicas(
                current: current, samples: samples, target: Double(wanted), full: Double(wanted), tolerance: tolerance),
            status: [
                "type": "Pods", "pods": ["metric": source["metric"] ?? [:], "current": ["averageValue": text(average)]],
            ], name: "pods metric \(source["metric"]?.text("name") ?? "")")
    }

    static func podsFailure(_ message: String) -> Failure {
        Failure(reason: "FailedGetPodsMetric", message: message, whole: "failed to get pods metric value: \(message)")
    }

    /// Reads `object`.
    static func proposeObject(
        _ metric: JSON, value: Int64, of target: Target, tolerance: Tolerance
    ) throws(Failure) -> Proposal {
        let source = metric["object"] ?? [:]
        let name = source["metric"]?.text("name") ?? ""
        let kind = source["describedObject"]?.text("kind") ?? ""
        var status: JSON = ["metric": source["metric"] ?? [:]]
        status["describedObject"] = source["describedObject"]
        switch try sized(value, by: source["target"], target, tolerance: tolerance, failure: { objectFailure($0) }) {
        case (let replicas, let current, true)?:
            status["current"] = ["averageValue": current]
            return Proposal(
                replicas: replicas, status: ["type": "Object", "object": status],
                name: "external metric \(name)(\(goText(source[path: "metric", "selector"])))")
        case (let replicas, let current, false)?:
            status["current"] = ["value": current]
            return Proposal(replicas: replicas, status: ["type": "Object", "object": status], name: "\(kind) metric \(name)")
        case nil: throw objectFailure("invalid object metric source: neither a value target nor an average value target was set")
        }
    }

    static func objectFailure(_ message: String) -> Failure {
        Failure(reason: "FailedGetObjectMetric", message: message, whole: "failed to get object metric value: \(message)")
    }

    /// Reads `external`.
    static func proposeExternal(
        _ metric: JSON, value: Int64, of target: Target, tolerance: Tolerance
    ) throws(Failure) -> Proposal {
        let source = metric["external"] ?? [:]
        let name = source["metric"]?.text("name") ?? ""
        guard
            let (replicas, current, isAverage) = try sized(
                value, by: source["target"], target, tolerance: tolerance, failure: { externalFailure($0, name) })
        else {
            throw externalFailure(
                "invalid external metric source: neither a value target nor an average value target was set", name)
        }
        return Proposal(
            replicas: replicas,
            status: [
                "type": "External",
                "external": [
                    "metric": source["metric"] ?? [:], "current": isAverage ? ["averageValue": current] : ["value": current],
                ],
            ], name: "external metric \(name)(\(goText(source[path: "metric", "selector"])))")
    }

    static func externalFailure(_ message: String, _ name: String) -> Failure {
        Failure(
            reason: "FailedGetExternalMetric", message: message,
            whole: "failed to get \(name) external metric value: failed to get external metric \(name): \(message)")
    }

    /// The size that one number asks for, what the status shows of it, and whether that is an average; nil when there is no target.
    private static func sized(
        _ value: Int64, by wanted: JSON?, _ target: Target, tolerance: Tolerance, failure: (String) -> Failure
    ) throws(Failure) -> (replicas: Int64, current: JSON, isAverage: Bool)? {
        if let average = amount(wanted?["averageValue"]), average > 0 {
            let perPod = Double(value) / Double(max(target.statusReplicas, 1))
            let holds = target.statusReplicas > 0 && tolerance.holds(perPod / Double(average))
            // Without pods nothing is still right for nothing.
            let replicas = holds ? target.statusReplicas : Int64(saturating: (Double(value) / Double(average)).rounded(.up))
            return (max(replicas, 0), text(Int64(saturating: perPod.rounded(.up))), true)
        }
        guard let total = amount(wanted?["value"]), total > 0 else { return nil }
        let ratio = Double(value) / Double(total)
        if target.specReplicas == 0 { return (max(Int64(saturating: ratio.rounded(.up)), 0), text(value), false) }
        if tolerance.holds(ratio) { return (target.specReplicas, text(value), false) }
        guard let ready = target.readyPods else {
            throw failure("unable to calculate ready pods: no pods returned by selector while calculating replica count")
        }
        return (max(Int64(saturating: (ratio * Double(ready)).rounded(.up)), 0), text(value), false)
    }

    private static func text(_ amount: Int64) -> JSON { .string(Quantity(milliValue: amount).description) }

    private static func amount(_ tree: JSON?) -> Int64? { quantity(tree)?.milliValue }

    fileprivate static func quantity(_ tree: JSON?) -> Quantity? {
        guard let text = tree?.string ?? tree?.int.map({ String($0) }) else { return nil }
        return try? Quantity(text)
    }

    /// A label selector as upstream's messages have it.
    static func goText(_ selector: JSON?) -> String {
        guard let selector, !selector.isNull else { return "nil" }
        let labels = (selector["matchLabels"]?.stringMap ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)," }
        let requirements = (selector["matchExpressions"]?.elements ?? []).map { item in
            let values = (item["values"]?.strings ?? []).joined(separator: " ")
            return "LabelSelectorRequirement{Key:\(item.text("key")),Operator:\(item.text("operator")),Values:[\(values)],},"
        }
        return
            "&LabelSelector{MatchLabels:map[string]string{\(labels.joined())},MatchExpressions:[]LabelSelectorRequirement{\(requirements.joined())},}"
    }
}

extension AutoscalerMetric {
    /// How far a metric may be from its target without anything being done.
    /// Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#tolerance
    struct Tolerance: Equatable {
        var up = 0.1
        var down = 0.1

        init() {}

        /// - Parameter behavior: `spec.behavior`.
        init(_ behavior: JSON?) {
            func number(_ rules: String) -> Double? {
                AutoscalerMetric.quantity(behavior?[path: rules, "tolerance"]).map { Double($0.nanos) / 1e9 }
            }
            up = number("scaleUp") ?? up
            down = number("scaleDown") ?? down
        }

        func holds(_ ratio: Double) -> Bool { 1 - down <= ratio && ratio <= 1 + up }
    }
}
