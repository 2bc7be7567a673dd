import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

extension APIServer {
    /// `…/pods/NAME/portforward`: SPDY/3.1, also tunnelled in a WebSocket, or a WebSocket with two channels a port.
    func portForward(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        let info = call.info
        guard info.verb == "get" || info.verb == "create" else { throw .methodNotAllowed() }
        let pod = try self.registry.get(resource, namespace: info.namespace, name: info.name, call.context)
        try self.requireCreate(call)
        try await self.admitConnection(call, resource)
        guard pod.tree["spec"]?["nodeName"]?.string?.isEmpty == false else {
            throw .badRequest("pod \(info.name) does not have a host assigned")
        }
        let target = PodTarget(cluster: call.cluster, pod: pod)
        let streams = self.streams
        let portForward = PortForward(
            forward: { port, source, sink in try await streams.portForward(target, port: port, from: source, to: sink) },
            pod: (pod.metadata.name, pod.metadata.uid))
        let permit = call.permit
        if WebSocketHandshake.isRequested(by: call.request) {
            let offered = WebSocketHandshake.offeredProtocols(by: call.request)
            if offered.contains(WebSocketTunnel.portForward) {
                return APIResponse(
                    status: 101,
                    body: .webSocket(subprotocol: WebSocketTunnel.portForward) { session in
                        _ = permit
                        try await portForward.run(WebSocketTunnel(session: session))
                    })
            }
            let chosen = RemoteCommand.Subprotocol.v4.rawValue
            guard offered.isEmpty || offered.contains(chosen) else {
                throw .badRequest(
                    "unable to upgrade: none of the subprotocols \(offered) is known; use one of "
                        + "\([WebSocketTunnel.portForward, chosen])")
            }
            let ports = try WebSocketPortForward.ports(call.request.query)
            return APIResponse(
                status: 101,
                body: .webSocket(subprotocol: offered.isEmpty ? "" : chosen) { session in
                    _ = permit
                    try await WebSocketPortForward(session: session, ports: ports, portForward: portForward).run()
                })
        }
        guard SPDYHandshake.isRequested(by: call.request) else { throw .badRequest("Upgrade request required") }
        switch SPDYHandshake.negotiate(call.request, supported: [PortForward.subprotocol]) {
        case .refused(let response): return response
        case .upgrade(let headers, _):
            return APIResponse(
                status: 101, headers: headers,
                body: .upgrade { transport in
                    _ = permit
                    try await portForward.run(transport)
                })
        }
    }
}
