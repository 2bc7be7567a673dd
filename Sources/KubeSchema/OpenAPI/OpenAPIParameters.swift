import KubeObject

/// The parameters that requests have.
struct OpenAPIParameters {
    let dialect: OpenAPIDialect

    func query(_ name: String, _ type: String, _ description: String) -> JSON {
        parameter(name, "query", ["type": .string(type), "uniqueItems": true], description)
    }

    func path(_ name: String, _ description: String) -> JSON {
        var parameter = parameter(name, "path", ["type": "string", "uniqueItems": true], description)
        parameter["required"] = true
        return parameter
    }

    private func parameter(_ name: String, _ place: String, _ schema: JSON, _ description: String) -> JSON {
        var parameter: JSON = ["name": .string(name), "in": .string(place), "description": .string(description)]
        if dialect == .v3 {
            parameter["schema"] = schema
        } else {
            for (key, value) in schema.object ?? [:] { parameter[key] = value }
        }
        return parameter
    }

    var pretty: JSON { query("pretty", "string", "If 'true', the output is indented.") }
    var namespace: JSON { path("namespace", "The namespace: object name and auth scope, such as for teams and projects.") }

    private var dryRun: JSON {
        query("dryRun", "string", "When present, nothing is stored. The only valid value is 'All': every stage is carried out.")
    }

    private var fieldManager: JSON {
        query("fieldManager", "string", "A name for who makes the changes: under 128 printable characters.")
    }

    private var fieldValidation: JSON {
        query(
            "fieldValidation", "string",
            "What is done about unknown and duplicate fields: 'Ignore', 'Warn' (what is done otherwise) or 'Strict'.")
    }

    var write: [JSON] { [dryRun, fieldManager, fieldValidation] }

    var patch: [JSON] {
        [dryRun, fieldManager, fieldValidation, query("force", "boolean", "Take fields of others over; only for apply patches.")]
    }

    var delete: [JSON] {
        [
            dryRun, query("gracePeriodSeconds", "integer", "Seconds until the object is deleted; 0 deletes at once."),
            query(
                "ignoreStoreReadErrorWithClusterBreakingPotential", "boolean",
                "Delete the object even when it can't be read from storage."),
            query("orphanDependents", "boolean", "Deprecated: use propagationPolicy."),
            query(
                "propagationPolicy", "string",
                "What happens to dependents: 'Orphan', 'Background' or 'Foreground'."),
        ]
    }

    var list: [JSON] {
        [
            query("allowWatchBookmarks", "boolean", "Ask for watch events of type BOOKMARK."),
            query("continue", "string", "The token of an earlier answer, to go on after its last object."),
            query("fieldSelector", "string", "Restricts the objects by their fields."),
            query("labelSelector", "string", "Restricts the objects by their labels."),
            query("limit", "integer", "The most objects in one answer."),
            query("resourceVersion", "string", "Which state of the cluster the answer may be from."),
            query("resourceVersionMatch", "string", "How resourceVersion applies to list calls."),
            query("sendInitialEvents", "boolean", "Begin a watch with the current objects, then a bookmark."),
            query("timeoutSeconds", "integer", "Ends the call after this time, whatever it does."),
            query("watch", "boolean", "Send changes as they come, instead of a list."),
        ]
    }

    /// The fields of an options type, as connections and logs take them.
    func options(_ type: TypeSchema?) -> [JSON] {
        (type?.fields ?? []).compactMap { field in
            guard field.jsonName != "apiVersion", field.jsonName != "kind" else { return nil }
            switch field.type.kind {
            case .bool: return query(field.jsonName, "boolean", "")
            case .int32, .int64: return query(field.jsonName, "integer", "")
            case .object: return nil
            default: return query(field.jsonName, "string", "")
            }
        }
    }
}
