import KubeObject

public final class APIServer: Sendable {
    public init() {}
    public func respond(to request: APIRequest) async -> APIResponse {
        .json(JSON.object(["path": .string(request.rawPath)]).encoded())
    }
}
