import Crypto
import Foundation
import HTTPTypes
import KubeObject
import KubeRegistry

/// The opening handshake of RFC 6455, section 4.2.
enum WebSocketHandshake {
    /// Whether a request asks for a WebSocket in due form.
    static func isRequested(by request: APIRequest) -> Bool {
        let headers = request.headers
        return request.method == .get && headers[.upgrade]?.lowercased() == "websocket"
            && headers[.connection]?.lowercased().contains("upgrade") == true && headers[.webSocketVersion] == "13"
            && headers[.webSocketKey].flatMap { Data(base64Encoded: $0) }?.count == 16
    }

    /// The subprotocols that the client offers, most wanted first.
    static func offeredProtocols(by request: APIRequest) -> [String] {
        request.headers[values: .webSocketProtocol].flatMap { $0.split(separator: ",") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// The subprotocol that the client wants most of those that the server speaks; the empty one when it asks for none.
    static func negotiate(_ request: APIRequest, supported: [String]) throws(StatusError) -> String {
        let offered = offeredProtocols(by: request)
        if offered.isEmpty, supported.contains("") { return "" }
        guard let chosen = offered.first(where: supported.contains) else {
            throw .badRequest(
                "unable to upgrade: none of the subprotocols \(offered) is known; use one of \(supported.filter { !$0.isEmpty })")
        }
        return chosen
    }

    static func responseHeaders(for request: APIRequest, subprotocol: String) -> HTTPFields {
        let key = (request.headers[.webSocketKey] ?? "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        let accept = Data(Insecure.SHA1.hash(data: Data(key.utf8))).base64EncodedString()
        var headers: HTTPFields = [
            .upgrade: "websocket", .connection: "Upgrade", HTTPField.Name("Sec-WebSocket-Accept")!: accept,
        ]
        if !subprotocol.isEmpty { headers[.webSocketProtocol] = subprotocol }
        return headers
    }
}
