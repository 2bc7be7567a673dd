import KubeObject
import KubeSchema

/// A custom object's form: what the schema of a version makes of what is stored, free of I/O.
enum CustomForm {
    /// Sets the defaults that the object's own version has by now, which may be newer than the object.
    ///
    /// Only the defaults of the stored version count on reading, as upstream does.
    static func setDefaults(_ tree: inout JSON, _ definition: CustomResourceDefinition) {
        let version = GroupVersion(apiVersion: tree.text("apiVersion")).version
        definition.version(version)?.schema.applyDefaults(to: &tree)
    }

    /// The object in another version, where versions differ in nothing but their names, or after a webhook converted it: without
    /// what the version's schema doesn't have.
    static func inVersion(_ version: CustomResourceVersion, _ tree: JSON) -> JSON {
        var tree = tree
        tree["apiVersion"] = .string(version.kind.apiVersion)
        _ = version.schema.prune(&tree)
        return tree
    }

    /// The object in its own version, complete by the definition as it is now; the same one when it was that already.
    static func renewed(_ object: Object, _ definition: CustomResourceDefinition) -> Object {
        let stored = object.tree
        var tree = stored
        setDefaults(&tree, definition)
        if let version = definition.version(GroupVersion(apiVersion: object.apiVersion).version) {
            tree = inVersion(version, tree)
        }
        return tree == stored ? object : sealed(tree, object)
    }

    /// Another form of an object, at the same revision. A tree that is no object's, which only a webhook could give, leaves the object.
    static func sealed(_ tree: JSON, _ object: Object) -> Object {
        Result { try Object(tree, resourceVersion: object.metadata.resourceVersion) }.value ?? object
    }
}
