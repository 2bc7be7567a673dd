public import KubeObject

/// What a server can serve: groups, versions, resources and the types of their objects.
///
/// Immutable. A schema with more resources (custom ones, the platform's own) is another value made from this one, which
/// shares everything else with it.
public final class Schema: Sendable {
    /// An API group with its versions, the preferred one first.
    public struct Group: Sendable {
        public var name: String
        public var versions: [Version]

        public struct Version: Sendable {
            public var groupVersion: GroupVersion
            /// As discovery orders them: by name.
            public var resources: [ResourceType]
        }

        public var preferredVersion: GroupVersion { versions[0].groupVersion }
    }

    /// What a default Kubernetes v1.36 server serves. Parsed on first use.
    public static let builtin: Schema = {
        do {
            var parser = TypeParser(base: nil)
            for text in SchemaText.allTypes { try parser.read(text.string) }
            var resources = ResourceParser(types: try parser.finish())
            let groups = try resources.read(SchemaText.rest.string, over: [])
            return Schema(groups: groups, types: resources.types, documentation: [])
        } catch {
            // Only generated text gets here, and every test parses it.
            preconditionFailure("the built-in schema can't be read: \(error)")
        }
    }()

    /// The served groups in discovery order, the core group (named "") first.
    public let groups: [Group]
    /// All served resources, in discovery order.
    public let resources: [ResourceType]
    let types: TypeTable
    /// What added resources say about their fields; the built-in ones' is in `SchemaText.allDocs`.
    let documentation: [String]
    private let byResource: [GroupVersionResource: ResourceType]
    private let byKind: [GroupVersionKind: ResourceType]
    let documents = DocumentCache()
    /// The schema that this one adds to: documents of versions that are the same there are made, and kept, there only.
    private let base: Schema?

    init(groups: [Group], types: TypeTable, documentation: [String], base: Schema? = nil) {
        self.groups = groups
        self.base = base
        self.types = types
        self.documentation = documentation
        resources = groups.flatMap { $0.versions.flatMap(\.resources) }
        byResource = Dictionary(resources.map { ($0.gvr, $0) }, uniquingKeysWith: { first, _ in first })
        byKind = Dictionary(resources.map { ($0.gvk, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public func group(_ name: String) -> Group? { groups.first { $0.name == name } }

    public func version(_ groupVersion: GroupVersion) -> Group.Version? {
        group(groupVersion.group)?.versions.first { $0.groupVersion == groupVersion }
    }

    /// The schema, this or one that it adds to, where the documents of `version` are made.
    func owner(of version: Group.Version) -> Schema {
        guard let base, let same = base.version(version.groupVersion),
            same.resources.elementsEqual(version.resources, by: { $0 === $1 })
        else { return self }
        return base.owner(of: same)
    }

    public func resource(group: String, version: String, plural: String) -> ResourceType? {
        byResource[GroupVersionResource(group: group, version: version, resource: plural)]
    }

    public func resource(_ gvr: GroupVersionResource) -> ResourceType? { byResource[gvr] }

    public func resource(forKind kind: GroupVersionKind) -> ResourceType? { byKind[kind] }

    /// The resource in the group's preferred version that has it.
    public func resource(_ resource: GroupResource) -> ResourceType? {
        for version in group(resource.group)?.versions ?? [] {
            if let found = byResource[version.groupVersion.resource(resource.resource)] { return found }
        }
        return nil
    }

    /// The kind in the group's preferred version that has it.
    public func resource(_ kind: GroupKind) -> ResourceType? {
        for version in group(kind.group)?.versions ?? [] {
            if let found = byKind[version.groupVersion.kind(kind.kind)] { return found }
        }
        return nil
    }

    /// The type with this OpenAPI name, such as `io.k8s.api.core.v1.PodSpec`.
    public func type(named name: String) -> TypeSchema? { types.type(named: name) }

    /// The type of a kind: a resource's, its list's, or that of options, reviews and the like.
    public func type(forKind kind: GroupVersionKind) -> TypeSchema? { types.type(forKind: kind) }
}
