import KubeObject
import KubeSchema
import Testing

@testable import KubeRegistry

/// Asks a kind's rules about objects, without a server.
enum Asked {
    /// An object and its kind, in the stored version and with defaults.
    static func object(_ yaml: String) throws -> (JSON, ResourceType) {
        let tree = try parse(yaml)
        let kind = GroupVersion(apiVersion: tree.text("apiVersion")).kind(tree.text("kind"))
        let resource = try #require(Schema.builtin.resource(forKind: kind))
        var stored = Conversion.toStored(tree, resource)
        stored.setDefault("metadata", [:])
        stored[path: "metadata", "uid"] = "4f0c"
        resource.rules.setDefaults(&stored)
        return (stored, resource)
    }

    /// The causes for a new object, without those of the metadata that all kinds share.
    static func create(_ yaml: String) throws -> [String] {
        let (given, resource) = try object(yaml)
        var tree = given
        resource.rules.prepareForCreate(&tree)
        var errors = FieldErrors()
        resource.rules.validateCreate(tree, &errors)
        return errors.list.map(\.description)
    }

    /// The causes for a change, made by merging `patch` into the object.
    static func update(_ yaml: String, _ patch: String, subresource: String = "") throws -> [String] {
        let (given, resource) = try object(yaml)
        let rules = resource.rules
        var old = given
        if resource.plural == "jobs" { rules.prepareForCreate(&old) }
        var new = try MergePatch.apply(try parse(patch), to: old)
        new = UpdatedFields.carryOver(new, old: old, resource, subresource: subresource, rules)
        rules.setDefaults(&new)
        var errors = FieldErrors()
        switch subresource {
        case "":
            rules.prepareForUpdate(&new, old: old)
            rules.validateUpdate(new, old: old, &errors)
        case "status":
            rules.prepareForStatusUpdate(&new, old: old)
            rules.validateStatusUpdate(new, old: old, &errors)
        default:
            rules.prepareForUpdate(&new, old: old, subresource: subresource)
            rules.validateUpdate(new, old: old, subresource: subresource, &errors)
        }
        return errors.list.map(\.description)
    }

    /// The texts of `Warning` headers for a new object.
    static func warnings(_ yaml: String) throws -> [String] {
        let (tree, resource) = try object(yaml)
        return resource.rules.warnings(tree, old: nil)
    }
}
