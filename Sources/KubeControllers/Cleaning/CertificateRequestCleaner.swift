import KubeObject
public import KubeStore

/// Deletes requests for certificates that are of no use any more: an hour after they were issued, denied or failed, and a day after
/// they were made when nobody has said anything about them.
public struct CertificateRequestCleaner: Reconciler {
    private static let settled = 3600.0
    private static let pending = 86_400.0

    public init() {}

    public var name: String { "certificate-controller" }
    public var concurrency: Int { 2 }
    public var watched: [String] { [Key.prefix(Resources.certificateSigningRequests)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        event.type == .deleted ? [] : [ObjectName(event.object.metadata)]
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let object = work.object(Resources.certificateSigningRequests), let end = Self.end(of: object) else { return .done }
        guard end <= work.now else { return .after(seconds: end - work.now + 1) }
        try await work.delete(Resources.certificateSigningRequests, object.metadata)
        return .done
    }

    /// When a request's time is over, in seconds since 1970; nil while it waits for a signer who may still come.
    static func end(of object: Object) -> Double? {
        let status = object.tree["status"]
        let isIssued = !(status?["certificate"]?.string?.isEmpty ?? true)
        var isPending = !isIssued
        var ends: [Double] = []
        for condition in status?["conditions"]?.elements ?? [] {
            let type = condition["type"]?.string
            if type == "Approved" || type == "Denied" { isPending = false }
            guard type == "Denied" || type == "Failed" || (type == "Approved" && isIssued) else { continue }
            let time = condition["lastUpdateTime"]?.string?.timestamp ?? object.metadata.creationTimestamp.timestamp
            if let time { ends.append(time + settled) }
        }
        if isPending, let created = object.metadata.creationTimestamp.timestamp { ends.append(created + pending) }
        return ends.min()
    }
}
