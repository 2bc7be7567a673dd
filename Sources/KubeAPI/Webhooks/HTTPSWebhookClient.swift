import AsyncHTTPClient
import Glibc
import KubeObject
public import KubeRegistry
public import KubeStore
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
public import ServiceLifecycle
import Synchronization

/// Asks webhooks over HTTPS.
///
/// A tenant says where its webhooks are, and this server reaches more than a tenant may: so an address is connected to only if
/// `mayReach` says that the tenant's own pods could, and a name is resolved once, so that what was allowed is what is connected to.
///
/// A service is reached at one of its ready endpoints, since service addresses mean something to pods only.
///
/// Concurrency: any task may ask. Connections are kept, by cluster and destination; the least used destinations are let go of.
public final class HTTPSWebhookClient: WebhookClient, Service {
    /// One destination of one cluster. Connections are never shared by clusters.
    struct Destination: Hashable {
        var cluster: Int64
        var host: String
        var address: String
        var authorities: [UInt8]
    }

    private struct State {
        var clients: [Destination: (client: HTTPClient, usedAt: UInt64)] = [:]
        var uses: UInt64 = 0
        var isShutDown = false
    }

    private static let maximumDestinations = 256

    /// Where somebody in a cluster wants this server to connect.
    public struct Place: Sendable, Hashable {
        /// An IPv4 address.
        public var address: String
        /// The name that it was found by, or itself.
        public var host: String
        public var port: Int
    }

    private let mayReach: @Sendable (Place, _ cluster: LogicalCluster) -> Bool
    private let attendant: (any ClusterAttendant)?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - attendant: has a sleeping cluster wake whose webhook is to be asked.
    ///   - mayReach: whether a webhook of the cluster's may be at a place.
    public init(
        attendant: (any ClusterAttendant)? = nil,
        mayReach: @escaping @Sendable (Place, _ cluster: LogicalCluster) -> Bool
    ) {
        self.attendant = attendant
        self.mayReach = mayReach
    }

    /// Keeps connections until the server is shut down.
    public func run() async throws {
        // Cancelled or shut down: either way it's over.
        try? await gracefulShutdown()
        await self.close()
    }

    /// Lets go of all connections; what is in progress fails.
    func close() async {
        let clients = self.state.withLock { state in
            state.isShutDown = true
            defer { state.clients = [:] }
            return state.clients.values.map(\.client)
        }
        for client in clients {
            // Fails only for a client that is shut down already.
            try? await client.shutdown()
        }
    }

    public func post(_ request: WebhookRequest) async throws(WebhookFailure) -> [UInt8] {
        try await Turn.resting { () async throws(WebhookFailure) in
            var request = request
            await self.wake(for: &request)
            return try await self.ask(request)
        }
    }

    /// Waits for the endpoint of a service whose cluster sleeps or wakes, no longer than for an answer, and takes that off the time that
    /// is left. Only for clients: what a part of this server writes mustn't wake a cluster, or none would ever sleep.
    private func wake(for request: inout WebhookRequest) async {
        guard case .service(let namespace, let name, _, _) = request.target.address, let attendant, Turn.current != nil,
            let patience = attendant.patience(with: request.cluster)
        else { return }
        let start = ContinuousClock.now
        let use = attendant.note(
            ClusterUse(.write, "a request about which webhook \(namespace)/\(name) is asked"), of: request.cluster)
        defer { withExtendedLifetime(use) {} }
        let (target, cluster) = (request.target, request.cluster)
        let prefix = Key.prefix(group: "discovery.k8s.io", plural: "endpointslices", namespace: namespace)
        _ = await cluster.wait(forChangesOf: prefix, end: min(patience, start + request.timeout)) {
            guard !attendant.isAsleep(cluster) else { return false }
            do throws(WebhookFailure) {
                _ = try Self.route(target, cluster)
                return true
            } catch {
                return !error.message.hasPrefix("no endpoints")
            }
        }
        request.timeout = max(request.timeout - start.duration(to: .now), .seconds(1))
    }

    private func ask(_ request: WebhookRequest) async throws(WebhookFailure) -> [UInt8] {
        let seconds = request.timeout.components.seconds
        let url = "\(request.target.url)?timeout=\(seconds)s"
        func failure(_ why: String, isTimeout: Bool = false) -> WebhookFailure {
            WebhookFailure("Post \"\(url)\": \(why)", isTimeout: isTimeout)
        }
        do {
            let route = try Self.route(request.target, request.cluster)
            let address = try await self.address(of: route, request.cluster)
            let destination = Destination(
                cluster: request.cluster.id, host: route.host, address: address, authorities: request.target.authorities)
            let client = try self.client(destination)
            var question = HTTPClientRequest(
                url:
                    "https://\(route.host):\(route.connectPort)\(route.path)\(route.path.contains("?") ? "&" : "?")timeout=\(seconds)s"
            )
            question.method = .POST
            question.headers = [
                "Host": "\(route.host):\(route.port)", "Content-Type": "application/json", "Accept": "application/json",
                "User-Agent": "kube-apiserver-admission",
            ]
            question.body = .bytes(request.body)
            let answer = try await client.execute(question, timeout: .nanoseconds(request.timeout.nanoseconds))
            let body = try await answer.body.collect(upTo: request.maximumAnswer)
            let bytes = Array(body.readableBytesView)
            guard (200..<300).contains(answer.status.code) else {
                throw WebhookFailure(Self.refusal(Int(answer.status.code), bytes))
            }
            return bytes
        } catch let error as WebhookFailure {
            throw error.message.hasPrefix("the server") || error.message.hasPrefix("an error on the server")
                ? error : failure(error.message, isTimeout: error.isTimeout)
        } catch let error as HTTPClientError {
            if [.deadlineExceeded, .connectTimeout, .readTimeout].contains(error) {
                throw failure("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", isTimeout: true)
            }
            throw failure("\(error.shortDescription)")
        } catch let error as NIOSSLError {
            throw failure(Self.words(of: error))
        } catch is NIOTooManyBytesError {
            throw failure("the answer has more than \(request.maximumAnswer) bytes")
        } catch {
            throw failure(Self.words(of: error))
        }
    }

    // MARK: Where to

    private static func route(_ target: WebhookTarget, _ cluster: LogicalCluster) throws(WebhookFailure) -> WebhookRoute {
        switch target.address {
        case .url(let url): try WebhookRoute(url: url)
        case .service(let namespace, let name, let port, let path):
            try WebhookRoute(namespace: namespace, name: name, port: port, path: path, in: cluster.snapshot) {
                Int.random(in: 0..<$0)
            }
        }
    }

    func address(
        of route: WebhookRoute, _ cluster: LogicalCluster, isTrusted: Bool = false
    ) async throws(WebhookFailure) -> String {
        let addresses: [String]
        if let address = route.address {
            addresses = [address]
        } else {
            let host = route.host
            do {
                addresses = try await NIOThreadPool.singleton.runIfActive { Self.resolve(host) }
            } catch {
                throw WebhookFailure("dial tcp: lookup \(host): \(error)")
            }
            guard !addresses.isEmpty else { throw WebhookFailure("dial tcp: lookup \(host): no such host") }
        }
        let allowed = addresses.first { address in
            isTrusted || self.mayReach(Place(address: address, host: route.host, port: route.connectPort), cluster)
        }
        guard let allowed else {
            throw WebhookFailure(
                "dial tcp \(addresses[0]):\(route.connectPort): connect: the address isn't one that this cluster's webhooks may have"
            )
        }
        return allowed
    }

    /// The IPv4 addresses of a name. Blocks.
    private static func resolve(_ host: String) -> [String] {
        var hints = addrinfo()
        hints.ai_family = AF_INET
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &first) == 0 else { return [] }
        defer { freeaddrinfo(first) }
        var addresses: [String] = []
        var next = first
        while let entry = next?.pointee {
            next = entry.ai_next
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard
                getnameinfo(entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            else { continue }
            addresses.append(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        return addresses
    }

    // MARK: Connections

    func client(_ destination: Destination) throws -> HTTPClient {
        if let known = self.state.withLock({ Self.use(destination, &$0) }) { return known }
        let made = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: try Self.configuration(destination))
        let (client, surplus) = self.state.withLock { state -> (HTTPClient?, [HTTPClient]) in
            if state.isShutDown { return (nil, [made]) }
            if let known = Self.use(destination, &state) { return (known, [made]) }
            state.uses += 1
            state.clients[destination] = (made, state.uses)
            guard state.clients.count > Self.maximumDestinations,
                let oldest = state.clients.min(by: { $0.value.usedAt < $1.value.usedAt })
            else { return (made, []) }
            state.clients[oldest.key] = nil
            return (made, [oldest.value.client])
        }
        // What is in progress there ends with an error: a client among 256 that is the least used has nothing in progress but by chance.
        for client in surplus { client.shutdown { _ in } }
        guard let client else { throw WebhookFailure("the server is shutting down") }
        return client
    }

    private static func use(_ destination: Destination, _ state: inout State) -> HTTPClient? {
        guard let known = state.clients[destination]?.client else { return nil }
        state.uses += 1
        state.clients[destination]?.usedAt = state.uses
        return known
    }

    private static func configuration(_ destination: Destination) throws -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if !destination.authorities.isEmpty {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(destination.authorities))
            } catch {
                throw WebhookFailure("unable to load root certificates: unable to parse bytes as PEM block")
            }
        }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.idleTimeout = .seconds(30)
        configuration.dnsOverride = [destination.host: destination.address]
        return configuration
    }

    // MARK: Words

    /// As client-go words an answer that isn't of the class 2xx.
    private static func refusal(_ code: Int, _ body: [UInt8]) -> String {
        switch code {
        case 404: return "the server could not find the requested resource"
        case 401: return "the server has asked for the client to provide credentials"
        case 503: return "the server is currently unable to handle the request"
        case 500...:
            let text = String(decoding: body.prefix(2048), as: UTF8.self)
            return "an error on the server (\(JSON.string(text).text)) has prevented the request from succeeding"
        default: return "the server rejected our request for an unknown reason"
        }
    }

    static func words(of error: any Error) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate") {
            return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        }
        if text.contains("noValidHostname") || text.contains("unableToFindHostname")
            || text.contains("failedToValidateCertificate")
        {
            return "tls: failed to verify certificate: x509: certificate is not valid for this name"
        }
        if let error = error as? NIOConnectionError {
            let reason = error.connectionErrors.first.map { "\($0.error)" } ?? text
            return "dial tcp \(error.host):\(error.port): connect: \(reason.contains("refused") ? "connection refused" : reason)"
        }
        return text.contains("refused") ? "dial tcp: connect: connection refused" : text
    }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
