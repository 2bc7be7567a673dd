public import KubeObject
import KubeSchema
import KubeStore

/// Claims and ingresses that name no class get the default one, if there is one: of several the newest.
public struct DefaultClasses: MutatingAdmissionPlugin {
    private static let storageClasses = Key.prefix(group: "storage.k8s.io", plural: "storageclasses", namespace: "")
    private static let ingressClasses = Key.prefix(group: "networking.k8s.io", plural: "ingressclasses", namespace: "")

    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create, request.subresource.isEmpty else { return }
        let annotations = request.object[path: "metadata", "annotations"]
        switch (request.resource.group, request.resource.plural) {
        case ("", "persistentvolumeclaims"):
            guard request.object["spec"]?.present("storageClassName") == nil,
                annotations?["volume.beta.kubernetes.io/storage-class"] == nil
            else { return }
            let keys = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"]
            if let name = Self.defaultClass(Self.storageClasses, keys, request.snapshot) {
                request.object[path: "spec", "storageClassName"] = .string(name)
            }
        case ("networking.k8s.io", "ingresses"):
            guard request.object["spec"]?.present("ingressClassName") == nil,
                annotations?["kubernetes.io/ingress.class"] == nil
            else { return }
            let keys = ["ingressclass.kubernetes.io/is-default-class"]
            if let name = Self.defaultClass(Self.ingressClasses, keys, request.snapshot) {
                request.object[path: "spec", "ingressClassName"] = .string(name)
            }
        default: break
        }
    }

    private static func defaultClass(_ prefix: String, _ keys: [String], _ snapshot: Snapshot) -> String? {
        let defaults = snapshot.objects(prefix: prefix).filter { found in
            keys.contains { found.tree[path: "metadata", "annotations", $0] == "true" }
        }
        return defaults.max { left, right in
            let (a, b) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
            // Of two made at the same time, the first by name.
            return a == b ? left.metadata.name > right.metadata.name : a < b
        }?.metadata.name
    }
}

/// A claim grows only where its class lets it.
public struct ClaimResize: ValidatingAdmissionPlugin {
    public init() {}

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .update, request.subresource.isEmpty, request.resource.group.isEmpty,
            request.resource.plural == "persistentvolumeclaims", let old = request.old?.tree,
            let wanted = Self.size(request.object), let had = Self.size(old), wanted > had
        else { return }
        func refuse(_ why: String) -> StatusError { .forbidden(request.resource.groupResource, request.name, why) }
        guard old[path: "status", "phase"] == "Bound" else {
            throw refuse("Only bound persistent volume claims can be expanded")
        }
        let name = old[path: "spec", "storageClassName"]?.string ?? ""
        let found = request.snapshot.get(Key(group: "storage.k8s.io", plural: "storageclasses", name: name))
        guard !name.isEmpty, found?.tree["allowVolumeExpansion"]?.bool == true else {
            throw refuse(
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
            )
        }
    }

    private static func size(_ claim: JSON) -> Quantity? {
        claim[path: "spec", "resources", "requests", "storage"]?.string.flatMap { text in Result { try Quantity(text) }.value }
    }
}
