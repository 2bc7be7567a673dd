import KubeObject

/// How fast an autoscaler may follow its metrics: stabilization windows and scaling policies.
/// Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior
struct AutoscalerBehavior {
    /// What an autoscaler remembers between looks; lost with the process, as upstream's is.
    struct History: Sendable {
        /// What the metrics asked for, with the time.
        var recommendations: [(time: Double, replicas: Int64)] = []
        /// What was changed, with the time.
        var changes: [(time: Double, delta: Int64)] = []

        /// Notes a change that was made.
        mutating func note(_ delta: Int64, at time: Double) { changes.append((time, delta)) }
    }

    struct Decision: Equatable {
        var replicas: Int64
        /// The condition `AbleToScale`'s reason and message when the size was held, nil when it wasn't.
        var stabilized: String?
        /// Reason and message of `ScalingLimited` when a limit was met.
        var limit: (reason: String, message: String)?

        static func == (left: Decision, right: Decision) -> Bool {
            left.replicas == right.replicas && left.stabilized == right.stabilized && left.limit?.reason == right.limit?.reason
        }
    }

    let minimum: Int64
    let maximum: Int64
    private let up: JSON
    private let down: JSON

    init(_ spec: JSON) {
        minimum = spec["minReplicas"]?.int ?? 1
        maximum = spec["maxReplicas"]?.int ?? 1
        up = Self.merged(
            spec[path: "behavior", "scaleUp"],
            over: [
                "stabilizationWindowSeconds": 0, "selectPolicy": "Max",
                "policies": [
                    ["type": "Pods", "value": 4, "periodSeconds": 15], ["type": "Percent", "value": 100, "periodSeconds": 15],
                ],
            ])
        down = Self.merged(
            spec[path: "behavior", "scaleDown"],
            over: [
                "stabilizationWindowSeconds": 300, "selectPolicy": "Max",
                "policies": [["type": "Percent", "value": 100, "periodSeconds": 15]],
            ])
    }

    private static func merged(_ given: JSON?, over defaults: JSON) -> JSON {
        var result = defaults
        for (key, value) in given?.object ?? [:] where !value.isNull && !(value.array?.isEmpty ?? false) { result[key] = value }
        return result
    }

    /// Notes what the metrics ask for, and decides how far to go now.
    func decide(proposed: Int64, current: Int64, history: inout History, now: Double) -> Decision {
        let upWindow = up["stabilizationWindowSeconds"]?.double ?? 0
        let downWindow = down["stabilizationWindowSeconds"]?.double ?? 300
        history.recommendations.append((now, proposed))
        history.recommendations.removeAll { $0.time < now - max(upWindow, downWindow, 1) }
        let longest = longestPeriod
        history.changes.removeAll { $0.time < now - longest }

        // Growing follows the least that was asked for in its window, shrinking the most in its own.
        let least = history.recommendations.filter { $0.time >= now - upWindow }.map(\.replicas).min() ?? proposed
        let most = history.recommendations.filter { $0.time >= now - downWindow }.map(\.replicas).max() ?? proposed
        var wanted = current
        if wanted < least { wanted = least }
        if wanted > most { wanted = most }
        var decision = Decision(replicas: wanted)
        if wanted != proposed {
            decision.stabilized = proposed < current ? "ScaleDownStabilized" : "ScaleUpStabilized"
        }
        if wanted > current {
            let limit = allowed(up, current: current, history: history, now: now, isUp: true)
            let highest = min(maximum, max(limit, current))
            if wanted > highest {
                decision.replicas = highest
                decision.limit =
                    highest == maximum
                    ? ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
                    : ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
            }
        } else if wanted < current {
            let limit = allowed(down, current: current, history: history, now: now, isUp: false)
            let lowest = max(minimum, min(limit, current))
            if wanted < lowest {
                decision.replicas = lowest
                decision.limit =
                    lowest == minimum
                    ? ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
                    : ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
            }
        }
        return decision
    }

    private var longestPeriod: Double {
        ((up["policies"]?.elements ?? []) + (down["policies"]?.elements ?? [])).compactMap { $0["periodSeconds"]?.double }.max()
            ?? 0
    }

    /// The size up to which the policies let go now.
    private func allowed(_ rules: JSON, current: Int64, history: History, now: Double, isUp: Bool) -> Int64 {
        let select = rules["selectPolicy"]?.string ?? "Max"
        if select == "Disabled" { return current }
        let limits = (rules["policies"]?.elements ?? []).map { policy -> Int64 in
            let period = policy["periodSeconds"]?.double ?? 15
            let recent = history.changes.filter { $0.time > now - period && ($0.delta > 0) == isUp }.reduce(0) { $0 + $1.delta }
            let start = current - recent
            let value = policy["value"]?.int ?? 0
            if policy["type"]?.string == "Pods" { return isUp ? start + value : start - value }
            let share = Double(start) * (1 + (isUp ? 1 : -1) * Double(value) / 100)
            return Int64(saturating: isUp ? share.rounded(.up) : share.rounded(.down))
        }
        let wantsMost = (select == "Max") == isUp
        return (wantsMost ? limits.max() : limits.min()) ?? current
    }
}
