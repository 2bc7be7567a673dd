public import KubeObject
public import KubeSchema

/// The server's side of `kubectl get`: objects as rows (`meta.k8s.io/v1` Table).
///
/// Columns and cells are those of upstream's printers; a kind that has none of its own shows its name and when it was created.
public enum Table {
    /// What a row carries of its object (`includeObject=`).
    public enum IncludedObject: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    /// The `columnDefinitions` of a resource.
    public static func columnDefinitions(_ resource: ResourceType) -> JSON {
        .array(printer(resource).columns.map { $0.definition(of: resource) })
    }

    /// One row. `object` is in the resource's version.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970, which ages count from.
    public static func row(
        _ object: Object, _ resource: ResourceType, include: IncludedObject, now: Double = Timestamp.seconds
    ) -> JSON {
        let tree = object.passingTree
        var row: JSON = ["cells": .array(printer(resource).cells(Row(tree: tree, now: now)))]
        switch include {
        case .none: break
        case .metadata: row["object"] = partialMetadata(tree)
        case .object: row["object"] = tree
        }
        return row
    }

    /// The whole table of a list (or of one object, with its resourceVersion as the list's).
    public static func table(
        _ objects: some Sequence<Object>, _ resource: ResourceType, metadata: JSON, include: IncludedObject,
        now: Double = Timestamp.seconds
    ) -> JSON {
        [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "columnDefinitions": columnDefinitions(resource),
            "rows": .array(objects.map { row($0, resource, include: include, now: now) }),
        ]
    }

    /// An object's metadata without the rest (`PartialObjectMetadata`).
    public static func partialMetadata(_ tree: JSON) -> JSON {
        ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": tree["metadata"] ?? [:]]
    }

    /// Whether the resource has columns of its own.
    static func knows(_ resource: ResourceType) -> Bool { Printers.all[resource.storedResource] != nil }

    private static func printer(_ resource: ResourceType) -> Printer {
        if let custom = resource.custom { return Printers.custom(custom.columns) }
        if !resource.columns.isEmpty { return Printers.custom(resource.columns) }
        return Printers.all[resource.storedResource] ?? Printers.fallback
    }
}

/// A column of a table.
struct Column: Sendable {
    var name: String
    var type: String
    var format: String
    /// 0 is always shown, 1 with `-o wide`.
    var priority: Int64 = 0
    /// Nil: what ``ColumnTexts`` says.
    var description: String?

    static func text(_ name: String, wide: Bool = false) -> Column {
        Column(name: name, type: "string", format: "", priority: wide ? 1 : 0)
    }

    static func number(_ name: String, wide: Bool = false) -> Column {
        Column(name: name, type: "integer", format: "", priority: wide ? 1 : 0)
    }

    static func truth(_ name: String) -> Column { Column(name: name, type: "boolean", format: "") }

    static let name = Column(name: "Name", type: "string", format: "name")
    static let age = Column.text("Age")

    func definition(of resource: ResourceType) -> JSON {
        let group = resource.group
        let text = description ?? ColumnTexts.text(group.isEmpty ? resource.plural : "\(resource.plural).\(group)", name)
        return [
            "name": .string(name), "type": .string(type), "format": .string(format), "description": .string(text),
            "priority": .int(priority),
        ]
    }
}

/// An object on its way into a row.
struct Row {
    var tree: JSON
    var now: Double

    var metadata: JSON { tree["metadata"] ?? [:] }
    var spec: JSON { tree["spec"] ?? [:] }
    var status: JSON { tree["status"] ?? [:] }
    var name: JSON { .string(metadata.text("name")) }
    var age: JSON { .string(HumanDuration.since(metadata["creationTimestamp"], now: now)) }

    func since(_ timestamp: JSON?) -> String { HumanDuration.since(timestamp, now: now) }

    /// A text, `<none>` for an empty one.
    static func shown(_ text: String, _ none: String = "<none>") -> JSON { .string(text.isEmpty ? none : text) }

    /// Names and images of a template's containers.
    static func containers(_ podSpec: JSON) -> [JSON] {
        let all = podSpec["containers"]?.elements ?? []
        return [
            .string(all.map { $0.text("name") }.joined(separator: ",")),
            .string(all.map { $0.text("image") }.joined(separator: ",")),
        ]
    }

    /// A `LabelSelector` as text.
    static func selector(_ selector: JSON?) -> JSON {
        guard let selector, !selector.isNull, let parsed = Result(catching: { try LabelSelector(selector) }).value else {
            return "<none>"
        }
        return shown(parsed.description)
    }

    /// A map of labels as text.
    static func labels(_ labels: JSON?) -> JSON {
        let pairs = (labels?.stringMap ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
        return shown(pairs.joined(separator: ","))
    }
}

/// How a kind becomes rows.
struct Printer: Sendable {
    var columns: [Column]
    var cells: @Sendable (Row) -> [JSON]

    init(_ columns: [Column], _ cells: @escaping @Sendable (Row) -> [JSON]) {
        self.columns = columns
        self.cells = cells
    }
}

enum Printers {
    static let fallback = Printer([
        .name, Column(name: "Created At", type: "date", format: ""),
    ]) { row in [row.name, .string(row.metadata.text("creationTimestamp"))] }

    static let all: [GroupResource: Printer] = {
        var all: [GroupResource: Printer] = [:]
        for (group, printers) in [
            ("", pods), ("", workloadsOfCore), ("apps", apps), ("batch", batch), ("", networkOfCore),
            ("networking.k8s.io", networking),
            ("discovery.k8s.io", discovery), ("", storageOfCore), ("storage.k8s.io", storage), ("", clusterOfCore),
            (rbacGroup, access), ("policy", policy), ("autoscaling", autoscaling), ("coordination.k8s.io", coordination),
            ("scheduling.k8s.io", scheduling), ("node.k8s.io", node), ("certificates.k8s.io", certificates),
            ("admissionregistration.k8s.io", admissionRegistration), ("flowcontrol.apiserver.k8s.io", flowControl),
            ("apiregistration.k8s.io", apiRegistration), ("resource.k8s.io", devices),
        ] {
            for (plural, printer) in printers { all[GroupResource(group: group, resource: plural)] = printer }
        }
        return all
    }()
}
