import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema

/// A watch over a WebSocket: each event is a message, text in JSON and binary in protobuf.
extension WatchBody {
    /// Upstream's handshake for watches: a request must say where it comes from, and may offer one subprotocol, whichever, which is
    /// then said to be spoken. What isn't so is refused without words.
    func webSocketResponse(to request: APIRequest) -> APIResponse {
        let origin = request.headers[.origin] ?? ""
        guard origin.hasPrefix("/") || origin.prefix(while: { $0 != "/" }).hasSuffix(":") else {
            return APIResponse(status: 403, body: .bytes([]))
        }
        let offered = WebSocketHandshake.offeredProtocols(by: request).filter { !Authenticator.isCredential(protocol: $0) }
        guard offered.count <= 1 else { return APIResponse(status: 400, body: .bytes([])) }
        return APIResponse(
            status: 101,
            body: .webSocket(subprotocol: offered.first ?? "") { session in
                let outcome = await ProcessOutcome.first(
                    of: {
                        try await self.whileItLasts { try await self.send(over: session) }
                        return 0
                    },
                    orEndOf: {
                        do {
                            while let message = try await session.receive(), message != .close {}
                        } catch {
                            // The client is gone: the same as its close.
                        }
                    })
                self.stream.finish()
                if case .clientGone = outcome { return }
                try await session.close(code: 1000, reason: "")
            })
    }

    private func send(over session: any WebSocketSession) async throws {
        let isText = self.encoder.representation.coding != .protobuf
        var isFirst = true
        for await batch in self.stream {
            for event in batch {
                do {
                    let encoded = try self.encoder.encode(event, isFirst: isFirst)
                    isFirst = false
                    if isText {
                        try await session.send(text: String(decoding: encoded, as: UTF8.self))
                    } else {
                        // A message has its length already.
                        try await session.send(Array(encoded.dropFirst(Protobuf.watchFrameHeaderSize)))
                    }
                } catch let error as StatusError {
                    return try await session.send(text: String(decoding: Self.failure(error), as: UTF8.self))
                }
            }
        }
    }
}
