import Foundation
import KubeObject
import Synchronization

/// A WebSocket whose messages are text, for clients that can't send bytes: a digit that names the channel, and the rest in base64.
/// Looks from here like one that carries bytes.
final class Base64Session: WebSocketSession {
    private let session: any WebSocketSession
    /// What of a message has come and makes no whole group of four yet. Only the task that receives uses it.
    private let rest = Mutex<[UInt8]>([])

    init(_ session: any WebSocketSession) {
        self.session = session
    }

    func receive() async throws -> WebSocketMessage? {
        guard let message = try await self.session.receive() else { return nil }
        guard case .data(let bytes, let isStart) = message else { return message }
        guard isStart else { return .data(try self.decode(bytes[...], isStart: false), isStart: false) }
        guard let digit = bytes.first else { return message }
        return .data([digit &- UInt8(ascii: "0")] + (try self.decode(bytes.dropFirst(), isStart: true)), isStart: true)
    }

    private func decode(_ bytes: ArraySlice<UInt8>, isStart: Bool) throws -> [UInt8] {
        try self.rest.withLock { rest in
            let all = (isStart ? [] : rest) + bytes
            let whole = all.count - all.count % 4
            rest = Array(all[whole...])
            guard let data = Data(base64Encoded: Data(all[..<whole])) else {
                throw StatusError.badRequest("a message isn't in base64")
            }
            return Array(data)
        }
    }

    func send(_ bytes: [UInt8]) async throws {
        guard let channel = bytes.first else { return try await self.session.send(text: "") }
        try await self.session.send(text: String(channel) + Data(bytes.dropFirst()).base64EncodedString())
    }

    func send(text: String) async throws { try await self.session.send(text: text) }

    func close(code: UInt16, reason: String) async throws { try await self.session.close(code: code, reason: reason) }
}
