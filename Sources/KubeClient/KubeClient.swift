import AsyncHTTPClient
import FoundationEssentials
import HTTP2Frames
import KubeObject
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOHTTP2

/// A client of one Kubernetes API, upstream's or Sampan's.
///
/// A failure that the server explains is thrown as `StatusError`; everything else as ``ClientError``.
/// Owns connections: call ``shutdown()`` when done with it, or use ``with(_:_:)``.
public final class KubeClient: Sendable {
    public let configuration: ClientConfiguration
    let http: HTTPClient
    private let base: String
    private let requestTimeout: TimeAmount
    private let warn: @Sendable (String) -> Void
    /// Answers above this size are refused rather than held in memory.
    private static let maximumAnswer = 512 << 20

    /// - Parameters:
    ///   - usesHTTP2: whether HTTP/2 is used where the server speaks it: one connection carries all requests then, as client-go's.
    ///   - connections: how many HTTP/1.1 connections are kept; further requests wait for one.
    ///   - warn: told what servers say in `Warning` headers.
    public init(
        _ configuration: ClientConfiguration, requestTimeoutSeconds: Int64 = 60, usesHTTP2: Bool = true, connections: Int = 64,
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        self.configuration = configuration
        self.warn = warn
        requestTimeout = .seconds(requestTimeoutSeconds)
        var settings = HTTPClient.Configuration(tlsConfiguration: try configuration.tls())
        settings.timeout.connect = .seconds(10)
        settings.redirectConfiguration = .disallow
        settings.connectionPool.retryConnectionEstablishment = false
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        settings.httpVersion = usesHTTP2 ? .automatic : .http1Only
        settings.http2ConnectionDebugInitializer = Self.alignFrames
        (base, settings.dnsOverride) = Self.address(configuration)
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    /// What a connection has received so far are the server's first frames, which come as a whole.
    @Sendable private static func alignFrames(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.pipeline.handler(type: NIOHTTP2Handler.self).flatMapThrowing { handler in
            try channel.pipeline.syncOperations.addHandler(HTTP2FrameAligner(from: .server), position: .before(handler))
        }
    }

    /// Runs `body` with a client that is shut down afterwards. A program that gives credentials is run before.
    public static func with<Result>(
        _ configuration: ClientConfiguration, usesHTTP2: Bool = true, connections: Int = 64,
        warn: @escaping @Sendable (String) -> Void = { _ in }, _ body: (KubeClient) async throws -> Result
    ) async throws -> Result {
        let client = try KubeClient(
            try await configuration.resolved(), usesHTTP2: usesHTTP2, connections: connections, warn: warn)
        let result: Result
        do {
            result = try await body(client)
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
        return result
    }

    public func shutdown() async throws {
        try await http.shutdown()
    }

    /// Sends one request and reads the whole answer.
    ///
    /// - Parameters:
    ///   - path: below the configured server's own path, with a leading slash; already percent-encoded.
    ///   - query: names and values, not yet encoded.
    ///   - accept: the media type to be answered in.
    /// - Throws: `StatusError` for every answer that isn't 2xx.
    public func send(
        _ method: String, _ path: String, query: [(String, String)] = [], body: [UInt8]? = nil,
        contentType: String = "application/json", accept: String = "application/json"
    ) async throws -> [UInt8] {
        let request = try makeRequest(method, path, query: query, body: body, contentType: contentType, accept: accept)
        let label = "\(method) \(request.url)"
        do {
            let response = try await http.execute(request, timeout: requestTimeout)
            for text in response.headers["warning"] { Self.warning(text).map(warn) }
            let bytes = Array(buffer: try await response.body.collect(upTo: Self.maximumAnswer))
            guard (200..<300).contains(response.status.code) else {
                throw Self.failure(Int(response.status.code), bytes, label)
            }
            return bytes
        } catch {
            throw ClientError.translating(error, request: label)
        }
    }

    func makeRequest(
        _ method: String, _ path: String, query: [(String, String)], body: [UInt8]?, contentType: String,
        accept: String = "application/json"
    ) throws -> HTTPClientRequest {
        var url = base + path
        if !query.isEmpty {
            url += "?" + query.map { "\(percentEncoded($0.0))=\(percentEncoded($0.1))" }.joined(separator: "&")
        }
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "accept", value: accept)
        request.headers.add(name: "user-agent", value: "sampan")
        if let body {
            request.headers.add(name: "content-type", value: contentType)
            request.body = .bytes(body)
        }
        switch configuration.credentials {
        case .anonymous, .certificate: break
        case .exec: throw KubeconfigError("the program that gives the user's credential wasn't run")
        case .token(let token): request.headers.add(name: "authorization", value: "Bearer \(token)")
        case .tokenFile(let file):
            guard let bytes = try AtomicFile.read(file) else { throw KubeconfigError("there is no token file \(file)") }
            let token = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
            request.headers.add(name: "authorization", value: "Bearer \(token)")
        }
        return request
    }

    /// The text of a `Warning` header as Kubernetes has it: `299 - "text"`; nil for another one.
    static func warning(_ header: String) -> String? {
        guard header.hasPrefix("299 "), let start = header.firstIndex(of: "\"") else { return nil }
        var text = ""
        var isEscaped = false
        for character in header[header.index(after: start)...] {
            if isEscaped {
                text.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                return text
            } else {
                text.append(character)
            }
        }
        return nil
    }

    /// The error that an answer outside 2xx stands for.
    static func failure(_ code: Int, _ bytes: [UInt8], _ label: String) -> any Error {
        if let tree = try? JSON(parsing: bytes), let error = StatusError(status: tree) { return error }
        let text = String(decoding: bytes.prefix(512), as: UTF8.self)
        return ClientError(.malformed, request: label, message: "HTTP \(code) without a Status: \(text)")
    }
}

// MARK: - Setting up

extension KubeClient {
    /// The URL to ask for and, where the certificate carries another name than the address, which address that name stands for.
    private static func address(_ configuration: ClientConfiguration) -> (base: String, override: [String: String]) {
        guard let name = configuration.serverName, let url = URL(string: configuration.server), let host = url.host(),
            host != name
        else { return (configuration.server, [:]) }
        let port = url.port.map { ":\($0)" } ?? ""
        return ("\(url.scheme ?? "https")://\(name)\(port)\(url.path())", [name: host])
    }
}
