import KubeRegistry

/// Something that somebody does with a cluster, and by which it isn't idle.
public struct ClusterUse: Sendable, Equatable {
    /// For people: `exec by alice in pods default/web-0`.
    public var text: String
    /// For counting.
    public var kind: Kind
    /// Whether pods have to run for it.
    public var needsPods: Bool

    public enum Kind: String, Sendable, CaseIterable {
        case write, stream, connection
        /// Whatever only an extension API server can answer.
        case `extension`
        /// Somebody's express wish, and the time of the day.
        case command, schedule
    }

    public init(_ kind: Kind, _ text: String, needsPods: Bool = true) {
        self.kind = kind
        self.text = text
        self.needsPods = needsPods
    }

    /// What a request that has been let in does; nil for what is no use: whatever only looks, what changes nothing, and what programs
    /// write only to say that they are there.
    ///
    /// - Parameters:
    ///   - isFromPod: the request comes from a pod. Pods can't keep their own cluster awake.
    ///   - changesNothing: a dry run.
    init?(_ info: RequestInfo, user: UserInfo, isFromPod: Bool, follows: Bool, changesNothing: Bool) {
        guard info.isResource, !isFromPod, !user.groups.contains("system:nodes") else { return nil }
        let place = [info.namespace, info.name].filter { !$0.isEmpty }.joined(separator: "/")
        if info.group.isEmpty, Self.streams.contains(info.subresource) {
            // A log is there to be read, whether its container runs or not; only what comes has to be waited for.
            let needsPods = info.subresource != "log" || follows
            self.init(.stream, "\(info.subresource) by \(user.name) in \(info.resource) \(place)", needsPods: needsPods)
            return
        }
        guard Self.writes.contains(info.verb), !changesNothing, !Self.questions.contains(info.group) else { return nil }
        // Leases and events are how programs show that they live.
        if info.resource == "leases" || info.resource == "events" { return nil }
        self.init(.write, "\(info.verb) by \(user.name) of \(info.resource)\(place.isEmpty ? "" : " \(place)")")
    }

    /// What a request for an extension API server does; nil when it comes from a program that may not keep its cluster awake.
    ///
    /// - Parameter path: of the request, for one that isn't for a resource.
    init?(extension info: RequestInfo, path: String, user: UserInfo, isFromPod: Bool) {
        guard !isFromPod, !user.groups.contains("system:nodes") else { return nil }
        let place = info.isResource ? [info.namespace, info.name].filter { !$0.isEmpty }.joined(separator: "/") : path
        let subject = info.isResource ? "\(info.resource).\(info.group)" : ""
        self.init(
            .extension, "\(info.verb) by \(user.name) of " + [subject, place].filter { !$0.isEmpty }.joined(separator: " "))
    }

    private static let streams: Set<String> = ["exec", "attach", "portforward", "proxy", "log"]
    private static let writes: Set<String> = ["create", "update", "patch", "delete", "deletecollection"]
    /// Groups whose objects are questions.
    private static let questions: Set<String> = ["authorization.k8s.io", "authentication.k8s.io"]
}
