import KubeAPI
public import KubeObject
public import KubeRegistry
public import KubeStore
import Synchronization

/// What the virtual clusters' objects say about what their clusters may have.
///
/// Concurrency: asked with each request, by any task; what an object says counts from the first request after its change. A cluster that
/// was asked about has an entry of a few words.
public final class ClusterPolicies: Sendable {
    private struct State {
        var platform: ClusterPolicy
        var root: LogicalCluster?
        /// Counts changes: what was read while it changed isn't kept.
        var generation: UInt64 = 0
        var policies: [String: ClusterPolicy] = [:]
    }

    private static let capacity = 16_384
    private static let prefix = Key.prefix(
        group: Platform.group, plural: Platform.virtualClusters.resource, namespace: nil)

    private let state: Mutex<State>

    /// - Parameter authentication: whom the platform itself believes, as an `AuthenticationConfiguration`.
    public init(authentication: JSON? = nil) {
        state = Mutex(State(platform: .platform(authentication: authentication)))
    }

    /// Changes whom the platform itself believes, from the next request on.
    public func believe(_ authentication: JSON?) {
        self.state.withLock { $0.platform = .platform(authentication: authentication) }
    }

    /// Says where the objects are. Until then every cluster has the defaults.
    ///
    /// - Parameter store: whose commits tell of changes.
    public func attach(_ root: LogicalCluster, of store: Store) {
        self.state.withLock { $0.root = root }
        store.observe { [self] batch in note(batch) }
    }

    /// What a cluster may have.
    public func policy(of cluster: LogicalCluster) -> ClusterPolicy {
        if cluster.name == Platform.rootCluster { return self.state.withLock { $0.platform } }
        let (known, root, generation) = self.state.withLock { ($0.policies[cluster.name], $0.root, $0.generation) }
        if let known { return known }
        guard let root else { return Self.policy([:]) }
        let policy = root.snapshot.get(Self.key(of: cluster)).map { Self.policy($0.tree["spec"] ?? [:]) } ?? Self.policy([:])
        self.state.withLock { state in
            guard state.generation == generation else { return }
            if state.policies.count >= Self.capacity, let other = state.policies.keys.randomElement() {
                state.policies[other] = nil
            }
            state.policies[cluster.name] = policy
        }
        return policy
    }

    /// Where the object of a cluster is.
    private static func key(of cluster: LogicalCluster) -> Key {
        let (namespace, name) = ClusterName.parts(of: cluster.name)
        return Key(group: Platform.group, plural: Platform.virtualClusters.resource, namespace: namespace, name: name)
    }

    /// Reading an object again takes a microsecond, and they change seldom: so all are forgotten.
    private func note(_ batch: CommitBatch) {
        guard batch.cluster.name == Platform.rootCluster,
            batch.events.contains(where: { $0.key.text.hasPrefix(Self.prefix) })
        else { return }
        self.state.withLock { state in
            state.generation += 1
            state.policies.removeAll()
        }
    }

    // MARK: What objects say

    private struct Limit: Sendable {
        var name: String
        var range: ClosedRange<Int64>
        var set: @Sendable (inout ClusterPolicy.Limits, Int) -> Void
    }

    private static let limits = [
        Limit(name: "bytes", range: 1 << 20...1 << 40) { $0.bytes = $1 },
        Limit(name: "objects", range: 100...10_000_000) { $0.objects = $1 },
        Limit(name: "requestBytes", range: 1 << 10...3 << 20) { $0.requestBytes = $1 },
        Limit(name: "requests", range: 1...10_000) { $0.requests = $1 },
        Limit(name: "requestsPerSecond", range: 1...1_000_000) { $0.requestsPerSecond = $1 },
        Limit(name: "watches", range: 0...1_000_000) { $0.watches = $1 },
    ]

    /// - Parameter spec: of a VirtualCluster.
    static func policy(_ spec: JSON) -> ClusterPolicy {
        var policy = ClusterPolicy()
        policy.podSecurity = podSecurity(spec) ?? defaultPodSecurity
        policy.isolation = isolation(spec) ?? .shared
        if let authentication = spec["authentication"], authentication.object != nil {
            policy.authentication = .init(configuration: authentication, isTrusted: false)
        }
        for limit in limits {
            guard let value = spec[path: "limits", limit.name]?.int, limit.range.contains(value) else { continue }
            limit.set(&policy.limits, Int(value))
        }
        return policy
    }

    /// Tenants aren't let onto the machine unless the platform says so.
    private static let defaultPodSecurity = ClusterPolicy.PodSecurity.baseline

    private static func podSecurity(_ spec: JSON) -> ClusterPolicy.PodSecurity? {
        spec["podSecurity"]?.string.flatMap { ClusterPolicy.PodSecurity(rawValue: $0) }
    }

    private static func isolation(_ spec: JSON) -> ClusterPolicy.Isolation? {
        spec["isolation"]?.string.flatMap { ClusterPolicy.Isolation(rawValue: $0) }
    }

    static func errors(in spec: JSON) -> [FieldError] {
        var errors: [FieldError] = []
        if let given = spec["isolation"]?.string, !given.isEmpty, isolation(spec) == nil {
            errors.append(
                .notSupported("spec.isolation", .string(given), ClusterPolicy.Isolation.allCases.map(\.rawValue)))
        }
        if let given = spec["podSecurity"]?.string, !given.isEmpty, podSecurity(spec) == nil {
            errors.append(
                .notSupported(
                    "spec.podSecurity", .string(given), ClusterPolicy.PodSecurity.allCases.map(\.rawValue)))
        }
        if let authentication = spec["authentication"], authentication.object != nil {
            errors += AuthenticationConfiguration.errors(in: authentication, path: "spec.authentication.")
        }
        return errors + NetworkSpec.errors(in: spec) + limitErrors(in: spec)
            + MachineLimits.errors(in: spec["limits"], path: "spec.limits")
    }

    private static func limitErrors(in spec: JSON) -> [FieldError] {
        limits.compactMap { limit in
            guard let value = spec[path: "limits", limit.name], value != .null else { return nil }
            if let number = value.int, limit.range.contains(number) { return nil }
            return .invalid(
                "spec.limits.\(limit.name)", value, "must be between \(limit.range.lowerBound) and \(limit.range.upperBound)")
        }
    }
}
