import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

extension APIServer {
    /// Tells the platform what a request that has been let in does with its cluster.
    func noteUse(
        _ request: APIRequest, _ info: RequestInfo, _ user: UserInfo, _ cluster: LogicalCluster, _ permit: RequestLimiter.Permit
    ) {
        guard let attendant else { return }
        let use = ClusterUse(
            info, user: user, isFromPod: addressBook.pod(at: request.connection.address) != nil,
            follows: request.query.flag("follow"), changesNothing: request.query["dryRun"]?.isEmpty == false)
        guard let use else { return }
        permit.keep(attendant.note(use, of: cluster))
    }

    /// Holds a request for a stream of a pod, or to a service, whose cluster wakes, until it can be answered. Returns at once for every
    /// other cluster, and when there is nothing to wait for: who comes next says what is wrong.
    ///
    /// - Throws: 503 when it takes too long.
    func awaitPods(_ call: Call, _ resource: ResourceType) async throws(StatusError) {
        guard let attendant, let end = attendant.patience(with: call.cluster) else { return }
        let info = call.info
        if info.subresource == "log", !call.request.query.flag("follow") { return }
        while attendant.isAsleep(call.cluster), ContinuousClock.now < end, !Task.isCancelled {
            if let refusal = attendant.refusal(of: call.cluster) {
                throw .forbidden(resource.groupResource, info.name, "the cluster sleeps and can't be woken: \(refusal)")
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
        let streams = self.streams
        if resource.plural == "services" {
            guard let name = SchemeNamePort(info.name) else { return }
            let endpoints = ServiceEndpoints(cluster: call.cluster, addressBook: addressBook, namespace: info.namespace)
            let prefix = Key.prefix(group: "discovery.k8s.io", plural: "endpointslices", namespace: info.namespace)
            let isUp = await call.cluster.wait(forChangesOf: prefix, end: end) {
                endpoints.hasReady(name.name) { !streams.isFallingAsleep($0) }
            }
            if isUp { return }
            throw .asleep(call.cluster, "service \(info.namespace)/\(name.name) has no ready endpoint yet")
        }
        guard resource.plural == "pods" else { return }
        let name = SchemeNamePort(info.name)?.name ?? info.name
        let container = call.request.query["container"] ?? ""
        let mustBeReady = info.subresource == "proxy" || info.subresource == "portforward"
        let key = Key(group: "core", plural: "pods", namespace: info.namespace, name: name)
        let cluster = call.cluster
        let isUp = await cluster.wait(forChangesOf: key.text, end: end) {
            guard let pod = cluster.snapshot.get(key) else { return true }
            return !streams.isFallingAsleep(pod.metadata.uid)
                && PodWait.isUp(pod, container: container, mustBeReady: mustBeReady)
        }
        if isUp { return }
        throw .asleep(cluster, "pod \(info.namespace)/\(name) doesn't run yet\(PodWait.reason(cluster.snapshot.get(key)))")
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
