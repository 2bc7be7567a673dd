import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

extension APIServer {
    /// `…/pods/NAME/exec` and `…/attach`, over a WebSocket.
    ///
    /// SPDY/3.1, which kubectl before 1.31 speaks, is still missing: it is told so with 400.
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
        guard WebSocketHandshake.isRequested(by: call.request) else {
            throw .badRequest("Upgrade request required")
        }
        // Who upgrades with GET changes as much as who does with POST (KEP-4601's rule, on by default since 1.35).
        if info.verb == "get" {
            var attributes = info.attributes(of: call.context.user)
            attributes.verb = "create"
            try self.registry.authorizer.require(attributes, in: call.cluster)
        }
        let offered = WebSocketHandshake.offeredProtocols(by: call.request)
        guard let chosen = offered.lazy.compactMap(RemoteCommand.Subprotocol.init(rawValue:)).first else {
            throw .badRequest(
                "unable to upgrade: none of the subprotocols \(offered) is known; use one of "
                    + "\(RemoteCommand.Subprotocol.allCases.map(\.rawValue))")
        }
        let target = PodTarget(cluster: call.cluster, pod: pod)
        let streams = self.streams
        let isExec = info.subresource == "exec"
        let permit = call.permit
        return APIResponse(
            status: 101,
            body: .webSocket(subprotocol: chosen.rawValue) { session in
                _ = permit
                try await RemoteCommand(session: session, subprotocol: chosen, options: options).run { io in
                    guard isExec else {
                        try await streams.attach(target, container: container, io: io)
                        return 0
                    }
                    return try await streams.exec(target, container: container, command: command, io: io)
                }
            })
    }
}
