import Foundation
import Synchronization
import X509

/// A client's connection: who it claims to be by TLS, where it comes from, and what has been found out about that.
///
/// Concurrency: the handshake writes on the event loop before the first request is read; requests (on HTTP/2, several at once)
/// read, and remember verified certificates, through the mutex.
public final class ClientConnection: Sendable {
    private struct Judge: Hashable {
        var cluster: Int64
        var trust: String
    }

    private struct State {
        var chain: [[UInt8]] = []
        var serverName: String?
        var verdicts: [Judge: ClientCertificateVerifier.Verdict] = [:]
    }

    /// The peer's address in text, without its port; empty when unknown.
    public let address: String
    private let state: Mutex<State>
    let lastToken = LastToken()

    /// - Parameters:
    ///   - address: the peer's IP address in text.
    ///   - chain: the client certificates it sent, DER, leaf first.
    ///   - serverName: the name it asked for in the handshake (SNI).
    public init(address: String = "", chain: [[UInt8]] = [], serverName: String? = nil) {
        self.address = address
        self.state = Mutex(State(chain: chain, serverName: serverName))
    }

    func note(chain: [[UInt8]]) {
        self.state.withLock { $0.chain = chain }
    }

    func note(serverName: String?) {
        self.state.withLock { $0.serverName = serverName }
    }

    /// The name that the client asked for in the handshake.
    var serverName: String? {
        self.state.withLock { $0.serverName }
    }

    /// Whether the client sent a certificate.
    var hasCertificate: Bool {
        self.state.withLock { !$0.chain.isEmpty }
    }

    /// What the client's certificate means in a cluster, verified once per connection, cluster and what the cluster trusts; nil when
    /// there is none.
    func certificateVerdict(cluster: Int64, trust: ClientTrust) async -> ClientCertificateVerifier.Verdict? {
        let judge = Judge(cluster: cluster, trust: trust.id)
        let (chain, known) = self.state.withLock { ($0.chain, $0.verdicts[judge]) }
        guard !chain.isEmpty else { return nil }
        switch known {
        case .valid(let subject) where subject.notAfter > .now: return known
        case .invalid: return known
        default: break
        }
        let verdict = await offEventLoop { await ClientCertificateVerifier.verify(chain: chain, authorities: trust.authorities) }
        self.state.withLock { state in
            // Someone who walks through many clusters on one connection must not make it grow without bound.
            if state.verdicts.count >= 16 { state.verdicts.removeAll() }
            state.verdicts[judge] = verdict
        }
        return verdict
    }
}
