public import KubeObject
public import KubeSchema
public import KubeStore

/// Checks objects that come from elsewhere as a whole cluster, and not by requests: each must be what a request could have made in a cluster that
/// has the same definitions and what the platform lets this one have. So whoever forges an archive gets no more than by asking.
///
/// Webhooks and the cluster's own policies aren't asked: they are the archive's own.
public struct ForeignObjects: Sendable {
    private let schema: Schema
    private let podSecurity: ClusterPolicy.PodSecurity
    private let isDualStack: Bool
    /// Custom resources by what their definitions among the objects say.
    private var custom: [GroupResource: Bool] = [:]

    /// - Parameters:
    ///   - schema: what clusters serve without their own definitions.
    ///   - objects: all of them.
    ///   - isDualStack: whether services can have addresses of IPv6 too.
    public init(
        _ objects: [(key: Key, object: Object)], schema: Schema, podSecurity: ClusterPolicy.PodSecurity,
        isDualStack: Bool = false
    ) {
        self.isDualStack = isDualStack
        self.schema = schema
        self.podSecurity = podSecurity
        for (key, object) in objects where key.resourcePrefix == "apiextensions.k8s.io/customresourcedefinitions/" {
            let spec = object.passingTree["spec"] ?? [:]
            let resource = GroupResource(group: spec.text("group"), resource: spec[path: "names", "plural"]?.string ?? "")
            custom[resource] = spec.text("scope") == "Namespaced"
        }
    }

    /// - Throws: 422 or 403, in the words of a create.
    public func check(_ key: Key, _ object: Object) throws(StatusError) {
        let tree = object.passingTree
        let resource = GroupResource(group: key.group, resource: key.plural)
        let kind = GroupKind(group: key.group, kind: object.kind)
        func refuse(_ why: String) -> StatusError { .badRequest("the object \(key.text.prefix(512)) \(why)") }
        guard key == Key(group: key.group, plural: key.plural, namespace: object.metadata.namespace, name: object.metadata.name)
        else { throw refuse("says another namespace or name than its place") }
        guard object.metadata.uid.utf8.count <= 64, object.metadata.uid.utf8.allSatisfy(Self.isOfUID) else {
            throw refuse("has a uid that isn't one")
        }
        if resource.group == ServiceAllocation.nodePortGroup {
            guard resource.resource == "nodeports", let port = Int64(object.metadata.name), ServiceRange.nodePorts.contains(port)
            else { throw refuse("is no node port") }
            return
        }
        var errors = FieldErrors()
        // Kubernetes' own come first: a definition in the archive can't change what they have to be.
        if schema.resource(resource) == nil, let isNamespaced = custom[resource] {
            ObjectMetaValidation.validate(tree, isNamespaced: isNamespaced, nameRule: .subdomain, &errors)
        } else {
            guard let served = schema.resource(resource), let stored = schema.resource(forKind: served.storedAs),
                stored.isStored, stored.key(namespace: key.namespace, name: key.name) == key
            else { throw refuse("is of a resource that this server hasn't got, and that no definition in the archive makes") }
            guard object.apiVersion == stored.apiVersion, object.kind == stored.kind else {
                throw refuse("is \(object.apiVersion) \(object.kind), which isn't how this server keeps it")
            }
            if let type = stored.type {
                do { _ = try type.decode(tree) } catch { throw refuse("has a field of a wrong type: \(error.message)") }
            }
            var checked = tree
            // These are added to pods that are there, and don't come with them.
            // Where the API server is: that is said anew, and may have been an address that only the server itself may give.
            if key.namespace == "default", key.name == "kubernetes", checked["endpoints"] != nil { checked["endpoints"] = [] }
            if key.text == "core/endpoints/default/kubernetes" { checked["subsets"] = nil }
            if key.resourcePrefix == "core/pods/" { checked[path: "spec", "ephemeralContainers"] = nil }
            ObjectMetaValidation.validate(
                checked, isNamespaced: stored.isNamespaced, nameRule: stored.rules.nameRule, &errors)
            stored.rules(isDualStack: isDualStack).validateCreate(checked, &errors)
        }
        guard errors.isEmpty else { throw .invalid(kind, object.metadata.name, errors.list) }
        try PlatformPodSecurity.check(tree, resource, object.metadata.name, podSecurity)
    }

    private static func isOfUID(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
