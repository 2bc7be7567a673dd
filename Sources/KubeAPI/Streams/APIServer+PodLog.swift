import Foundation
import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

extension APIServer {
    /// `GET …/pods/NAME/log`.
    func podLog(_ call: Call, _ resource: ResourceType) async throws(StatusError) -> APIResponse {
        guard call.info.verb == "get" else { throw .methodNotAllowed() }
        let query = call.request.query
        let options = try PodLogQuery.options(query)
        let pod = try self.registry.get(resource, namespace: call.info.namespace, name: call.info.name, call.context)
        let container = try PodContainers.resolve(query["container"] ?? "", in: pod)
        guard pod.tree["spec"]?["nodeName"]?.string?.isEmpty == false else { return .text("") }
        let source = try await self.streams.logs(
            PodTarget(cluster: call.cluster, pod: pod), container: container, options: options)
        let permit = call.permit
        if WebSocketHandshake.isRequested(by: call.request) {
            let chosen = try WebSocketHandshake.negotiate(
                call.request, supported: LogSubprotocol.allCases.map(\.rawValue))
            let subprotocol = LogSubprotocol(rawValue: chosen) ?? .none
            return APIResponse(
                status: 101,
                body: .webSocket(subprotocol: chosen) { session in
                    _ = permit
                    try await subprotocol.send(source, over: session)
                })
        }
        return Self.log(source, isEndless: options.follow, permit: permit)
    }

    /// A log as it is read.
    static func log(_ source: ByteSource, isEndless: Bool, permit: RequestLimiter.Permit) -> APIResponse {
        APIResponse(
            status: 200, headers: [.contentType: "text/plain"],
            body: .stream(isEndless: isEndless) { writer in
                _ = permit
                for try await bytes in source { try await writer.write(bytes) }
            })
    }
}

/// How a log goes over a WebSocket: each message is what was read at once.
enum LogSubprotocol: String, CaseIterable {
    case binary = "binary.k8s.io"
    case base64 = "base64.binary.k8s.io"
    /// Of a client that asks for none: the same as the first.
    case none = ""

    func send(_ source: some AsyncSequence<[UInt8], any Error> & Sendable, over session: any WebSocketSession) async throws {
        let outcome = await ProcessOutcome.first(
            of: {
                // As upstream: the first message tells the client that the connection stands.
                try await self.send([], over: session)
                for try await bytes in source { try await self.send(bytes, over: session) }
                return 0
            },
            orEndOf: {
                do {
                    while let message = try await session.receive(), message != .close {}
                } catch {
                    // The client is gone: the same as its close.
                }
            })
        if case .clientGone = outcome { return }
        try await session.close(code: 1000, reason: "")
    }

    private func send(_ bytes: [UInt8], over session: any WebSocketSession) async throws {
        switch self {
        case .binary, .none: try await session.send(bytes)
        case .base64: try await session.send(text: Data(bytes).base64EncodedString())
        }
    }
}

/// The query of a log request (`PodLogOptions`).
enum PodLogQuery {
    /// - Throws: 400 for what isn't a number, 422 for numbers that can't be.
    static func options(_ query: QueryItems) throws(StatusError) -> LogOptions {
        let options = LogOptions(
            follow: query.flag("follow"), previous: query.flag("previous"),
            sinceSeconds: try RequestOptions.integer(query, "sinceSeconds"),
            sinceTime: query["sinceTime"].flatMap { $0.isEmpty ? nil : $0 }, timestamps: query.flag("timestamps"),
            tailLines: try RequestOptions.integer(query, "tailLines"),
            limitBytes: try RequestOptions.integer(query, "limitBytes"),
            stream: query["stream"].flatMap { $0.isEmpty ? nil : $0 } ?? "All")
        if let time = options.sinceTime, Timestamp.parse(time) == nil {
            throw .badRequest(
                "parsing time \"\(time)\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\(time)\" as \"2006\"")
        }
        var causes: [FieldError] = []
        if let lines = options.tailLines, lines < 0 {
            causes.append(.invalid("tailLines", .int(lines), "must be greater than or equal to 0"))
        }
        if let limit = options.limitBytes, limit < 1 {
            causes.append(.invalid("limitBytes", .int(limit), "must be greater than 0"))
        }
        if let seconds = options.sinceSeconds {
            if options.sinceTime != nil {
                causes.append(.forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
            } else if seconds < 1 {
                causes.append(.invalid("sinceSeconds", .int(seconds), "must be greater than 0"))
            }
        }
        let streams = ["All", "Stderr", "Stdout"]
        if !streams.contains(options.stream) {
            causes.append(.notSupported("stream", .string(options.stream), streams))
        } else if options.stream != "All", options.tailLines != nil {
            causes.append(.forbidden("", "`tailLines` and specific `stream` are mutually exclusive for now"))
        }
        guard causes.isEmpty else { throw .invalid(GroupKind(group: "", kind: "PodLogOptions"), "", causes) }
        return options
    }
}
