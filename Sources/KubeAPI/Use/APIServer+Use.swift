import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

extension APIServer {
    /// Tells the platform what a request that has been let in does with its cluster.
    func noteUse(
        _ request: APIRequest, _ info: RequestInfo, _ user: UserInfo, _ cluster: LogicalCluster, _ permit: RequestLimiter.Permit
    ) {
        guard let attendant, let use = use(request, info, user) else { return }
        permit.keep(attendant.note(use, of: cluster))
    }

    private func use(_ request: APIRequest, _ info: RequestInfo, _ user: UserInfo) -> ClusterUse? {
        ClusterUse(
            info, user: user, isFromPod: isFromPod(request), follows: request.query.flag("follow"),
            changesNothing: request.query["dryRun"]?.isEmpty == false)
    }

    private func isFromPod(_ request: APIRequest) -> Bool { addressBook.pod(at: request.connection.address) != nil }

    /// Holds a request for a stream of a pod, or to a service, whose cluster wakes, until it can be answered. Returns at once for every
    /// other cluster, and when there is nothing to wait for: who comes next says what is wrong.
    ///
    /// - Throws: 503 when it takes too long, 403 when the cluster can't be woken.
    func awaitPods(_ call: Call, _ resource: ResourceType) async throws(StatusError) {
        guard let attendant, let end = attendant.patience(with: call.cluster) else { return }
        let info = call.info
        if info.subresource == "log", !call.request.query.flag("follow") { return }
        let need = Need(
            attendant: attendant, use: use(call.request, info, call.context.user), resource: resource.groupResource,
            name: info.name, end: end)
        if resource.plural == "services" {
            guard let name = SchemeNamePort(info.name) else { return }
            return try await awaitEndpoint(of: name.name, in: info.namespace, call, need)
        }
        guard resource.plural == "pods" else { return }
        let streams = self.streams
        let name = SchemeNamePort(info.name)?.name ?? info.name
        let container = call.request.query["container"] ?? ""
        let mustBeReady = info.subresource == "proxy" || info.subresource == "portforward"
        let key = Key(group: "core", plural: "pods", namespace: info.namespace, name: name)
        let cluster = call.cluster
        let isUp = try await awaitAwake(call, need, changesOf: key.text) {
            guard let pod = cluster.snapshot.get(key) else { return true }
            return !streams.isFallingAsleep(pod.metadata.uid)
                && PodWait.isUp(pod, container: container, mustBeReady: mustBeReady)
        }
        if isUp { return }
        throw .asleep(cluster, "pod \(info.namespace)/\(name) doesn't run yet\(PodWait.reason(cluster.snapshot.get(key)))")
    }

    /// Holds a request for an extension API server whose cluster sleeps or wakes, as ``awaitPods(_:_:)``, until the server has a ready endpoint.
    /// It is a use, whatever it asks: only the server knows the answer.
    ///
    /// - Throws: 503 when it takes too long, 403 when the cluster can't be woken.
    func awaitServer(_ service: RemoteAPIService, _ call: Call) async throws(StatusError) {
        guard let attendant else { return }
        let use = ClusterUse(
            extension: call.info, path: call.path, user: call.context.user, isFromPod: isFromPod(call.request))
        if let use { call.permit.keep(attendant.note(use, of: call.cluster)) }
        guard let end = attendant.patience(with: call.cluster) else { return }
        let need = Need(
            attendant: attendant, use: use, resource: GroupResource(group: "apiregistration.k8s.io", resource: "apiservices"),
            name: service.name, end: end)
        try await Turn.resting { () async throws(StatusError) in
            try await self.awaitEndpoint(of: service.service, in: service.namespace, call, need)
        }
    }

    private func awaitEndpoint(
        of service: String, in namespace: String, _ call: Call, _ need: Need
    ) async throws(StatusError) {
        let streams = self.streams
        let endpoints = ServiceEndpoints(cluster: call.cluster, addressBook: addressBook, namespace: namespace)
        let prefix = Key.prefix(group: "discovery.k8s.io", plural: "endpointslices", namespace: namespace)
        let isUp = try await awaitAwake(call, need, changesOf: prefix) {
            endpoints.hasReady(service) { !streams.isFallingAsleep($0) }
        }
        guard isUp else { throw .asleep(call.cluster, "service \(namespace)/\(service) has no ready endpoint yet") }
    }

    /// What a held request waits for.
    private struct Need {
        let attendant: any ClusterAttendant
        /// Nil for who may not wake a cluster, and waits only for what others have woken.
        let use: ClusterUse?
        let resource: GroupResource
        let name: String
        let end: ContinuousClock.Instant
    }

    /// Waits until a cluster is awake and something is true of it. Whoever puts it to sleep meanwhile is told again that it is needed.
    ///
    /// - Returns: whether that came true in time.
    /// - Throws: 403 when the cluster can't be woken.
    private func awaitAwake(
        _ call: Call, _ need: Need, changesOf prefix: String, until isUp: @escaping @Sendable () -> Bool
    ) async throws(StatusError) -> Bool {
        while ContinuousClock.now < need.end, !Task.isCancelled {
            let look = min(need.end, .now + .seconds(1))
            if need.attendant.isAsleep(call.cluster), let use = need.use {
                call.permit.keep(need.attendant.note(use, of: call.cluster))
            }
            while need.attendant.isAsleep(call.cluster), ContinuousClock.now < look, !Task.isCancelled {
                if let refusal = need.attendant.refusal(of: call.cluster) {
                    throw .forbidden(need.resource, need.name, "the cluster sleeps and can't be woken: \(refusal)")
                }
                try? await Task.sleep(for: .milliseconds(5))
            }
            guard !need.attendant.isAsleep(call.cluster) else { continue }
            if await call.cluster.wait(forChangesOf: prefix, end: look, until: isUp) { return true }
        }
        return false
    }
}

extension StatusError {
    fileprivate static func asleep(_ cluster: LogicalCluster, _ what: String) -> StatusError {
        .serviceUnavailable("the cluster \(cluster.name) was asleep and is waking: \(what); try again")
    }
}

extension ServiceEndpoints {
    /// Whether any port has a ready endpoint, and `isGood` is true of all of those pods (by their uid).
    func hasReady(_ service: String, where isGood: (String) -> Bool) -> Bool {
        let key = Key(group: "core", plural: "services", namespace: namespace, name: service)
        guard let ports = cluster.snapshot.get(key)?.tree[path: "spec", "ports"]?.elements else { return true }
        let found = ports.flatMap { ready(service, port: $0["name"]?.string ?? "") }
        return ports.isEmpty
            || !found.isEmpty && found.allSatisfy { addressBook.pod(at: $0.address).map { isGood($0.uid) } ?? true }
    }
}
