public import KubeObject

/// Server-side apply and the books of who owns which field. Pure: objects in, objects out.
/// Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
public enum ServerSideApply {
    /// Metadata that nobody owns.
    static let unowned: FieldSet = {
        var set = FieldSet()
        for name in ["apiVersion", "kind", "metadata"] { set.insert([.field(name)]) }
        for name in [
            "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
            "resourceVersion",
        ] { set.insert([.field("metadata"), .field(name)]) }
        return set
    }()

    /// An object in another version, with its type; nil for a version that isn't served.
    public typealias Convert = (_ object: JSON, _ apiVersion: String) -> (object: JSON, type: TypeSchema?)?

    /// Where and as whom a write comes.
    public struct Write {
        /// Of the version in which the objects are given.
        public var type: TypeSchema?
        public var manager: ManagedFields.Manager
        /// The fields that this address doesn't write, whatever is sent.
        public var reset: FieldSet
        /// Now, RFC 3339.
        public var time: String
        public var convert: Convert

        public init(
            type: TypeSchema?, manager: ManagedFields.Manager, reset: FieldSet = FieldSet(), time: String,
            convert: @escaping Convert = { _, _ in nil }
        ) {
            self.type = type
            self.manager = manager
            self.reset = reset
            self.time = time
            self.convert = convert
        }

        /// What a new object is compared with: what is written although nobody asked for it.
        var nothing: JSON { type?.zero ?? [:] }

        /// What changed, in the terms of any version.
        func changes(_ old: JSON, _ new: JSON, _ own: FieldComparison) -> (String) -> FieldComparison? {
            var known: [String: FieldComparison?] = [manager.apiVersion: own]
            return { version in
                if let found = known[version] { return found }
                var changes: FieldComparison?
                if let left = convert(old, version), let right = convert(new, version) {
                    changes = FieldComparison(left.object, right.object, type: right.type)
                }
                known[version] = .some(changes)
                return changes
            }
        }
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
    ///   - force: take fields from other managers instead of refusing.
    /// - Throws: 409 with a cause a field when other managers own fields that would change; code 500, as upstream, when the applied
    ///   object hasn't the shape of its type.
    public static func apply(_ applied: JSON, to live: JSON?, _ write: Write, force: Bool) throws(StatusError) -> Result {
        if let type = write.type { try check(applied, type) }
        let result = merge(applied, to: live, write)
        if force || result.conflicts.isEmpty { return result.outcome }
        // Upstream lets kubectl take over what it once applied from the client's side.
        if write.manager.name == "kubectl", let live, let allowed = lastApplied(live, write) {
            let conflicts = result.conflicts.subtracting(allowed)
            if conflicts.isEmpty { return result.outcome }
            throw conflicts.error
        }
        throw result.conflicts.error
    }

    /// - Throws: as `apply`, when the applied object hasn't the shape of its type.
    public static func check(_ applied: JSON, _ type: TypeSchema) throws(StatusError) {
        guard let problem = ApplyCheck.problem(of: applied, type: type) else { return }
        throw StatusError(
            code: 500, reason: "", message: "failed to create typed patch object (\(describe(applied))): \(problem)")
    }

    private static func merge(
        _ applied: JSON, to live: JSON?, _ write: Write
    ) -> (outcome: Result, conflicts: ApplyConflicts) {
        let manager = write.manager
        let shape = ApplyShape(write.type)
        var managed = ManagedFields(of: live ?? [:])
        let base = live.map(withoutManagedFields) ?? write.nothing
        let applied = withoutManagedFields(applied)
        if managed.entries.isEmpty, live != nil {
            // Before the first apply nobody kept books: what is there belongs to whoever came before.
            let all = FieldComparison(write.nothing, base, type: write.type).touched.subtracting(unowned).removing(write.reset)
            managed.set(
                all.fieldsV1,
                of: .init(
                    name: ManagedFields.beforeFirstApply, isApply: false, apiVersion: manager.apiVersion,
                    subresource: manager.subresource), time: write.time)
        }

        let last = managed.fields(of: manager) ?? FieldSet()
        let wanted = FieldSet(of: applied, type: write.type).subtracting(unowned).removing(write.reset)
        managed.set(wanted.fieldsV1, of: manager, time: nil)
        var merged = live == nil ? applied : (ApplyMerge.merge(base, applied, shape) ?? applied)
        if !last.isEmpty {
            let owned = managed.entries.reduce(FieldSet()) { $0.union($1.fields) }
            merged = last.withNamedFields(shape).subtracting(owned.withNamedFields(shape)).removed(from: merged, shape)
        }

        let comparison = FieldComparison(base, merged, type: write.type)
        let isSame = live != nil && comparison.isEmpty
        let changes = write.changes(base, merged, comparison.removing(write.reset))
        var conflicts = ApplyConflicts()
        for entry in managed.entries where !entry.manager.isSame(as: manager) {
            guard let touched = changes(entry.manager.apiVersion)?.touched, touched.intersects(fieldsV1: entry.fieldsV1) else {
                continue
            }
            conflicts.all.append((entry.manager, entry.fields.intersection(touched)))
        }
        managed.release(except: manager, changes)
        if !isSame, let index = managed.entries.firstIndex(where: { $0.manager.isSame(as: manager) }) {
            managed.entries[index].time = write.time
        }
        managed.cap()
        let before = live?[path: "metadata", "managedFields"]
        let after = managed.tree
        merged[path: "metadata", "managedFields"] = after
        return (Result(object: merged, isChanged: !isSame || before != after), conflicts)
    }

    /// The fields that `kubectl apply` says, in its annotation, that it applied, as far as they are still as it wants them.
    private static func lastApplied(_ live: JSON, _ write: Write) -> FieldSet? {
        let annotation = "kubectl.kubernetes.io/last-applied-configuration"
        guard let text = live[path: "metadata", "annotations", annotation]?.string,
            case .success(let applied) = Swift.Result(catching: { try JSON(parsing: text.utf8) }),
            applied["apiVersion"]?.string == write.manager.apiVersion,
            write.type.map({ ApplyCheck.problem(of: applied, type: $0) == nil }) ?? true
        else { return nil }
        let comparison = FieldComparison(applied, withoutManagedFields(live), type: write.type)
        return FieldSet(of: applied, type: write.type).subtracting(comparison.touched).subtracting(comparison.removed)
    }

    /// Books a write that isn't an apply: what changed belongs to the manager now.
    ///
    /// - Parameters:
    ///   - old: the object before, nil for a create.
    ///   - new: the object as it shall be stored; its own managedFields are what the client sent.
    /// - Returns: the new `metadata.managedFields`; nil for none. Where nobody keeps books of an object (a client cleared them),
    ///   nobody begins to, until an apply.
    public static func managedFields(updating old: JSON?, to new: JSON, _ write: Write) -> JSON? {
        let known = old?[path: "metadata", "managedFields"]
        let sent = new[path: "metadata", "managedFields"]
        var managed = ManagedFields()
        var isAsKnown = false
        if !write.manager.subresource.isEmpty || sent == known || !ManagedFields.isReset(sent) {
            let given = write.manager.subresource.isEmpty && sent != known ? sent.flatMap(ManagedFields.init(sent:)) : nil
            if let given, !given.entries.isEmpty {
                managed = given
            } else {
                isAsKnown = true
                managed = ManagedFields(of: old ?? [:])
            }
        }
        if old != nil, managed.entries.isEmpty { return nil }

        let base = old.map(withoutManagedFields) ?? write.nothing
        let object = withoutManagedFields(new)
        let comparison = FieldComparison(base, object, type: write.type).removing(write.reset)
        if comparison.isEmpty { return isAsKnown ? known : managed.tree }
        managed.release(except: write.manager, write.changes(base, object, comparison))
        take(comparison, write, &managed)
        managed.cap()
        return managed.tree
    }

    /// Gives the manager what it changed.
    private static func take(_ comparison: FieldComparison, _ write: Write, _ managed: inout ManagedFields) {
        let touched = comparison.touched.subtracting(unowned)
        // Only who takes a field gets a new time.
        let time = touched.isEmpty ? nil : write.time
        guard let index = managed.entries.firstIndex(where: { $0.manager.isSame(as: write.manager) }) else {
            managed.set(touched.fieldsV1, of: write.manager, time: time)
            return
        }
        let mine = managed.entries[index].fieldsV1
        let keeps = !comparison.removed.intersects(fieldsV1: mine)
        if keeps, touched.isSubset(ofFieldsV1: mine) {
            if let time { managed.entries[index].time = time }
            return
        }
        let fields = managed.entries[index].fields.subtracting(comparison.removed).union(touched)
        managed.set(fields.fieldsV1, of: write.manager, time: time)
    }

    private static func withoutManagedFields(_ tree: JSON) -> JSON {
        var tree = tree
        tree[path: "metadata", "managedFields"] = nil
        return tree
    }

    private static func describe(_ object: JSON) -> String {
        let version = GroupVersion(apiVersion: object["apiVersion"]?.string ?? "")
        return "\(object[path: "metadata", "namespace"]?.string ?? "")/\(object[path: "metadata", "name"]?.string ?? ""); "
            + "\(version.group)/\(version.version), Kind=\(object["kind"]?.string ?? "")"
    }
}
