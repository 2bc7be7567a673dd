import HTTPTypes

/// Asking for SPDY/3.1, and for what is spoken over it.
enum SPDYHandshake {
    static let streamProtocol = HTTPField.Name("X-Stream-Protocol-Version")!
    private static let acceptedProtocols = HTTPField.Name("X-Accepted-Stream-Protocol-Versions")!

    enum Result {
        /// Send ``APIResponse`` with these fields, and speak this protocol; empty when the client names none.
        case upgrade(HTTPFields, protocol: String)
        /// There is no protocol that both know.
        case refused(APIResponse)
    }

    static func isRequested(by request: APIRequest) -> Bool {
        request.headers[.connection]?.lowercased().contains("upgrade") == true
            && request.headers[.upgrade]?.lowercased().contains("spdy/3.1") == true
    }

    /// Takes the first of the client's protocols that is supported. Clients before Kubernetes 1.1 name none.
    static func negotiate(_ request: APIRequest, supported: [String]) -> Result {
        let offered = request.headers[values: self.streamProtocol].flatMap { $0.split(separator: ",") }
            .map { $0.trimmingPrefix(while: \.isWhitespace) }.map(String.init).filter { !$0.isEmpty }
        var headers: HTTPFields = [.upgrade: "SPDY/3.1", .connection: "Upgrade"]
        guard !offered.isEmpty else { return .upgrade(headers, protocol: "") }
        guard let chosen = offered.first(where: supported.contains) else {
            var response = APIResponse.text(
                "unable to upgrade: unable to negotiate protocol: client supports [\(offered.joined(separator: " "))], "
                    + "server accepts [\(supported.joined(separator: " "))]\n", status: 403)
            for name in supported { response.headers.append(HTTPField(name: self.acceptedProtocols, value: name)) }
            return .refused(response)
        }
        headers[self.streamProtocol] = chosen
        return .upgrade(headers, protocol: chosen)
    }
}
