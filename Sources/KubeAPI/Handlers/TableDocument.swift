import KubeObject
import KubeRegistry
import KubeSchema

/// Objects as a table for people, with the registry's columns.
/// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
struct TableDocument: Sendable {
    private let resource: ResourceType
    private let version: String
    private let include: Table.IncludedObject
    /// All rows' ages count from one moment.
    private let now = Timestamp.seconds

    /// - Throws: 400 for an `includeObject` that isn't known.
    init(_ resource: ResourceType, version: String, _ query: QueryItems) throws(StatusError) {
        self.resource = resource
        self.version = version
        let wanted = query["includeObject"].flatMap { $0.isEmpty ? nil : $0 } ?? "Metadata"
        guard let include = Table.IncludedObject(rawValue: wanted) else {
            throw .badRequest(
                "Unable to convert to Table as requested: includeObject: Invalid value: \(JSON.string(wanted).text): "
                    + "must be 'Metadata', 'Object', 'None', or empty")
        }
        self.include = include
    }

    func document(_ objects: some Sequence<Object>, metadata: JSON) -> JSON {
        var table = self.envelope(metadata: metadata)
        table["rows"] = .array(objects.map { self.row($0) })
        return table
    }

    /// The table without its rows.
    func envelope(metadata: JSON) -> JSON {
        [
            "kind": "Table", "apiVersion": .string("meta.k8s.io/\(self.version)"), "metadata": metadata,
            "columnDefinitions": Table.columnDefinitions(self.resource),
        ]
    }

    func row(_ object: Object) -> JSON {
        var row = Table.row(object, self.resource, include: self.include, now: self.now)
        if self.include == .metadata { row[path: "object", "apiVersion"] = .string("meta.k8s.io/\(self.version)") }
        return row
    }
}
