public import KubeObject

/// Server-side apply and the bookkeeping of who owns which field. Pure: objects in, objects out.
/// Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
public enum ServerSideApply {
    /// Metadata that nobody owns.
    static let unowned: FieldSet = {
        var set = FieldSet()
        for name in ["apiVersion", "kind"] { set.insert([.field(name)]) }
        for name in [
            "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
            "resourceVersion",
        ] { set.insert([.field("metadata"), .field(name)]) }
        return set
    }()

    /// The fields that a write through this address doesn't touch: the status through the resource itself, all but status through
    /// its status.
    static func reset(hasStatus: Bool, subresource: String) -> FieldSet {
        var set = FieldSet()
        if subresource == "status" { set.insert([.field("spec")]) } else if hasStatus { set.insert([.field("status")]) }
        return set
    }

    /// What an apply came to.
    public struct Result: Sendable {
        /// The live object with the applied one merged into it; `metadata.managedFields` is up to date.
        public var object: JSON
        /// Whether anything but the times in managedFields changed.
        public var isChanged: Bool
    }

    /// Applies an object.
    ///
    /// - Parameters:
    ///   - applied: what the manager wants, and nothing else; without managedFields.
    ///   - live: the object as stored, nil when it is to be created.
    ///   - hasStatus: whether the resource has a status subresource.
    ///   - force: take fields from other managers instead of refusing.
    /// - Throws: 409 with a cause a field when other managers own fields that would change.
    public static func apply(
        _ applied: JSON, to live: JSON?, type: TypeSchema?, manager: ManagedFields.Manager, hasStatus: Bool, force: Bool,
        time: String
    ) throws(StatusError) -> Result {
        let shape = ApplyShape(type)
        let reset = reset(hasStatus: hasStatus, subresource: manager.subresource)
        var managed = ManagedFields(of: live ?? [:])
        let base = withoutManagedFields(live ?? applied)
        let applied = reset.removed(from: withoutManagedFields(applied), shape)
        if managed.entries.isEmpty, live != nil {
            // Before the first apply nobody kept books: what is there belongs to whoever came before.
            let all = FieldSet(of: base, type: type).removing(unowned)
            managed.set(
                all, of: .init(name: ManagedFields.beforeFirstApply, isApply: false, apiVersion: manager.apiVersion), time: time)
        }

        let fields = FieldSet(of: applied, type: type).removing(unowned).removing(reset)
        let last = managed.fields(of: manager) ?? FieldSet()
        managed.set(fields, of: manager, time: time)
        var merged = live == nil ? applied : (ApplyMerge.merge(base, applied, shape) ?? applied)
        let owned = managed.entries.reduce(FieldSet()) { $0.union($1.fields) }
        merged = last.withNamedFields(shape).subtracting(owned.withNamedFields(shape)).removed(from: merged, shape)

        let comparison = FieldComparison(live == nil ? [:] : base, merged, type: type)
        let touched = comparison.modified.union(comparison.added)
        var conflicts: [(manager: ManagedFields.Manager, fields: FieldSet)] = []
        for entry in managed.entries where !entry.manager.isSame(as: manager) {
            let conflict = entry.fields.intersection(touched)
            if !conflict.isEmpty { conflicts.append((entry.manager, conflict)) }
        }
        if !force, !conflicts.isEmpty { throw conflictError(conflicts) }
        for (other, conflict) in conflicts {
            managed.set((managed.fields(of: other) ?? FieldSet()).subtracting(conflict), of: other, time: time)
        }
        drop(comparison.removed, from: &managed, except: manager, time: time)
        managed.cap()
        let before = live?[path: "metadata", "managedFields"]
        let after = managed.tree
        merged[path: "metadata", "managedFields"] = after
        return Result(object: merged, isChanged: live == nil || !comparison.isEmpty || before != after)
    }

    /// Books a write that isn't an apply: what changed belongs to the manager now.
    ///
    /// - Parameters:
    ///   - old: the object before, nil for a create.
    ///   - new: the object as it shall be stored; its own managedFields are what the client sent, and count when they are valid or empty.
    /// - Returns: the new `metadata.managedFields`; nil for none.
    public static func managedFields(
        updating old: JSON?, to new: JSON, type: TypeSchema?, manager: ManagedFields.Manager, hasStatus: Bool, time: String
    ) -> JSON? {
        // A client may clear the books, or hand them back as it read them.
        let sent = new[path: "metadata", "managedFields"]
        if let sent, sent.elements.isEmpty || sent == [[:]] { return nil }
        var managed = ManagedFields(of: sent == nil ? old ?? [:] : new)
        if managed.entries.isEmpty, let old { managed = ManagedFields(of: old) }
        let comparison = FieldComparison(withoutManagedFields(old ?? [:]), withoutManagedFields(new), type: type)
        if comparison.isEmpty { return managed.tree }
        let touched = comparison.modified.union(comparison.added)
        for entry in managed.entries where !entry.manager.isSame(as: manager) {
            managed.set(entry.fields.subtracting(touched).subtracting(comparison.removed), of: entry.manager, time: entry.time)
        }
        let mine = (managed.fields(of: manager) ?? FieldSet()).subtracting(comparison.removed)
            .union(touched.removing(unowned).removing(reset(hasStatus: hasStatus, subresource: manager.subresource)))
        managed.set(mine, of: manager, time: time)
        managed.cap()
        return managed.tree
    }

    private static func drop(
        _ removed: FieldSet, from managed: inout ManagedFields, except manager: ManagedFields.Manager, time: String
    ) {
        guard !removed.isEmpty else { return }
        for entry in managed.entries where !entry.manager.isSame(as: manager) {
            managed.set(entry.fields.subtracting(removed), of: entry.manager, time: entry.time)
        }
    }

    private static func withoutManagedFields(_ tree: JSON) -> JSON {
        var tree = tree
        tree[path: "metadata", "managedFields"] = nil
        return tree
    }

    private static func conflictError(_ conflicts: [(manager: ManagedFields.Manager, fields: FieldSet)]) -> StatusError {
        var causes: [JSON] = []
        var lines: [String] = []
        for (manager, fields) in conflicts.sorted(by: { $0.manager.name < $1.manager.name }) {
            let subresource = manager.subresource.isEmpty ? "" : " with subresource \"\(manager.subresource)\""
            let using = manager.isApply ? "" : " using \(manager.apiVersion)"
            let message = "conflict with \"\(manager.name)\"\(subresource)\(using)"
            let paths = fields.pathTexts
            for path in paths {
                causes.append(["reason": "FieldManagerConflict", "message": .string(message), "field": .string(path)])
            }
            lines.append(
                paths.count == 1 ? "\(message): \(paths[0])" : "\(message):\n\(paths.map { "- \($0)" }.joined(separator: "\n"))")
        }
        let count = causes.count
        let intro = "Apply failed with \(count) conflict\(count == 1 ? "" : "s"): "
        return StatusError(
            code: 409, reason: "Conflict",
            message: intro
                + (lines.count == 1
                    ? lines[0]
                    : "conflicts with "
                        + lines.map { String($0.dropFirst("conflict with ".count)) }.joined(separator: "\nconflicts with ")),
            details: ["causes": .array(causes)])
    }
}
