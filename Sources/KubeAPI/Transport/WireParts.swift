package import HTTPTypes
package import NIOCore
package import NIOWebSocket

/// What comes in on a connection (HTTP/1.1) or stream (HTTP/2), above the codecs. Requests are `head body* end`; after an upgrade
/// only frames follow, or bytes as `body`.
package enum InboundPart: Sendable {
    /// `isFinal`: the connection can't be used for another request afterwards (HTTP/1.0, `Connection: close`, an upgrade asked for).
    case head(HTTPRequest, isFinal: Bool)
    case body(ByteBuffer)
    case end
    case frame(WebSocketFrame)
}

/// What a connection may become.
package enum UpgradeKind: Sendable {
    case webSocket
    /// Something of which the wire knows nothing.
    case bytes
}

/// What goes out. Responses are `head (body|push)* end`, or `upgrade frame*` (`upgrade body*`).
package enum OutboundPart: Sendable {
    /// `isFinal`: say so to the client and close after `end`; HTTP/1.1 only.
    case head(HTTPResponse, isFinal: Bool)
    case body(ByteBuffer)
    /// A body, or a part of one, that the wire fetches itself.
    case push(WirePush)
    case end
    /// Goes nowhere: the request's body is passed on, and may take as long as it likes.
    case patience
    /// The 101 response; from the moment it is written the connection is another. Only when the request's `end` has come in.
    case upgrade(HTTPResponse, UpgradeKind)
    case frame(WebSocketFrame)
}
