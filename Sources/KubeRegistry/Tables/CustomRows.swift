import KubeObject
import KubeSchema

extension Printers {
    /// The name, and the columns that the definition or the declaration says.
    static func custom(_ columns: [CustomColumn]) -> Printer {
        let shown = columns.map { column in
            Column(
                name: column.name, type: column.type, format: column.format, priority: column.priority,
                description: column.definition.text("description"))
        }
        return Printer([.name] + shown) { row in
            [row.name]
                + columns.map { column in
                    column.cell(of: row.tree) { HumanDuration.since(.string($0), now: row.now) }
                }
        }
    }
}
