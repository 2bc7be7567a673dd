public import KubeObject

/// Who owns which fields of an object: `metadata.managedFields`.
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
    }

    public struct Entry: Sendable, Hashable {
        public var manager: Manager
        public var fields: FieldSet
        /// RFC 3339.
        public var time: String
    }

    public var entries: [Entry] = []

    /// More managers that update than this are put together under ``ancientChanges``.
    static let maximumUpdaters = 10
    static let ancientChanges = "ancient-changes"
    static let beforeFirstApply = "before-first-apply"

    public init() {}

    /// From an object's metadata.
    public init(of tree: JSON) {
        for entry in tree[path: "metadata", "managedFields"]?.elements ?? [] {
            guard let fields = entry["fieldsV1"] else { continue }
            entries.append(
                Entry(
                    manager: Manager(
                        name: entry["manager"]?.string ?? "", isApply: entry["operation"]?.string == "Apply",
                        apiVersion: entry["apiVersion"]?.string ?? "", subresource: entry["subresource"]?.string ?? ""),
                    fields: FieldSet(fieldsV1: fields), time: entry["time"]?.string ?? ""))
        }
    }

    func fields(of manager: Manager) -> FieldSet? { entries.first { $0.manager.isSame(as: manager) }?.fields }

    /// Sets what a manager owns; with nothing it is forgotten. The time changes only when the fields do.
    mutating func set(_ fields: FieldSet, of manager: Manager, time: String) {
        if let index = entries.firstIndex(where: { $0.manager.isSame(as: manager) }) {
            if fields.isEmpty {
                entries.remove(at: index)
            } else {
                if entries[index].fields != fields { entries[index].time = time }
                entries[index].manager = manager
                entries[index].fields = fields
            }
        } else if !fields.isEmpty {
            entries.append(Entry(manager: manager, fields: fields, time: time))
        }
    }

    /// Puts the oldest updaters together when there are too many.
    mutating func cap() {
        let updaters = entries.filter { !$0.manager.isApply }
        guard updaters.count > Self.maximumUpdaters else { return }
        let oldest = updaters.sorted { ($0.time, $0.manager.name) < ($1.time, $1.manager.name) }
            .prefix(updaters.count - Self.maximumUpdaters + 1)
        for entry in oldest {
            entries.removeAll { $0.manager == entry.manager }
            let ancient = Manager(name: Self.ancientChanges, isApply: false, apiVersion: entry.manager.apiVersion)
            set((fields(of: ancient) ?? FieldSet()).union(entry.fields), of: ancient, time: entry.time)
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
                var tree: JSON = [
                    "manager": .string(entry.manager.name), "operation": entry.manager.isApply ? "Apply" : "Update",
                    "apiVersion": .string(entry.manager.apiVersion), "fieldsType": "FieldsV1", "fieldsV1": entry.fields.fieldsV1,
                ]
                if !entry.time.isEmpty { tree["time"] = .string(entry.time) }
                if !entry.manager.subresource.isEmpty { tree["subresource"] = .string(entry.manager.subresource) }
                return tree
            })
    }
}
