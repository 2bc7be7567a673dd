import KubeObject

/// Probes one running container until cancelled: its startup probe first, then readiness and liveness side by side.
struct ContainerProber: Sendable {
    let runner: HandlerRunner
    let target: HandlerRunner.Target
    /// Called with every change of a verdict.
    let report: @Sendable (_ kind: ProbeSettings.Kind, _ isSuccess: Bool) -> Void
    /// Called with every failure, for the event.
    let unhealthy: @Sendable (_ kind: ProbeSettings.Kind, _ message: String) -> Void

    func run() async throws {
        let tree = target.container.tree
        if let probe = tree["startupProbe"], probe.object != nil {
            guard try await loop(probe, .startup) else { return }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (kind, key) in [(ProbeSettings.Kind.readiness, "readinessProbe"), (.liveness, "livenessProbe")] {
                guard let probe = tree[key], probe.object != nil else { continue }
                group.addTask { _ = try await loop(probe, kind) }
            }
            try await group.waitForAll()
        }
    }

    /// A startup probe ends with its first verdict, a liveness probe with its failure.
    private func loop(_ probe: JSON, _ kind: ProbeSettings.Kind) async throws -> Bool {
        let settings = ProbeSettings(probe)
        var counter = ProbeCounter(settings)
        try await Task.sleep(for: .seconds(settings.initialDelay))
        while true {
            let start = ContinuousClock.now
            var isSuccess = true
            do {
                try await runner.run(probe, target, timeout: .seconds(settings.timeout))
            } catch {
                try Task.checkCancellation()
                isSuccess = false
                unhealthy(kind, "\(error)")
            }
            if counter.take(isSuccess) {
                report(kind, isSuccess)
                if kind == .startup || (kind == .liveness && !isSuccess) { return isSuccess }
            }
            // A pod that isn't ready yet is asked again soon, as kubelet does after its start.
            try await Task.sleep(until: start + .seconds(settings.period), clock: .continuous)
        }
    }
}
