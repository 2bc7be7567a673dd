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
            throw .badRequest("Invalid value: \"\(wanted)\": must be one of \"None\", \"Metadata\", or \"Object\"")
        }
        self.include = include
    }

    func document(_ objects: some Sequence<Object>, metadata: JSON) -> JSON {
        var table = Table.table(objects, self.resource, metadata: metadata, include: self.include)
        table["apiVersion"] = .string("meta.k8s.io/\(self.version)")
        return table
    }
}
