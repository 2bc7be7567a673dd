public import KubeObject
import KubeSchema
import KubeStore

/// A node writes nothing but itself, its leases, the state of its own pods, and tokens for them.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
public struct NodeRestriction: MutatingAdmissionPlugin {
    /// Marks the object that a node makes for a pod of which only it knows.
    static let mirror = "kubernetes.io/config.mirror"

    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard !request.context.isInternal, request.operation != .connect, let node = NodeIdentity(request.context.user) else {
            return
        }
        guard !node.name.isEmpty else {
            throw Self.refused(request, "could not determine node from user \(quoted(request.context.user.name))")
        }
        if let why = try Self.problem(request, node.name) { throw Self.refused(request, why) }
    }

    private static func refused(_ request: AdmissionRequest, _ why: String) -> StatusError {
        .forbidden(request.resource.groupResource, request.name, why)
    }

    private static func problem(_ request: AdmissionRequest, _ node: String) throws(StatusError) -> String? {
        switch (request.resource.group, request.resource.plural) {
        case ("", "pods"):
            switch request.subresource {
            case "": return try pod(request, node)
            case "status": return status(request, node)
            case "eviction": return try eviction(request, node)
            default:
                return
                    "unexpected pod subresource \(quoted(request.subresource)), only 'status' and 'eviction' are allowed"
            }
        case ("", "nodes"): return self.node(request, node)
        case ("", "persistentvolumeclaims"): return claim(request, node)
        case ("", "serviceaccounts"): return try token(request, node)
        case ("coordination.k8s.io", "leases"):
            guard request.namespace == "kube-node-lease" else {
                return "can only access leases in the \(quoted("kube-node-lease")) system namespace"
            }
            return request.name == node ? nil : "can only access node lease with the same name as the requesting node"
        case ("storage.k8s.io", "csinodes"):
            return request.name == node ? nil : "can only access CSINode with the same name as the requesting node"
        case ("resource.k8s.io", "resourceslices"): return slice(request, node)
        default: return nil
        }
    }

    // MARK: Pods

    private static func pod(_ request: AdmissionRequest, _ node: String) throws(StatusError) -> String? {
        switch request.operation {
        case .create: return try mirrorPod(request, node)
        case .delete:
            return request.old?.tree[path: "spec", "nodeName"]?.string == node
                ? nil : "node \(quoted(node)) can only delete pods with spec.nodeName set to itself"
        default:
            return
                "unexpected operation \(quoted(request.operation.rawValue)), node \(quoted(node)) can only create and delete mirror pods"
        }
    }

    private static func mirrorPod(_ request: AdmissionRequest, _ node: String) throws(StatusError) -> String? {
        let pod = request.object
        let spec = pod["spec"] ?? [:]
        func only(_ what: String) -> String { "node \(quoted(node)) can only create pods with \(what)" }
        func never(_ what: String) -> String { "node \(quoted(node)) can not create pods that reference \(what)" }
        guard pod[path: "metadata", "annotations", mirror] != nil else {
            return "pod does not have \(quoted(mirror)) annotation, node \(quoted(node)) can only create mirror pods"
        }
        guard spec["nodeName"]?.string == node else { return only("spec.nodeName set to itself") }
        let owners = pod[path: "metadata", "ownerReferences"]?.elements ?? []
        guard owners.count <= 1 else { return only("a single owner reference set to itself") }
        guard let owner = owners.first, owner.text("apiVersion") == "v1", owner.text("kind") == "Node", owner.text("name") == node
        else { return only("an owner reference set to itself") }
        guard owner["controller"]?.bool == true else { return only("a controller owner reference set to itself") }
        guard owner["blockOwnerDeletion"]?.bool != true else {
            return "node \(quoted(node)) must not set blockOwnerDeletion on an owner reference"
        }
        guard let object = request.snapshot.get(Key(group: "", plural: "nodes", name: node)) else {
            throw .notFound(GroupResource(group: "", resource: "nodes"), node)
        }
        guard owner.text("uid") == object.metadata.uid else {
            return "node \(node) UID mismatch: expected \(owner.text("uid")) got \(object.metadata.uid)"
        }
        if !spec.text("serviceAccountName").isEmpty { return never("a service account") }
        if !PodReferences.secrets(of: pod).isEmpty { return never("secrets") }
        if !PodReferences.configMaps(of: pod).isEmpty { return never("configmaps") }
        let volumes = spec["volumes"]?.elements ?? []
        let bundles = volumes.flatMap { $0[path: "projected", "sources"]?.elements ?? [] }
        if bundles.contains(where: { $0.present("clusterTrustBundle") != nil }) { return never("clustertrustbundles") }
        if volumes.contains(where: { $0.present("persistentVolumeClaim") != nil }) { return never("persistentvolumeclaims") }
        return nil
    }

    private static func status(_ request: AdmissionRequest, _ node: String) -> String? {
        guard request.operation == .update, let old = request.old?.tree else {
            return "unexpected operation \(quoted(request.operation.rawValue))"
        }
        guard old[path: "spec", "nodeName"]?.string == node else {
            return "node \(quoted(node)) can only update pod status for pods with spec.nodeName set to itself"
        }
        guard FieldErrors.isSame(old[path: "metadata", "labels"], request.object[path: "metadata", "labels"]) else {
            return "node \(quoted(node)) cannot update labels through pod status"
        }
        let claims = "resourceClaimStatuses"
        guard FieldErrors.isSame(old["status"]?[claims], request.object["status"]?[claims]) else {
            return "node \(quoted(node)) cannot update resource claim statues"
        }
        return nil
    }

    private static func eviction(_ request: AdmissionRequest, _ node: String) throws(StatusError) -> String? {
        let key = Key(group: "", plural: "pods", namespace: request.namespace, name: request.name)
        guard let pod = request.snapshot.get(key) else {
            throw .notFound(GroupResource(group: "", resource: "pods"), request.name)
        }
        return pod.tree[path: "spec", "nodeName"]?.string == node
            ? nil : "node \(node) can only evict pods with spec.nodeName set to itself"
    }

    // MARK: The node

    private static func node(_ request: AdmissionRequest, _ node: String) -> String? {
        guard request.name == node else {
            return "node \(quoted(node)) is not allowed to modify node \(quoted(request.name))"
        }
        let (new, old) = (request.object, request.old?.tree)
        let labels = forbidden(new[path: "metadata", "labels"], old?[path: "metadata", "labels"])
        switch request.operation {
        case .create:
            guard new[path: "spec", "configSource"]?.object == nil else {
                return "node \(quoted(node)) is not allowed to create pods with a non-nil configSource"
            }
            return labels.isEmpty
                ? nil : "node \(quoted(node)) is not allowed to set the following labels: \(labels.joined(separator: ", "))"
        case .update:
            let source = new[path: "spec", "configSource"]
            guard source?.object == nil || source == old?[path: "spec", "configSource"] else {
                return "node \(quoted(node)) is not allowed to update configSource to a new non-nil configSource"
            }
            guard FieldErrors.isSame(new[path: "spec", "taints"], old?[path: "spec", "taints"]) else {
                return "node \(quoted(node)) is not allowed to modify taints"
            }
            return labels.isEmpty ? nil : "is not allowed to modify labels: \(labels.joined(separator: ", "))"
        default: return nil
        }
    }

    private static let ownLabels: Set<String> = [
        "kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region", "node.kubernetes.io/instance-type",
        "beta.kubernetes.io/instance-type", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch", "node.kubernetes.io/windows-build",
    ]

    /// The labels that differ and that steer which pods come to a node.
    private static func forbidden(_ new: JSON?, _ old: JSON?) -> [String] {
        let (new, old) = (new?.object ?? [:], old?.object ?? [:])
        return Set(new.keys).union(old.keys).filter { new[$0] != old[$0] && isForbidden($0) }.sorted()
    }

    private static func isForbidden(_ label: String) -> Bool {
        let parts = label.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        func isWithin(_ domain: String) -> Bool { parts[0] == domain || parts[0].hasSuffix(".\(domain)") }
        if isWithin("node-restriction.kubernetes.io") { return true }
        guard isWithin("kubernetes.io") || isWithin("k8s.io") else { return false }
        return !ownLabels.contains(label) && !isWithin("kubelet.kubernetes.io") && !isWithin("node.kubernetes.io")
    }

    // MARK: What pods need

    private static func claim(_ request: AdmissionRequest, _ node: String) -> String? {
        guard request.subresource == "status" else { return "may only update PVC status" }
        guard request.operation == .update, let old = request.old?.tree else {
            return "unexpected operation \(quoted(request.operation.rawValue))"
        }
        func rest(_ claim: JSON) -> JSON {
            var claim = claim
            for field in ["capacity", "conditions", "allocatedResourceStatuses", "allocatedResources"] {
                claim[path: "status", field] = nil
            }
            for field in ["managedFields", "resourceVersion"] { claim[path: "metadata", field] = nil }
            return claim
        }
        return FieldErrors.isSame(rest(old), rest(request.object))
            ? nil : "node \(quoted(node)) is not allowed to update fields other than status.capacity and status.conditions"
    }

    private static func token(_ request: AdmissionRequest, _ node: String) throws(StatusError) -> String? {
        guard request.operation == .create, request.subresource == "token" else { return nil }
        let bound = request.object[path: "spec", "boundObjectRef"] ?? [:]
        guard bound.text("apiVersion") == "v1", bound.text("kind") == "Pod", !bound.text("name").isEmpty else {
            return "node requested token not bound to a pod"
        }
        let uid = bound.text("uid")
        if uid.isEmpty { return "node requested token with a pod binding without a uid" }
        let key = Key(group: "", plural: "pods", namespace: request.namespace, name: bound.text("name"))
        guard let pod = request.snapshot.get(key) else {
            throw .notFound(GroupResource(group: "", resource: "pods"), bound.text("name"))
        }
        guard uid == pod.metadata.uid else {
            return
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have been deleted and then recreated"
        }
        return pod.tree[path: "spec", "nodeName"]?.string == node
            ? nil : "node requested token bound to a pod scheduled on a different node"
    }

    private static func slice(_ request: AdmissionRequest, _ node: String) -> String? {
        let object = request.operation == .delete ? request.old?.tree : request.object
        let name = object?[path: "spec", "nodeName"]?.string ?? ""
        switch request.operation {
        case .create where name != node: return "can only create ResourceSlice with the same NodeName as the requesting node"
        case .delete where name != node: return "can only delete ResourceSlice with the same NodeName as the requesting node"
        default: return nil
        }
    }
}
