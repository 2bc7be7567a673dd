import KubeObject

/// Event, of the core group and of events.k8s.io, which are one and the same; the second asks for more. Rules see the core's form, and
/// upstream's errors name its fields, whichever was sent.
struct EventRules: KindRules {
    /// Whether it comes through events.k8s.io.
    var isStrict = false

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
        let controller = object.text("reportingComponent")
        if controller.isEmpty { errors.required("reportingController") }
        errors.invalid("reportingController", controller, Names.qualified(controller))
        for key in ["reportingInstance", "action", "reason"] {
            errors.texts(object, [key], "")
            if object.text(key).utf8.count > 128 { errors.invalid(key, "", "can have at most 128 characters") }
        }
        if object.text("message").utf8.count > 1024 { errors.invalid("message", "", "can have at most 1024 characters") }
    }

    func validateCreate(_ object: JSON, _ errors: inout FieldErrors) {
        self.validate(object, &errors)
        guard self.isStrict else { return }
        self.validateSeries(object["series"], &errors)
        if !object.has("eventTime") { errors.required("eventTime") }
        let type = object.text("type")
        if type != "Normal", type != "Warning" { errors.invalid("type", "", "has invalid value: \(type)") }
        for key in ["firstTimestamp", "lastTimestamp"] where object.has(key) { errors.invalid(key, "", "needs to be unset") }
        if object["count"]?.int ?? 0 != 0 { errors.invalid("count", "", "needs to be unset") }
        let source = object["source"]
        if !(source?.text("component") ?? "").isEmpty || !(source?.text("host") ?? "").isEmpty {
            errors.invalid("source", "", "needs to be unset")
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        self.validate(object, &errors)
        guard self.isStrict else { return }
        if !FieldErrors.isSame(object["series"], old["series"]) { self.validateSeries(object["series"], &errors) }
        for key in [
            "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "reason", "type",
            "eventTime", "action", "related",
        ] { errors.immutable(object[key], old[key], key) }
        errors.immutable(object["reportingComponent"], old["reportingComponent"], "reportingController")
        errors.immutable(object["reportingInstance"], old["reportingInstance"], "reportingInstance")
    }

    private func validateSeries(_ series: JSON?, _ errors: inout FieldErrors) {
        guard let series, !series.isNull else { return }
        if series["count"]?.int ?? 0 < 2 { errors.invalid("series.count", "", "should be at least 2") }
        if !series.has("lastObservedTime") { errors.required("series.lastObservedTime") }
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
