public import KubeObject

/// One resource of one group and version, such as `deployments` of `apps/v1`.
public final class ResourceType: Sendable, Hashable {
    /// A part of a resource with an address of its own, such as `pods/log`.
    public struct Subresource: Sendable {
        public let name: String
        /// The kind that is read and written; for streams the kind of their options (`PodExecOptions`).
        public let kind: GroupVersionKind
        /// Sorted.
        public let verbs: [String]
        public let type: TypeSchema?

        public init(name: String, kind: GroupVersionKind, verbs: [String], type: TypeSchema?) {
            self.name = name
            self.kind = kind
            self.verbs = verbs
            self.type = type
        }
    }

    public let gvk: GroupVersionKind
    public let gvr: GroupVersionResource
    public let singular: String
    public let shortNames: [String]
    public let categories: [String]
    public let isNamespaced: Bool
    /// Sorted: `create`, `delete`, `deletecollection`, `get`, `list`, `patch`, `update`, `watch`, or some of them.
    public let verbs: [String]
    public let subresources: [Subresource]
    /// As discovery shows it; empty when nothing is stored.
    public let storageVersionHash: String
    /// The resource whose form is stored when it isn't this one: `v1` events for `events.k8s.io`, `autoscaling/v2` for `v1`.
    public let storedAs: GroupVersionKind
    /// The fields. Nil when the type isn't known, and then objects are kept as they are.
    public let type: TypeSchema?
    /// `DeploymentList`; a custom resource may name its list otherwise.
    public let listKind: String
    /// The list's fields, when it isn't a built-in type.
    let listType: TypeSchema?
    /// The definition that made it, when it is a custom resource.
    public let definition: CustomResourceDefinition?
    /// The columns of its table beside the name, when they are declared with it.
    public let columns: [CustomColumn]

    public init(
        gvk: GroupVersionKind, plural: String, singular: String, shortNames: [String] = [], categories: [String] = [],
        isNamespaced: Bool, verbs: [String], subresources: [Subresource] = [], storageVersionHash: String = "",
        storedAs: GroupVersionKind? = nil, type: TypeSchema?, listKind: String? = nil, listType: TypeSchema? = nil,
        definition: CustomResourceDefinition? = nil, columns: [CustomColumn] = []
    ) {
        self.gvk = gvk
        self.gvr = gvk.groupVersion.resource(plural)
        self.singular = singular
        self.shortNames = shortNames
        self.categories = categories
        self.isNamespaced = isNamespaced
        self.verbs = verbs
        self.subresources = subresources
        self.storageVersionHash = storageVersionHash
        self.storedAs = storedAs ?? gvk
        self.type = type
        self.listKind = listKind ?? gvk.kind + "List"
        self.listType = listType
        self.definition = definition
        self.columns = columns
    }

    /// The version of the definition that it is, when it is a custom resource.
    public var custom: CustomResourceVersion? { type?.custom }
    public var group: String { gvk.group }
    public var version: String { gvk.version }
    public var kind: String { gvk.kind }
    public var plural: String { gvr.resource }
    public var apiVersion: String { gvk.apiVersion }
    public var groupVersion: GroupVersion { gvk.groupVersion }
    public var groupResource: GroupResource { gvr.groupResource }
    public var groupKind: GroupKind { gvk.groupKind }
    /// Whether objects of it are kept (reviews, bindings and component statuses aren't).
    public var isStored: Bool { verbs.contains("get") && verbs.contains("delete") }

    public func allows(_ verb: String) -> Bool { verbs.contains(verb) }
    public func subresource(_ name: String) -> Subresource? { subresources.first { $0.name == name } }

    /// Two are equal when they are the same resource of the same group and version.
    public static func == (left: ResourceType, right: ResourceType) -> Bool { left === right || left.gvr == right.gvr }
    public func hash(into hasher: inout Hasher) { hasher.combine(gvr) }
}
