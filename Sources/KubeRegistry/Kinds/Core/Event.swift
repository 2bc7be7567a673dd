import KubeObject

/// Event, of the core group and of events.k8s.io, which are one and the same.
struct EventRules: KindRules {
    var allowsCreateOnUpdate: Bool { true }
    var defaultPropagation: PropagationPolicy? { nil }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let namespace = object["metadata"]?.text("namespace") ?? ""
        let involved = object["involvedObject"]?.text("namespace") ?? ""
        func refuse() { errors.invalid("involvedObject.namespace", .string(involved), "does not match event.namespace") }
        guard object.has("eventTime") else {
            // Events about objects without a namespace are in the default one.
            if involved.isEmpty ? !["", "default"].contains(namespace) : involved != namespace { refuse() }
            return
        }
        if involved.isEmpty, !["default", "kube-system"].contains(namespace) { refuse() }
        errors.texts(object, ["reportingComponent"], "")
        errors.invalid(
            "reportingComponent", object.text("reportingComponent"), Names.qualified(object.text("reportingComponent")))
        for key in ["reportingInstance", "action", "reason"] {
            errors.texts(object, [key], "")
            if object.text(key).utf8.count > 128 { errors.invalid(key, "", "can have at most 128 characters") }
        }
        if object.text("message").utf8.count > 1024 { errors.invalid("message", "", "can have at most 1024 characters") }
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        let tree = object.tree
        switch path {
        case "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
            "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath":
            return tree["involvedObject"]?.text(String(path.dropFirst("involvedObject.".count))) ?? ""
        case "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "regarding.apiVersion":
            return tree["involvedObject"]?.text(String(path.dropFirst("regarding.".count))) ?? ""
        case "reason", "type", "reportingComponent": return tree.text(path)
        case "reportingController": return tree.text("reportingComponent")
        case "source":
            let source = tree["source"]?.text("component") ?? ""
            return source.isEmpty ? tree.text("reportingComponent") : source
        default: return nil
        }
    }
}

/// Between the two APIs of events.
enum EventConversion {
    private static let names = [
        ("regarding", "involvedObject"), ("note", "message"), ("deprecatedSource", "source"),
        ("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedCount", "count"), ("reportingController", "reportingComponent"),
    ]

    static func core(fromEvents tree: JSON) -> JSON {
        var result = tree
        for (events, core) in names {
            result[events] = nil
            result[core] = tree[events]
        }
        return result
    }

    static func events(fromCore tree: JSON) -> JSON {
        var result = tree
        for (events, core) in names {
            result[core] = nil
            result[events] = tree[core]
        }
        return result
    }
}
