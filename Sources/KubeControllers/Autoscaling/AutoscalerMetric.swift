import KubeObject
import KubeRegistry

/// How many replicas one metric of an autoscaler asks for.
/// Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
struct AutoscalerMetric {
    /// One pod, as a metric sees it.
    struct Sample {
        var usage: Int64?
        /// What the pod requests; nil when it requests nothing.
        var request: Int64?
        /// Whether the pod is too young, or not ready, for its usage to mean much.
        var isUnready: Bool
    }

    struct Proposal: Equatable {
        var replicas: Int64
        /// `status.currentMetrics` has it.
        var status: JSON
        /// What the metric is, in words, for conditions and events.
        var name: String
    }

    struct Failure: Error, Equatable {
        /// Of the condition and the event.
        var reason: String
        var message: String
        /// The message with what was being done, for when nothing could be computed.
        var whole: String
    }

    /// - Parameters:
    ///   - metric: an entry of `spec.metrics`.
    ///   - samples: the usage of each pod of the target, for this metric's resource and container.
    static func propose(
        _ metric: JSON, current: Int64, samples: [Sample], tolerance: Tolerance = Tolerance()
    ) throws(Failure) -> Proposal {
        let isContainer = metric["type"]?.string == "ContainerResource"
        guard let source = metric[isContainer ? "containerResource" : "resource"], let resource = source["name"]?.string,
            metric["type"]?.string == "Resource" || isContainer
        else {
            let message = "unknown metric source type \"\(metric["type"]?.string ?? "")\""
            throw Failure(reason: "InvalidMetricSourceType", message: message, whole: message)
        }
        func failure(_ message: String) -> Failure {
            Failure(
                reason: "FailedGet\(isContainer ? "Container" : "")ResourceMetric", message: message,
                whole: "failed to get \(resource) \(isContainer ? "container" : "resource") metric value: \(message)")
        }
        let measured = samples.filter { $0.usage != nil && !$0.isUnready }
        guard !measured.isEmpty else {
            throw failure(
                "failed to get \(resource) utilization: unable to get metrics for resource \(resource): no metrics returned from resource metrics API"
            )
        }
        let used = measured.reduce(0.0) { $0 + Double($1.usage ?? 0) }
        let average = Int64(saturating: (used / Double(measured.count)).rounded(.down))
        var value: JSON = ["averageValue": .string(text(average, resource))]
        let target = source["target"]
        let replicas: Int64
        let name: String
        if let utilization = target?["averageUtilization"]?.int {
            guard samples.allSatisfy({ $0.request != nil }) else {
                throw failure("failed to get \(resource) utilization: missing request for \(resource)")
            }
            let requested = measured.reduce(0.0) { $0 + Double($1.request ?? 0) }
            guard requested > 0 else {
                throw failure("failed to get \(resource) utilization: no metrics returned matched known pods")
            }
            value["averageUtilization"] = .int(Int64(saturating: (used * 100 / requested).rounded(.down)))
            let perPod = requested / Double(measured.count)
            replicas = Self.replicas(
                current: current, samples: samples, target: Double(utilization) / 100 * perPod, full: perPod, tolerance: tolerance
            )
            name = "\(resource)\(isContainer ? " container" : "") resource utilization (percentage of request)"
        } else {
            let wanted = (target?["averageValue"]?.string).flatMap { amount($0, resource) } ?? 0
            guard wanted > 0 else {
                throw failure("invalid metric source: neither a utilization target nor a value target was set")
            }
            replicas = Self.replicas(
                current: current, samples: samples, target: Double(wanted), full: Double(wanted), tolerance: tolerance)
            name = "\(resource)\(isContainer ? " container" : "") resource"
        }
        var status: JSON = ["name": .string(resource), "current": value]
        if isContainer { status["container"] = source["container"] }
        let key = isContainer ? "containerResource" : "resource"
        return Proposal(replicas: replicas, status: ["type": metric["type"] ?? "Resource", key: status], name: name)
    }

    /// - Parameters:
    ///   - target: what a pod should use.
    ///   - full: what a pod without a measurement is taken to use when the question is whether fewer would do.
    static func replicas(
        current: Int64, samples: [Sample], target: Double, full: Double, tolerance: Tolerance
    ) -> Int64 {
        let measured = samples.filter { $0.usage != nil && !$0.isUnready }
        let used = measured.reduce(0.0) { $0 + Double($1.usage ?? 0) }
        let ratio = used / Double(measured.count) / target
        let missing = samples.count { $0.usage == nil && !$0.isUnready }
        let unready = samples.count(where: \.isUnready)
        if missing == 0, unready == 0 || ratio < 1 {
            return tolerance.holds(ratio) ? current : Int64(saturating: (ratio * Double(measured.count)).rounded(.up))
        }
        // What isn't known is taken to be on the side of staying: idle when growing, fully used when shrinking.
        let assumed = ratio < 1 ? Double(missing) * full : 0
        let count = measured.count + missing + (ratio > 1 ? unready : 0)
        let careful = (used + assumed) / Double(count) / target
        if tolerance.holds(careful) || (ratio < 1) != (careful < 1) { return current }
        let proposed = Int64(saturating: (careful * Double(count)).rounded(.up))
        return (careful < 1 && proposed > current) || (careful > 1 && proposed < current) ? current : proposed
    }

    private static func text(_ amount: Int64, _ resource: String) -> String {
        resource == "cpu" ? Quantity(milliValue: amount).description : Quantity(amount).description
    }

    private static func amount(_ text: String, _ resource: String) -> Int64? {
        guard let quantity = try? Quantity(text) else { return nil }
        return resource == "cpu" ? quantity.milliValue : quantity.value
    }
}
