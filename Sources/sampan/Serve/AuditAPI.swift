import KubeAPI
import KubeClient
import KubeObject

/// Posts audit events to where a kubeconfig says.
final class AuditAPI: AuditReceiver {
    private let configuration: ClientConfiguration

    init(_ configuration: ClientConfiguration) throws {
        // Certificates that can't be read are told of at the start.
        _ = try configuration.tls()
        self.configuration = configuration
    }

    /// Each batch goes by a connection of its own: they are seconds apart.
    func send(_ events: [UInt8]) async throws -> Bool {
        do {
            return try await KubeClient.with(configuration) { client in
                _ = try await client.send("POST", "", body: events)
                return true
            }
        } catch let error as StatusError where Self.isFinal(error.code) {
            return false
        } catch let error as ClientError where error.reason == .malformed {
            // An answer that is no Status says by its code only what happened.
            guard let code = Self.code(in: error.message), Self.isFinal(code) else { throw error }
            return false
        }
    }

    /// Whether the receiver doesn't want it, now or later.
    private static func isFinal(_ code: Int) -> Bool { (400..<500).contains(code) && code != 429 && code != 408 }

    private static func code(in message: String) -> Int? {
        message.hasPrefix("HTTP ") ? Int(message.dropFirst(5).prefix { $0.isNumber }) : nil
    }
}
