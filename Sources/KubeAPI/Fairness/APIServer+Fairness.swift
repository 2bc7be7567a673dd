import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore

/// What fairness knows of a request while it is answered.
struct Progress: Sendable {
    /// The flow that it belongs to; nil for those that none is looked for.
    var flow: Flow?
    var turn: Turn?

    /// Says in the response to which flow the request belonged, and lets others work while the response waits for its reader.
    func finish(_ response: inout APIResponse) {
        for field in self.flow?.fields ?? [] { response.headers[fields: field.name] = [field] }
        guard let turn = self.turn else { return }
        guard case .stream(isEndless: false, let weight, let write) = response.body else { return turn.end() }
        turn.rest()
        response.body = .stream(isEndless: false, weight: weight) { writer in
            await turn.resume()
            defer { turn.end() }
            try await write(RestingWriter(base: writer, turn: turn))
        }
    }
}

/// Writes a part of a long response without a seat, so that neither its length nor a slow reader keeps others waiting.
private struct RestingWriter: ResponseWriter {
    let base: any ResponseWriter
    let turn: Turn

    func write(_ bytes: [UInt8]) async throws {
        self.turn.rest()
        try await self.base.write(bytes)
        await self.turn.resume()
    }
}

extension APIServer {
    /// The flow of a request; nil for streams other than watches: they wait for others nearly all of their time, and have no turn.
    func flow(_ info: RequestInfo, _ user: UserInfo, _ cluster: LogicalCluster) -> Flow? {
        if info.isLongRunning, info.verb != "watch" { return nil }
        return self.flows.configuration(of: cluster).classify(info, user)
    }

    /// Waits for the turn of a request that has a flow.
    ///
    /// - Returns: false when the request is refused.
    func awaitTurn(
        _ cluster: LogicalCluster, _ limits: ClusterPolicy.Limits, _ progress: inout Progress
    ) async -> Bool {
        guard let flow = progress.flow else { return true }
        progress.turn = await self.queue.turn(
            flow, cluster: cluster.id, concurrency: limits.requests,
            isPlatform: cluster.name == ClusterAddress.root)
        return progress.turn != nil
    }
}

extension APIResponse {
    /// Upstream's fairness says it in plain text.
    static var tooManyRequests: APIResponse {
        var response = APIResponse.text("Too many requests, please try again later.\n", status: 429)
        response.headers[.retryAfter] = "1"
        return response
    }
}

extension HTTPField.Name {
    static let flowSchemaUID = HTTPField.Name("X-Kubernetes-Pf-Flowschema-Uid")!
    static let priorityLevelUID = HTTPField.Name("X-Kubernetes-Pf-Prioritylevel-Uid")!
}
