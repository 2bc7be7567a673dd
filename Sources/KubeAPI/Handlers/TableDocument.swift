import KubeObject
import KubeRegistry
import KubeSchema

/// Objects as a table for people, with the registry's columns.
/// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
struct TableDocument {
    private let resource: ResourceType
    private let version: String
    private let include: Table.IncludedObject

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
        var table = Table.table(objects, self.resource, metadata: metadata, include: self.include)
        table["apiVersion"] = .string("meta.k8s.io/\(self.version)")
        if self.include == .metadata, self.version != "v1", case .array(var rows)? = table["rows"] {
            for index in rows.indices { rows[index][path: "object", "apiVersion"] = .string("meta.k8s.io/\(self.version)") }
            table["rows"] = .array(rows)
        }
        return table
    }
}
