import HTTPTypes

/// What becomes of header fields on their way through.
enum ProxyHeaders {
    /// Fields that mean one connection only. Source: RFC 9110, section 7.6.1
    private static let hopByHop: Set<String> = [
        "connection", "proxy-connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]
    /// What proves to this server who the client is, or asks it for another's rights: no backend's business.
    private static let own = ["authorization", "impersonate-user", "impersonate-group", "impersonate-uid", "audit-id"]

    /// A request's fields as the backend gets them.
    static func request(_ fields: HTTPFields, clientAddress: String, keepsUpgrade: Bool) -> HTTPFields {
        let dropped = keepsUpgrade ? [] : self.connectionFields(fields)
        var result = HTTPFields()
        var forwardedFor: [String] = []
        for field in fields {
            let name = field.name.canonicalName
            if dropped.contains(name) || self.own.contains(name) || name.hasPrefix("impersonate-extra-") { continue }
            if name == "x-forwarded-for" {
                forwardedFor.append(field.value)
            } else if name == "sec-websocket-protocol" {
                // Browsers send their token as a subprotocol.
                let protocols = field.value.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }
                    .filter { !Authenticator.isCredential(protocol: $0) }
                if !protocols.isEmpty { result.append(HTTPField(name: field.name, value: protocols.joined(separator: ", "))) }
            } else {
                result.append(field)
            }
        }
        if !clientAddress.isEmpty { forwardedFor.append(clientAddress) }
        if !forwardedFor.isEmpty { result[.xForwardedFor] = forwardedFor.joined(separator: ", ") }
        return result
    }

    /// A backend's fields as the client gets them.
    static func response(_ fields: HTTPFields, keepsUpgrade: Bool) -> HTTPFields {
        let dropped = keepsUpgrade ? [] : self.connectionFields(fields)
        return HTTPFields(fields.filter { !dropped.contains($0.name.canonicalName) && $0.name != .auditID })
    }

    private static func connectionFields(_ fields: HTTPFields) -> Set<String> {
        var names = self.hopByHop
        for value in fields[values: .connection] {
            for name in value.split(separator: ",") { names.insert(String(name.filter { !$0.isWhitespace }).lowercased()) }
        }
        return names
    }

    /// Whether a request asks for another protocol, of any kind.
    static func asksForUpgrade(_ request: APIRequest) -> Bool {
        request.headers[values: .connection].contains { $0.lowercased().contains("upgrade") }
    }
}

extension HTTPField.Name {
    static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let xForwardedURI = HTTPField.Name("X-Forwarded-Uri")!
    static let xForwardedHost = HTTPField.Name("X-Forwarded-Host")!
    static let xForwardedProto = HTTPField.Name("X-Forwarded-Proto")!
}
