import KubeStore
import Synchronization

/// Keeps one cluster's webhooks that never answer from holding up the parts of this server that work for all clusters.
///
/// A part of this server that waited for such a webhook in vain isn't made to wait for it again for a while: the call fails at once,
/// as it would have failed after its timeout. Clients wait as long as they want to.
///
/// Concurrency: any task may ask. Clusters whose webhooks answer have no entry.
final class WebhookPatience: Sendable {
    private struct Name: Hashable {
        var cluster: Int64
        var address: WebhookTarget.Address
    }

    /// How long a webhook isn't asked.
    static let pause = Duration.seconds(30)
    /// A cluster with so many webhooks that don't answer isn't waited for at all.
    static let maximumSilent = 3
    private static let capacity = 4096

    private let silent = Mutex<[Name: ContinuousClock.Instant]>([:])

    /// - Throws: the failure of a call that won't be made.
    func check(_ request: WebhookRequest, now: ContinuousClock.Instant = .now) throws(WebhookFailure) {
        let isRefused = silent.withLock { silent in
            if silent.isEmpty { return false }
            let cluster = request.cluster.id
            if let until = silent[Name(cluster: cluster, address: request.target.address)], until > now { return true }
            return silent.count { $0.key.cluster == cluster && $0.value > now } >= Self.maximumSilent
        }
        if isRefused {
            throw WebhookFailure("Post \"\(request.target.url)\": context deadline exceeded (it didn't answer a short time ago)")
        }
    }

    /// A call took as long as it may.
    func note(_ request: WebhookRequest, now: ContinuousClock.Instant = .now) {
        silent.withLock { silent in
            if silent.count >= Self.capacity { silent = silent.filter { $0.value > now } }
            guard silent.count < Self.capacity else { return }
            silent[Name(cluster: request.cluster.id, address: request.target.address)] = now.advanced(by: Self.pause)
        }
    }
}
