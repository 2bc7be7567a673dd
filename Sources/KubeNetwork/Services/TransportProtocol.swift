/// A protocol that a service port can have.
public enum TransportProtocol: String, Sendable, Hashable {
    case tcp, udp, sctp

    /// From the API's spelling; nothing given means TCP.
    init?(api name: String?) {
        switch name {
        case nil, "", "TCP": self = .tcp
        case "UDP": self = .udp
        case "SCTP": self = .sctp
        default: return nil
        }
    }
}
