/// Resources that are added to a schema, in the rows that the built-in ones are told in.
public struct ResourceDeclaration: Sendable {
    /// The rows of the types: `SchemaText` tells the grammar. `meta/v1.ObjectMeta` and all other built-in types may be used.
    public var types: String
    /// The rows of groups, versions, resources and subresources: `scripts/schema/rest.facts` tells the grammar. A version
    /// row has one word more, the package of its types; `| NAME TYPE JSONPATH PRIORITY` rows after a resource are its table's columns.
    public var resources: String
    /// What the fields mean: `+Type text` and `field text` rows after an `@package` row.
    public var documentation: String

    public init(types: String, resources: String, documentation: String = "") {
        self.types = types
        self.resources = resources
        self.documentation = documentation
    }
}

extension Schema {
    /// A schema that has the declared resources too, and shares all others with this one.
    ///
    /// A new group comes after the known ones; a new version of a known group after its known versions. This schema stays
    /// in memory as long as the new one: add everything to one schema, rather than piece by piece to the last outcome.
    public func adding(_ declaration: ResourceDeclaration) throws(SchemaError) -> Schema {
        var parser = TypeParser(base: types)
        try parser.read(declaration.types)
        var resources = ResourceParser(types: try parser.finish())
        let groups = try resources.read(declaration.resources, over: groups)
        return Schema(
            groups: groups, types: resources.types, documentation: documentation + [declaration.documentation],
            base: self)
    }

    /// A schema that has `resources` too, such as those of custom resource definitions. One with a group, version and plural
    /// that is known already takes the known one's place.
    public func adding(_ added: [ResourceType]) -> Schema {
        var groups = groups
        for resource in added {
            let group: Int
            if let known = groups.firstIndex(where: { $0.name == resource.group }) {
                group = known
            } else {
                group = groups.count
                groups.append(Group(name: resource.group, versions: []))
            }
            let version: Int
            if let known = groups[group].versions.firstIndex(where: { $0.groupVersion == resource.groupVersion }) {
                version = known
            } else {
                version = groups[group].versions.count
                groups[group].versions.append(Group.Version(groupVersion: resource.groupVersion, resources: []))
            }
            groups[group].versions[version].resources.removeAll { $0.plural == resource.plural }
            groups[group].versions[version].resources.append(resource)
            groups[group].versions[version].resources.sort { precedes($0.plural, $1.plural) }
        }
        return Schema(groups: groups, types: types, documentation: documentation, base: self)
    }
}
