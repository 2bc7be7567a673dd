public import KubeObject

/// Who owns which fields of an object: `metadata.managedFields`.
///
/// Entries keep the encoded form of their fields: most writes change few of them, and what isn't changed is never decoded.
/// Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
public struct ManagedFields: Sendable, Hashable {
    public struct Manager: Sendable, Hashable {
        public var name: String
        /// `Apply` or `Update`.
        public var isApply: Bool
        /// The version in which the fields are told. One who applies is the same in all versions.
        public var apiVersion: String
        public var subresource: String

        public init(name: String, isApply: Bool, apiVersion: String, subresource: String = "") {
            self.name = name
            self.isApply = isApply
            self.apiVersion = apiVersion
            self.subresource = subresource
        }

        func isSame(as other: Manager) -> Bool {
            name == other.name && isApply == other.isApply && subresource == other.subresource
                && (isApply || apiVersion == other.apiVersion)
        }

        /// What orders managers that have nothing else to be ordered by; upstream's identifier is a JSON text.
        fileprivate var identifier: String {
            var tree: JSON = ["manager": .string(name), "operation": isApply ? "Apply" : "Update"]
            if !isApply { tree["apiVersion"] = .string(apiVersion) }
            if !subresource.isEmpty { tree["subresource"] = .string(subresource) }
            return tree.text
        }
    }

    public struct Entry: Sendable, Hashable {
        public var manager: Manager
        /// As `fieldsV1` has them.
        public var fieldsV1: JSON
        /// RFC 3339; empty when it isn't known.
        public var time: String

        public var fields: FieldSet { FieldSet(fieldsV1: fieldsV1) }
    }

    public var entries: [Entry] = []

    /// More managers that update than this are put together under ``ancientChanges``.
    static let maximumUpdaters = 10
    static let ancientChanges = "ancient-changes"
    static let beforeFirstApply = "before-first-apply"

    public init() {}

    /// From an object's metadata, as stored.
    public init(of tree: JSON) {
        entries = (tree[path: "metadata", "managedFields"]?.elements ?? []).map(Self.entry)
    }

    /// From what a client sent; nil when it can't be understood, which upstream takes as if nothing had been sent.
    init?(sent: JSON) {
        for entry in sent.elements {
            guard ["Apply", "Update"].contains(entry["operation"]?.string), !(entry["apiVersion"]?.string ?? "").isEmpty,
                entry["fieldsType"] == "FieldsV1", FieldSet.isValid(fieldsV1: entry["fieldsV1"] ?? [:])
            else { return nil }
            var decoded = Self.entry(entry)
            decoded.fieldsV1 = FieldSet(fieldsV1: decoded.fieldsV1).fieldsV1
            set(decoded.fieldsV1, of: decoded.manager, time: decoded.time)
        }
    }

    private static func entry(_ tree: JSON) -> Entry {
        Entry(
            manager: Manager(
                name: tree["manager"]?.string ?? "", isApply: tree["operation"]?.string == "Apply",
                apiVersion: tree["apiVersion"]?.string ?? "", subresource: tree["subresource"]?.string ?? ""),
            fieldsV1: tree["fieldsV1"] ?? [:], time: tree["time"]?.string ?? "")
    }

    /// Whether a client says that nobody shall own anything any more: an empty list, or a list of one empty entry.
    static func isReset(_ sent: JSON?) -> Bool {
        guard case .array(let entries)? = sent else { return false }
        return entries.isEmpty || entries.count == 1 && (entries[0].object?.isEmpty ?? false)
    }

    func fields(of manager: Manager) -> FieldSet? { entries.first { $0.manager.isSame(as: manager) }?.fields }

    /// Sets what a manager owns; with nothing it is forgotten.
    ///
    /// - Parameter time: nil leaves the time as it is.
    mutating func set(_ fieldsV1: JSON, of manager: Manager, time: String?) {
        let isEmpty = fieldsV1.object?.isEmpty ?? true
        if let index = entries.firstIndex(where: { $0.manager.isSame(as: manager) }) {
            if isEmpty {
                entries.remove(at: index)
            } else {
                entries[index].manager = manager
                entries[index].fieldsV1 = fieldsV1
                if let time { entries[index].time = time }
            }
        } else if !isEmpty {
            entries.append(Entry(manager: manager, fieldsV1: fieldsV1, time: time ?? ""))
        }
    }

    /// Takes fields away from everybody but `manager`.
    ///
    /// - Parameter changes: what changed, in the terms of a version; nil for a version that isn't known any more, and who
    ///   manages fields of that is forgotten.
    mutating func release(except manager: Manager?, _ changes: (String) -> FieldComparison?) {
        for index in entries.indices.reversed() {
            let entry = entries[index]
            if let manager, entry.manager.isSame(as: manager) { continue }
            guard let changes = changes(entry.manager.apiVersion) else {
                entries.remove(at: index)
                continue
            }
            let lost = changes.touched.union(changes.removed)
            guard lost.intersects(fieldsV1: entry.fieldsV1) else { continue }
            let left = entry.fields.subtracting(lost)
            if left.isEmpty { entries.remove(at: index) } else { entries[index].fieldsV1 = left.fieldsV1 }
        }
    }

    /// Puts the oldest updaters together when there are too many, those of a version with each other.
    mutating func cap() {
        let updaters = entries.filter { !$0.manager.isApply }
        guard updaters.count > Self.maximumUpdaters else { return }
        let oldest = updaters.sorted { ($0.time, $0.manager.identifier) < ($1.time, $1.manager.identifier) }
        var count = updaters.count
        var first: [String: Manager] = [:]
        for entry in oldest where count > Self.maximumUpdaters {
            let version = entry.manager.apiVersion
            let bucket = Manager(name: Self.ancientChanges, isApply: false, apiVersion: version)
            guard let predecessor = first[version] else {
                first[version] = entry.manager
                continue
            }
            var fields = entry.fields
            if let known = self.fields(of: bucket) {
                fields = fields.union(known)
            } else if let known = self.fields(of: predecessor) {
                fields = fields.union(known)
                set([:], of: predecessor, time: nil)
            }
            if !entry.manager.isSame(as: bucket) { set([:], of: entry.manager, time: nil) }
            set(fields.fieldsV1, of: bucket, time: entry.time)
            count -= 1
        }
    }

    /// As the object has it; nil when there are no entries.
    public var tree: JSON? {
        guard !entries.isEmpty else { return nil }
        let sorted = entries.sorted { left, right in
            if left.manager.isApply != right.manager.isApply { return left.manager.isApply }
            return (left.time, left.manager.name, left.manager.apiVersion, left.manager.subresource)
                < (right.time, right.manager.name, right.manager.apiVersion, right.manager.subresource)
        }
        return .array(
            sorted.map { entry in
                var members: [(String, JSON)] = [
                    ("apiVersion", .string(entry.manager.apiVersion)), ("fieldsType", "FieldsV1"), ("fieldsV1", entry.fieldsV1),
                    ("manager", .string(entry.manager.name)), ("operation", entry.manager.isApply ? "Apply" : "Update"),
                ]
                if !entry.manager.subresource.isEmpty { members.append(("subresource", .string(entry.manager.subresource))) }
                if !entry.time.isEmpty { members.append(("time", .string(entry.time))) }
                return .object(JSONObject(members))
            })
    }
}
