import KubeObject
import KubeRegistry
import KubeSchema

/// Objects as a table for people, with the columns that upstream prints.
/// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
struct TableDocument {
    private let registry: Registry
    private let resource: ResourceType
    private let version: String
    private let includesObject: String

    /// - Throws: 400 for an `includeObject` that isn't known.
    init(_ registry: Registry, _ resource: ResourceType, version: String, _ query: QueryItems) throws(StatusError) {
        self.registry = registry
        self.resource = resource
        self.version = version
        self.includesObject = query["includeObject"].flatMap { $0.isEmpty ? nil : $0 } ?? "Metadata"
        guard ["None", "Metadata", "Object"].contains(self.includesObject) else {
            throw .badRequest(
                "Invalid value: \"\(self.includesObject)\": must be one of \"None\", \"Metadata\", or \"Object\"")
        }
    }

    func document(_ objects: [Object], metadata: JSON) throws(StatusError) -> JSON {
        [
            "kind": "Table", "apiVersion": .string("meta.k8s.io/\(self.version)"), "metadata": metadata,
            "columnDefinitions": .array(self.columns), "rows": .array(objects.map(self.row)),
        ]
    }

    private var columns: [JSON] {
        [
            [
                "name": "Name", "type": "string", "format": "name", "priority": 0,
                "description":
                    "Name must be unique within a namespace.",
            ],
            ["name": "Created At", "type": "date", "format": "", "priority": 0, "description": "CreationTimestamp"],
        ]
    }

    private func row(_ object: Object) -> JSON {
        var row: JSON = ["cells": [.string(object.metadata.name), .string(object.metadata.creationTimestamp)]]
        switch self.includesObject {
        case "Metadata": row["object"] = PartialMetadata.document(object, version: self.version)
        case "Object": row["object"] = object.tree
        default: break
        }
        return row
    }
}
