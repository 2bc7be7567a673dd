public import Foundation
import KubeStore
public import Logging
import NIOCore
import NIOHTTP2
import NIOSSL
public import ServiceLifecycle
import Synchronization
import X509

/// The server's own certificate: issued at start by the platform's authority, never stored, and renewed in the running process when
/// two thirds of its life are over.
///
/// Concurrency: `current` is read by every new connection on its event loop and replaced by `run()`; both through the mutex.
public final class ServerIdentity: Service {
    private let names: ServerNames
    private let lifetime: TimeInterval
    private let logger: Logger
    private let state: Mutex<State>

    private struct State {
        var authority: PlatformAuthority
        var context: NIOSSLContext
        var start: Date
        var renewal: Date
        var end: Date

        /// Also when it isn't valid yet: the clock was put back.
        func isDue(at now: Date) -> Bool { now >= self.renewal || now < self.start }
    }

    /// Issues the first certificate.
    /// - Parameters:
    ///   - lifetime: of each certificate, in seconds; 90 days by default.
    public init(
        authority: PlatformAuthority, names: ServerNames, lifetime: TimeInterval = 90 * 86_400, logger: Logger
    ) throws {
        self.names = names
        self.lifetime = lifetime
        self.logger = logger
        self.state = Mutex(try Self.issue(authority, names, lifetime))
    }

    /// The authority's certificate as PEM, for kubeconfigs and `kube-root-ca.crt`.
    public var authorityPEM: String {
        self.state.withLock { $0.authority.pem }
    }

    /// Proves itself by another authority, from the next connection on.
    public func replace(_ authority: PlatformAuthority) throws {
        let fresh = try Self.issue(authority, self.names, self.lifetime)
        self.state.withLock { $0 = fresh }
    }

    /// When the certificate that it has now ends, in seconds since 1970.
    public var expiration: Double { self.state.withLock { $0.end }.timeIntervalSince1970 }

    /// In Prometheus' text format.
    public var metricsText: String {
        let end = self.expiration
        let name = "sampan_server_certificate_expiration_timestamp_seconds"
        return "# HELP \(name) When the server's certificate ends; it is renewed before.\n# TYPE \(name) gauge\n\(name) \(end)\n"
    }

    /// The context for a connection that begins now.
    var current: NIOSSLContext {
        self.state.withLock { $0.context }
    }

    /// Whether it is time for another certificate.
    func isDue(at now: Date) -> Bool { self.state.withLock { $0.isDue(at: now) } }

    /// Renews the certificate when it is due, until shut down. It looks every minute, since the clock may jump.
    public func run() async throws {
        try await cancelWhenGracefulShutdown {
            while true {
                let wait = max(1, self.state.withLock { $0.renewal }.timeIntervalSinceNow)
                do { try await Task.sleep(for: .seconds(min(wait, 60))) } catch is CancellationError { return }
                guard self.isDue(at: Date()) else { continue }
                do {
                    try self.replace(self.state.withLock { $0.authority })
                    Healings.process.note(.certificates)
                    self.logger.notice("Renewed the server certificate")
                } catch {
                    self.logger.error(
                        "Renewing the server certificate failed: \(error); the old one stays in use, trying again in an hour")
                    self.state.withLock {
                        $0.start = .distantPast
                        $0.renewal = Date().addingTimeInterval(3600)
                    }
                }
            }
        }
    }

    private static func issue(_ authority: PlatformAuthority, _ names: ServerNames, _ lifetime: TimeInterval) throws -> State {
        let leaf = try authority.current.issue(
            .init(commonName: "sampan", names: names.generalNames, usage: .serverAuth, lifetime: lifetime))
        let bridges = authority.bridges.filter { $0.notValidAfter > Date() }
        let chain = try ([leaf.certificate] + bridges).map { certificate in
            NIOSSLCertificateSource.certificate(try NIOSSLCertificate(bytes: Array(certificate.pem().utf8), format: .pem))
        }
        let key = try NIOSSLPrivateKey(bytes: Array(leaf.keyPEM.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = NIOHTTP2SupportedALPNProtocols
        // A cluster addressed by path is not known before the request, so the handshake takes any client certificate
        // (and names no authority, or clients would withhold theirs); ClientCertificateVerifier judges it per request.
        configuration.certificateVerification = .optionalVerification
        configuration.trustRoots = .certificates([])
        configuration.sendCANameList = false
        return State(
            authority: authority, context: try NIOSSLContext(configuration: configuration),
            start: leaf.certificate.notValidBefore, renewal: Date().addingTimeInterval(lifetime * 2 / 3),
            end: leaf.certificate.notValidAfter)
    }
}
