import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

extension APIServer {
    /// `…/nodes/NAME/proxy/…`: what a kubelet would answer, about this cluster's own pods. There is no kubelet, and the machine's own
    /// ports are nobody's to reach this way.
    func nodeProxy(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        guard let name = SchemeNamePort(call.info.name) else {
            throw .badRequest("invalid node request \"\(call.info.name)\"")
        }
        try await self.admitConnection(call, resource)
        let node = try self.registry.get(resource, namespace: "", name: name.name, call.context)
        let request = call.request
        let path = ProxyPath(call.linkPath, rest: call.info.rest.count)
        if path.rest.isEmpty, [.get, .head].contains(request.method) {
            return APIResponse(status: 301, headers: [.location: path.prefix + "/" + request.queryText], body: .bytes([]))
        }
        let rest = call.info.rest
        switch (rest.first, rest.count) {
        case ("healthz", 1): return try Self.read(request) { .text("ok") }
        case ("healthz", 2) where ["ping", "log", "syncloop"].contains(rest[1]): return try Self.read(request) { .text("ok") }
        case ("pods", 1): return try Self.read(request) { self.podsOfNode(node.metadata.name, call) { _ in true } }
        case ("runningpods", 1):
            return try Self.read(request) {
                self.podsOfNode(node.metadata.name, call) { $0.tree[path: "status", "phase"]?.string == "Running" }
            }
        case ("stats", 2) where rest[1] == "summary":
            // As kubelet, whose clients may POST as well.
            guard [.get, .head, .post].contains(request.method) else { throw .methodNotAllowed() }
            let isShort = ["true", "1"].contains(request.query["only_cpu_and_memory"] ?? "")
            let statistics = try await self.statistics(of: node, call, isWhole: !isShort)
            return .json(Array((statistics.summary.pretty() + "\n").utf8))
        case ("metrics", 2) where rest[1] == "resource":
            let statistics = try await self.statistics(of: node, call)
            return try Self.read(request) { RequestMetrics.page(statistics.metrics) }
        case ("metrics", 1):
            let statistics = try await self.statistics(of: node, call, isWhole: true)
            return try Self.read(request) { RequestMetrics.page(statistics.kubeletMetrics) }
        case ("containerLogs", 4):
            guard request.method == .get else { throw .methodNotAllowed() }
            return try await self.containerLog(rest, node.metadata.name, call)
        default: return .text("404 page not found\n", status: 404)
        }
    }

    /// - Parameter isWhole: with what takes a walk through directories.
    private func statistics(of node: Object, _ call: Call, isWhole: Bool = false) async throws(StatusError) -> NodeStatistics {
        guard let metrics = self.resourceMetrics else {
            throw .serviceUnavailable("there are no containers here that could be measured")
        }
        let cluster = call.cluster
        let usage = try await Turn.resting { () async throws(StatusError) in try await metrics.measure(cluster) }
        let pods = cluster.snapshot.list(prefix: Key.prefix(group: "", plural: "pods")).filter {
            $0.tree[path: "spec", "nodeName"]?.string == node.metadata.name
        }
        var rest: PodStatistics?
        if isWhole { rest = try await Turn.resting { () async throws(StatusError) in try await metrics.measureRest(cluster) } }
        return NodeStatistics(node: node, pods: pods, usage: usage, rest: rest)
    }

    private static func read(_ request: APIRequest, _ answer: () -> APIResponse) throws(StatusError) -> APIResponse {
        guard request.method == .get || request.method == .head else { throw .methodNotAllowed() }
        return answer()
    }

    /// A pod list, whose items are sent as they are stored.
    private func podsOfNode(_ node: String, _ call: Call, where isWanted: (Object) -> Bool) -> APIResponse {
        let pods = call.cluster.snapshot.list(prefix: Key.prefix(group: "", plural: "pods")).filter {
            $0.tree[path: "spec", "nodeName"]?.string == node && isWanted($0)
        }
        let head = Array(#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":["#.utf8)
        return APIResponse(
            status: 200, headers: [.contentType: "application/json"],
            body: .stream(isEndless: false) { writer in
                try await writer.write(head)
                for (index, pod) in pods.enumerated() {
                    try await writer.write((index == 0 ? [] : [UInt8(ascii: ",")]) + pod.bytes)
                }
                try await writer.write(Array("]}".utf8))
            })
    }

    private func containerLog(_ path: [String], _ node: String, _ call: Call) async throws(StatusError) -> APIResponse {
        let key = Key(group: "", plural: "pods", namespace: path[1], name: path[2])
        guard let pod = call.cluster.snapshot.get(key), pod.tree[path: "spec", "nodeName"]?.string == node else {
            return .text("pod \"\(path[2])\" not found\n", status: 404)
        }
        let options = try PodLogQuery.options(call.request.query)
        let container: String
        do {
            container = try PodContainers.resolve(path[3], in: pod)
        } catch {
            return .text("container \"\(path[3])\" not found in pod \"\(path[2])\"\n", status: 404)
        }
        let source = try await self.streams.logs(
            PodTarget(cluster: call.cluster, pod: pod), container: container, options: options)
        return Self.log(source, isEndless: options.follow, permit: call.permit)
    }
}
