import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

extension APIServer {
    /// `…/pods/NAME/exec` and `…/attach`, over a WebSocket or SPDY/3.1.
    func remoteCommand(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let info = call.info
        guard info.verb == "get" || info.verb == "create" else { throw .methodNotAllowed() }
        let query = call.request.query
        let pod = try self.registry.get(resource, namespace: info.namespace, name: info.name, call.context)
        let container = try PodContainers.resolve(query["container"] ?? "", in: pod)
        let command = query.all("command")
        let options = RemoteCommand.Options(query, isAttach: info.subresource == "attach")
        guard options.stdin || options.stdout || options.stderr else {
            throw .badRequest("you must specify at least 1 of stdin, stdout, stderr")
        }
        if info.subresource == "exec", command.isEmpty { throw .badRequest("you must specify at least 1 command") }
        try self.requireCreate(call)
        try await self.admitConnection(call, resource)
        let target = PodTarget(cluster: call.cluster, pod: pod)
        let streams = self.streams
        let isExec = info.subresource == "exec"
        let process: @Sendable (ContainerIO) async throws -> Int32 = { io in
            guard isExec else {
                try await streams.attach(target, container: container, io: io)
                return 0
            }
            return try await streams.exec(target, container: container, command: command, io: io)
        }
        let permit = call.permit
        if WebSocketHandshake.isRequested(by: call.request) {
            let names = RemoteCommand.Subprotocol.allCases.map(\.rawValue)
            let name = try WebSocketHandshake.negotiate(call.request, supported: names)
            let chosen = RemoteCommand.Subprotocol(rawValue: name) ?? .none
            return APIResponse(
                status: 101,
                body: .webSocket(subprotocol: chosen.rawValue) { session in
                    _ = permit
                    try await RemoteCommand(session: session, subprotocol: chosen, options: options).run(process)
                })
        }
        guard SPDYHandshake.isRequested(by: call.request) else { throw .badRequest("Upgrade request required") }
        switch SPDYHandshake.negotiate(call.request, supported: SPDYRemoteCommand.Subprotocol.allCases.map(\.rawValue)) {
        case .refused(let response): return response
        case .upgrade(let headers, let name):
            let chosen = SPDYRemoteCommand.Subprotocol(rawValue: name) ?? .v1
            return APIResponse(
                status: 101, headers: headers,
                body: .upgrade { transport in
                    _ = permit
                    try await SPDYRemoteCommand(transport: transport, subprotocol: chosen, options: options).run(process)
                })
        }
    }

    /// Who upgrades with GET changes as much as who does with POST (KEP-4601's rule, on by default since 1.35).
    func requireCreate(_ call: Call) throws(StatusError) {
        guard call.info.verb == "get" else { return }
        var attributes = call.info.attributes(of: call.context.user)
        attributes.verb = "create"
        try self.registry.authorizer.require(attributes, in: call.cluster)
    }
}
