import KubeObject

/// Fields of other managers that an apply would change.
struct ApplyConflicts {
    var all: [(manager: ManagedFields.Manager, fields: FieldSet)] = []

    var isEmpty: Bool { all.isEmpty }

    /// Without those about fields in `allowed`.
    func subtracting(_ allowed: FieldSet) -> ApplyConflicts {
        ApplyConflicts(all: all.map { ($0.manager, $0.fields.subtracting(allowed)) }.filter { !$0.1.isEmpty })
    }

    /// 409 with a cause a field.
    var error: StatusError {
        var causes: [JSON] = []
        var lines: [String] = []
        for (manager, fields) in all.sorted(by: { $0.manager.name < $1.manager.name }) {
            let subresource = manager.subresource.isEmpty ? "" : " with subresource \(JSON.string(manager.subresource).text)"
            let using = manager.isApply ? "" : " using \(manager.apiVersion)"
            let who = "\(JSON.string(manager.name).text)\(subresource)\(using)"
            let paths = fields.pathTexts
            for path in paths {
                causes.append([
                    "reason": "FieldManagerConflict", "message": .string("conflict with \(who)"), "field": .string(path),
                ])
            }
            if causes.count == 1, all.count == 1 {
                lines.append("conflict with \(who): \(paths[0])")
            } else {
                lines.append("conflicts with \(who):")
                lines += paths.map { "- \($0)" }
            }
        }
        return StatusError(
            code: 409, reason: "Conflict",
            message: "Apply failed with \(causes.count) conflict\(causes.count == 1 ? "" : "s"): "
                + lines.joined(separator: "\n"),
            details: ["causes": .array(causes)])
    }
}
