public import KubeObject

/// How a patch is to be understood.
public enum PatchType: String, Sendable, CaseIterable {
    case json = "application/json-patch+json"
    case merge = "application/merge-patch+json"
    case strategic = "application/strategic-merge-patch+json"
    case apply = "application/apply-patch+yaml"
}

extension KubeClient {
    public func get(_ path: ResourcePath) async throws -> JSON {
        try await json("GET", path)
    }

    /// One page or, without a limit, the whole collection.
    public func list(_ path: ResourcePath, labelSelector: String = "", fieldSelector: String = "") async throws -> JSON {
        var query: [(String, String)] = []
        if !labelSelector.isEmpty { query.append(("labelSelector", labelSelector)) }
        if !fieldSelector.isEmpty { query.append(("fieldSelector", fieldSelector)) }
        return try await json("GET", path, query: query)
    }

    /// Creates `object` in the collection at `path`, or, with a name and subresource, on that subresource.
    public func create(_ object: JSON, at path: ResourcePath) async throws -> JSON {
        try await json("POST", path, body: object)
    }

    public func update(_ object: JSON, at path: ResourcePath) async throws -> JSON {
        try await json("PUT", path, body: object)
    }

    public func patch(_ patch: JSON, _ type: PatchType, at path: ResourcePath) async throws -> JSON {
        let query = type == .apply ? [("fieldManager", "sampan")] : []
        return try await json("PATCH", path, query: query, body: patch, contentType: type.rawValue)
    }

    /// - Returns: the object when it stays for now (finalizers, graceful deletion), or a Status.
    @discardableResult
    public func delete(_ path: ResourcePath, propagation: String? = nil) async throws -> JSON {
        let options: JSON? = propagation.map { ["apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": .string($0)] }
        return try await json("DELETE", path, body: options)
    }

    private func json(
        _ method: String, _ path: ResourcePath, query: [(String, String)] = [], body: JSON? = nil,
        contentType: String = "application/json"
    ) async throws -> JSON {
        let bytes = try await send(method, path.description, query: query, body: body?.encoded(), contentType: contentType)
        do {
            return try JSON(parsing: bytes)
        } catch {
            throw ClientError(.malformed, request: "\(method) \(path)", message: "the answer isn't JSON: \(error)")
        }
    }
}
