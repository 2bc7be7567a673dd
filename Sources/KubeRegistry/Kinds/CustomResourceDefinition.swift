import KubeObject
import KubeSchema

/// CustomResourceDefinition: what makes a definition good is in KubeSchema; here is what a registry adds to it.
struct CustomResourceDefinitionKind: KindRules {
    /// Deletes the definition's objects before the definition goes.
    static let finalizer = "customresourcecleanup.apiextensions.k8s.io"

    var countsGeneration: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }

    func setDefaults(_ object: inout JSON) { CustomResourceDefinitionRules.applyDefaults(to: &object) }

    func prepareForCreate(_ object: inout JSON) {
        object["status"] = ["acceptedNames": ["kind": "", "plural": ""], "conditions": .null]
        object[path: "status", "storedVersions"] = CustomResourceStatus.storedVersions(of: object)
    }

    func prepareForUpdate(_ object: inout JSON, old: JSON) {
        object[path: "status", "storedVersions"] = CustomResourceStatus.storedVersions(of: object)
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        add(CustomResourceDefinitionRules.errors(in: object), to: &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        add(CustomResourceDefinitionRules.errors(in: object, old: old), to: &errors)
    }

    /// What the metadata's validation says already isn't said twice.
    private func add(_ list: [FieldError], to errors: inout FieldErrors) {
        for error in list where !errors.list.contains(error) { errors.add(error) }
    }
}

/// A definition's deletion: it is marked, and a controller deletes its objects before it goes.
enum CustomResourceDefinitionDeletion {
    /// Nil when it goes the way of other kinds: it is marked already.
    static func decide(_ definition: Object, now: String) -> DeletionRules.Outcome? {
        guard definition.metadata.deletionTimestamp == nil else { return nil }
        var tree = definition.tree
        tree[path: "metadata", "deletionTimestamp"] = .string(now)
        let finalizers = definition.metadata.finalizers
        if !finalizers.contains(CustomResourceDefinitionKind.finalizer) {
            tree[path: "metadata", "finalizers"] = JSON(finalizers + [CustomResourceDefinitionKind.finalizer])
        }
        tree["status"] = CustomResourceStatus.terminating(
            tree, isTrue: true, reason: "InstanceDeletionPending",
            message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon", now: now)
        return .mark(tree)
    }
}
