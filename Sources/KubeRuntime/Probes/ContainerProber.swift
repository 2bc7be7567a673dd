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
        let eager = ContinuousClock.now + Self.eagerness
        while true {
            let start = ContinuousClock.now
            let next = start + .seconds(settings.period)
            var result = try await attempt(probe, settings)
            if case .failure(let failure) = result { unhealthy(kind, failure.description) }
            // Until it is up for the first time, a container that doesn't listen yet isn't left alone for a whole period.
            if kind != .liveness, counter.verdict == nil {
                var pause = Self.firstPause
                while case .failure(let failure) = result, failure.isRefused, ContinuousClock.now + pause < min(next, eager) {
                    try await Task.sleep(for: pause)
                    pause = min(pause * 2, Self.longestPause)
                    result = try await attempt(probe, settings)
                }
            }
            let isSuccess = if case .success = result { true } else { false }
            if counter.take(isSuccess) {
                report(kind, isSuccess)
                if kind == .startup || (kind == .liveness && !isSuccess) { return isSuccess }
            }
            try await Task.sleep(until: next, clock: .continuous)
        }
    }

    /// For how long a container that has just started is tried again within a period while it refuses connections, of which it notices nothing.
    /// It may be most of the time that a cluster takes to wake.
    private static let eagerness: Duration = .seconds(20)
    private static let firstPause: Duration = .milliseconds(50)
    private static let longestPause: Duration = .milliseconds(400)

    private func attempt(_ probe: JSON, _ settings: ProbeSettings) async throws -> Result<Void, HandlerRunner.Failure> {
        do {
            try await runner.run(probe, target, timeout: .seconds(settings.timeout))
            return .success(())
        } catch let failure as HandlerRunner.Failure {
            try Task.checkCancellation()
            return .failure(failure)
        } catch {
            try Task.checkCancellation()
            return .failure(HandlerRunner.Failure(description: "\(error)"))
        }
    }
}
