/// A request that got no answer from a Kubernetes API: the network, TLS, or an answer that isn't Kubernetes'.
///
/// An answer that is a failure is a `StatusError` instead.
public struct ClientError: Error, CustomStringConvertible {
    public enum Reason: Sendable, Equatable {
        /// Nothing listens there.
        case unreachable
        /// The server isn't who it should be, or doesn't take the client's certificate.
        case tls
        case timeout
        /// Not an answer that a Kubernetes API gives.
        case malformed
        case other
    }

    public var reason: Reason
    /// The method and URL.
    public var request: String
    public var message: String

    public init(_ reason: Reason, request: String, message: String) {
        self.reason = reason
        self.request = request
        self.message = message
    }

    public var description: String { "\(request): \(message)" }
}
