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
        return APIResponse(
            status: 200, headers: [.contentType: "text/plain"],
            body: .stream(isEndless: options.follow) { writer in
                _ = permit
                for try await bytes in source { try await writer.write(bytes) }
            })
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
