/// SPDY's bytes in a WebSocket's binary messages, cut anywhere. Source: KEP-4006
struct WebSocketTunnel: ByteSession {
    /// What a subprotocol begins with that is tunnelled.
    static let portForward = "SPDY/3.1+portforward.k8s.io"

    let session: any WebSocketSession

    func receive() async throws -> [UInt8]? {
        guard case .data(let bytes, _) = try await self.session.receive() else { return nil }
        return bytes
    }

    func send(_ bytes: [UInt8]) async throws {
        try await self.session.send(bytes)
    }
}
