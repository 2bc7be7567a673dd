import KubeObject
import KubeRegistry
import KubeSchema

/// Reads of what nobody stores.
extension APIServer {
    func computed(
        _ source: any ComputedResource, _ name: String, _ resource: ResourceType, _ call: Call
    ) async throws(StatusError) -> Object {
        let found = try await source.objects(namespace: call.info.namespace, name: name, in: call.cluster)
        guard let tree = found.first else { throw .notFound(resource.groupResource, name) }
        return try Self.object(tree)
    }

    func computed(_ source: any ComputedResource, _ options: ListOptions, _ call: Call) async throws(StatusError) -> [Object] {
        let selector: LabelSelector
        do { selector = try LabelSelector(parsing: options.labelSelector) } catch { throw .badRequest("\(error)") }
        var objects: [Object] = []
        for tree in try await source.objects(namespace: call.info.namespace, name: nil, in: call.cluster) {
            let object = try Self.object(tree)
            if selector.matches(object.metadata.labels) { objects.append(object) }
        }
        return objects
    }

    private static func object(_ tree: JSON) throws(StatusError) -> Object {
        do { return try Object(tree, resourceVersion: 0) } catch {
            throw .internalError("a computed object isn't one: \(error)")
        }
    }
}
