import KubeObject
import KubeSchema

/// Between the version that a client speaks and the one that is stored. Most versions of a kind differ in nothing but their
/// name; the others have a function here. Custom resources aren't converted here: a webhook may have to be asked, which takes time
/// (`Registry+CustomObjects`).
enum Conversion {
    static func toStored(_ tree: JSON, _ resource: ResourceType) -> JSON {
        guard resource.gvk != resource.storedAs, resource.definition == nil else { return tree }
        var stored = tree
        switch (resource.group, resource.version, resource.kind) {
        case ("autoscaling", "v1", "HorizontalPodAutoscaler"): stored = HorizontalPodAutoscalerConversion.v2(fromV1: tree)
        case ("events.k8s.io", _, "Event"): stored = EventConversion.core(fromEvents: tree)
        default: break
        }
        stored["apiVersion"] = .string(resource.storedAs.apiVersion)
        return stored
    }

    static func fromStored(_ tree: JSON, _ resource: ResourceType) -> JSON {
        guard resource.gvk != resource.storedAs, resource.definition == nil else { return tree }
        var served = tree
        switch (resource.group, resource.version, resource.kind) {
        case ("autoscaling", "v1", "HorizontalPodAutoscaler"): served = HorizontalPodAutoscalerConversion.v1(fromV2: tree)
        case ("events.k8s.io", _, "Event"): served = EventConversion.events(fromCore: tree)
        default: break
        }
        served["apiVersion"] = .string(resource.apiVersion)
        return served
    }

    /// The object in the resource's own version; the same one where that is the stored version.
    static func served(_ object: Object, _ resource: ResourceType) -> Object {
        guard resource.gvk != resource.storedAs, resource.definition == nil else { return object }
        let tree = fromStored(object.tree, resource)
        // A stored object stays one whatever its version: only its shape below metadata changes.
        return Result { try Object(tree, resourceVersion: object.metadata.resourceVersion) }.value ?? object
    }
}
