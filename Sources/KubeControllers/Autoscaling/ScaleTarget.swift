import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

/// The subresource `scale` of an autoscaler's target, whatever its resource is.
struct ScaleTarget {
    let resource: ResourceType
    let namespace: String
    let name: String
    /// The `autoscaling/v1` Scale.
    let scale: JSON

    var specReplicas: Int64 { scale[path: "spec", "replicas"]?.int ?? 0 }
    var statusReplicas: Int64 { scale[path: "status", "replicas"]?.int ?? 0 }
    var selector: String { scale["status"]?.text("selector") ?? "" }

    /// Why there is no scale to be read, in words.
    struct Missing: Error {
        var message: String
    }

    /// Reads it.
    /// - Parameter reference: `spec.scaleTargetRef`.
    static func find(
        _ reference: JSON, namespace: String, in cluster: LogicalCluster, _ registry: Registry
    ) async throws(Missing) -> ScaleTarget {
        let version = reference.text("apiVersion")
        guard version.utf8.count(where: { $0 == UInt8(ascii: "/") }) <= 1 else {
            throw Missing(message: "unexpected GroupVersion string: \(version)")
        }
        let kind = GroupKind(group: GroupVersion(apiVersion: version).group, kind: reference.text("kind"))
        guard let resource = registry.schema(of: cluster).resource(kind) else {
            throw Missing(message: "no matches for kind \"\(kind.kind)\" in group \"\(kind.group)\"")
        }
        guard resource.isNamespaced, resource.subresource("scale") != nil else {
            throw Missing(message: "the server could not find the requested resource")
        }
        let name = reference.text("name")
        do {
            let answer = try await registry.get(
                resource, namespace: namespace, name: name, subresource: "scale",
                .controller(AutoscalerReconciler.controllerName, in: cluster))
            return ScaleTarget(resource: resource, namespace: namespace, name: name, scale: answer.tree)
        } catch { throw Missing(message: error.message) }
    }

    /// Asks for another size, unless somebody has changed the object meanwhile.
    func set(_ replicas: Int64, in cluster: LogicalCluster, _ registry: Registry) async throws(StatusError) {
        var wanted = scale
        wanted[path: "spec", "replicas"] = .int(replicas)
        _ = try await registry.update(
            wanted, resource, namespace: namespace, name: name, subresource: "scale",
            .controller(AutoscalerReconciler.controllerName, in: cluster))
    }
}
