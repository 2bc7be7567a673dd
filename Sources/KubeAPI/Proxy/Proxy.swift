import Foundation
import HTTPTypes
import KubeObject
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOPosix

/// Passes a request on to a backend, and its answer back: bodies piece by piece both ways, upgrades as bytes. Follows no redirects.
struct Proxy: Sendable {
    var backend: Backend
    /// Path and query as the backend gets them.
    var target: String
    /// The fields as the backend gets them.
    var headers: HTTPFields
    /// The `Host` as the backend gets it.
    var host: String
    /// How links in the answer are changed; nil to leave them.
    var links: ProxyLinks?
    /// What is answered when the backend can't be reached.
    var failure: @Sendable (_ why: String) -> APIResponse

    /// The response to a request, which asks for an upgrade or not.
    func response(to request: APIRequest) -> APIResponse {
        APIResponse(status: 200, body: .exchange { exchange in try await self.run(request, exchange) })
    }

    private func run(_ request: APIRequest, _ exchange: any ResponseExchange) async throws -> APIResponse? {
        let connection: Backend.Connection
        do {
            connection = try await self.backend.connect()
        } catch {
            return self.failure("dial tcp \(self.backend.authority): \(Self.reason(error))")
        }
        // The peer may end the connection as it likes once its answer is there.
        let result = Outcome()
        do {
            try await connection.executeThenClose { inbound, outbound in
                try await self.exchange(request, exchange, inbound, outbound, result)
            }
        } catch {
            guard !result.hasBegun else { throw error }
            return self.failure(Self.reason(error))
        }
        return result.instead
    }

    /// What came of an exchange, for whoever closes the connection.
    private final class Outcome {
        var hasBegun = false
        var instead: APIResponse?
    }

    private func exchange(
        _ request: APIRequest, _ exchange: any ResponseExchange, _ inbound: NIOAsyncChannelInboundStream<BackendPart>,
        _ outbound: NIOAsyncChannelOutboundWriter<BackendRequestPart>, _ outcome: Outcome
    ) async throws {
        let asksForUpgrade = ProxyHeaders.asksForUpgrade(request)
        var head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: request.method.rawValue), uri: self.target)
        head.headers = HTTPHeaders(self.headers)
        head.headers.replaceOrAdd(name: "Host", value: self.host)
        // Whose length isn't told may have no body at all.
        let first = asksForUpgrade || request.headers[.contentLength] != nil ? nil : try await request.body.next()
        if first != nil {
            head.headers.replaceOrAdd(name: "Transfer-Encoding", value: "chunked")
        } else if request.headers[.contentLength] == nil, [.post, .put, .patch].contains(request.method) {
            head.headers.replaceOrAdd(name: "Content-Length", value: "0")
        }
        try await outbound.write(.head(head))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                if let first { try await outbound.write(.body(ByteBuffer(bytes: first))) }
                while !asksForUpgrade, let bytes = try await request.body.next() {
                    try await outbound.write(.body(ByteBuffer(bytes: bytes)))
                }
                try await outbound.write(.end)
            }
            defer { group.cancelAll() }
            var parts = inbound.makeAsyncIterator()
            guard case .head(let head)? = try await parts.next() else { throw BackendClosed() }
            try await self.answer(head, &parts, request, exchange, outbound, outcome)
        }
    }

    private func answer(
        _ head: HTTPResponseHead, _ parts: inout NIOAsyncChannelInboundStream<BackendPart>.AsyncIterator, _ request: APIRequest,
        _ exchange: any ResponseExchange, _ outbound: NIOAsyncChannelOutboundWriter<BackendRequestPart>, _ outcome: Outcome
    ) async throws {
        let status = Int(head.status.code)
        let fields = HTTPFields(head.headers, splitCookie: false)
        let asksForUpgrade = ProxyHeaders.asksForUpgrade(request)
        if asksForUpgrade, status != 101, status < 400 {
            outcome.instead = self.failure("invalid upgrade response: status code \(status)")
            return
        }
        guard status != 101 else {
            guard asksForUpgrade else { throw BackendClosed() }
            outcome.hasBegun = true
            let session = try await exchange.upgrade(headers: ProxyHeaders.response(fields, keepsUpgrade: true))
            return try await Self.join(session, &parts, outbound)
        }
        var headers = ProxyHeaders.response(fields, keepsUpgrade: false)
        var rewriter: PageRewriter?
        if let links, let place = headers[.location] {
            headers[.location] = links.rewrite(place)
        } else if let links, request.method != .head, MediaType(headers[.contentType] ?? "").name == "text/html" {
            rewriter = PageRewriter(links: links, contentEncoding: headers[.contentEncoding] ?? "")
            if rewriter != nil { headers[.contentLength] = nil }
        }
        outcome.hasBegun = true
        let writer = try await exchange.begin(status: status, headers: headers)
        while let part = try await parts.next() {
            switch part {
            case .body(let bytes):
                let piece = Array(bytes.readableBytesView)
                guard let rewriter else {
                    try await writer.write(piece)
                    continue
                }
                try await rewriter.rewrite(piece) { try await writer.write($0) }
            case .end:
                try await rewriter?.finish { try await writer.write($0) }
                return
            case .head: throw BackendClosed()
            }
        }
        throw BackendClosed()
    }

    /// Moves bytes both ways until either side ends.
    private static func join(
        _ session: any ByteSession, _ parts: inout NIOAsyncChannelInboundStream<BackendPart>.AsyncIterator,
        _ outbound: NIOAsyncChannelOutboundWriter<BackendRequestPart>
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            // The backend's end ends this task, as the connection is closed then and can't be written.
            group.addTask {
                while let bytes = try await session.receive() { try await outbound.write(.body(ByteBuffer(bytes: bytes))) }
                outbound.finish()
            }
            defer { group.cancelAll() }
            while case .body(let bytes)? = try await parts.next() { try await session.send(Array(bytes.readableBytesView)) }
        }
    }

    struct BackendClosed: Error {}

    static func reason(_ error: any Error) -> String {
        switch error {
        case is BackendClosed: "EOF"
        case let error as NIOConnectionError: error.connectionErrors.first.map { self.reason($0.error) } ?? "\(error)"
        case let error as IOError where error.errnoCode == ECONNREFUSED: "connect: connection refused"
        case let error as IOError where error.errnoCode == EHOSTUNREACH: "connect: no route to host"
        case ChannelError.connectTimeout: "i/o timeout"
        default: "\(error)"
        }
    }
}
