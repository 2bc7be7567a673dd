import HTTPTypes
import KubeObject
import KubeRegistry

/// Reads the options of verbs out of queries (and bodies), with upstream's checks.
enum RequestOptions {
    // MARK: Reading

    static func list(_ query: QueryItems, info: RequestInfo) throws(StatusError) -> ListOptions {
        // Only a watch heeds it, but nonsense is nonsense anywhere.
        _ = try self.integer(query, "timeoutSeconds")
        var options = ListOptions(
            labelSelector: query["labelSelector"] ?? "", fieldSelector: query["fieldSelector"] ?? "",
            limit: try self.integer(query, "limit").map { Int(clamping: $0) } ?? 0, continueToken: query["continue"] ?? "",
            resourceVersion: query["resourceVersion"] ?? "", resourceVersionMatch: query["resourceVersionMatch"] ?? "",
            allowWatchBookmarks: query.flag("allowWatchBookmarks"),
            sendInitialEvents: query["sendInitialEvents"].map { _ in query.flag("sendInitialEvents") })
        if options.limit < 0 { options.limit = 0 }
        // A name in the path of a watch selects as a field selector does.
        if info.verb == "watch", !info.name.isEmpty {
            if options.fieldSelector.isEmpty {
                options.fieldSelector = "metadata.name=\(info.name)"
            } else if case .success(let selector) = Result(catching: { try FieldSelector(parsing: options.fieldSelector) }),
                selector.requiredValue("metadata.name") != info.name
            {
                throw .badRequest("fieldSelector metadata.name doesn't match requested name")
            }
        }
        return options
    }

    /// An integer of the query, or nil.
    static func integer(_ query: QueryItems, _ name: String) throws(StatusError) -> Int64? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let value = Int64(text) else {
            throw .badRequest("strconv.ParseInt: parsing \"\(text)\": invalid syntax")
        }
        return value
    }

    // MARK: Writing

    static func create(_ request: APIRequest, kind: String) throws(StatusError) -> CreateOptions {
        var causes: [FieldError] = []
        let options = CreateOptions(
            dryRun: self.dryRun(request.query.all("dryRun"), &causes),
            fieldValidation: self.fieldValidation(request.query["fieldValidation"], &causes),
            fieldManager: self.fieldManager(request, &causes))
        try self.check(causes, kind)
        return options
    }

    static func patch(_ request: APIRequest, type: PatchType) throws(StatusError) -> PatchOptions {
        var causes: [FieldError] = []
        if type == .apply, request.query["fieldManager", default: ""].isEmpty {
            causes.append(.required("fieldManager", "is required for apply patch"))
        } else if type != .apply, request.query["force"] != nil {
            causes.append(.forbidden("force", "may not be specified for non-apply patch"))
        }
        let options = PatchOptions(
            dryRun: self.dryRun(request.query.all("dryRun"), &causes),
            fieldValidation: self.fieldValidation(request.query["fieldValidation"], &causes),
            fieldManager: self.fieldManager(request, &causes), force: request.query.flag("force"))
        try self.check(causes, "PatchOptions")
        return options
    }

    /// The options of a deletion: the body's when there is one, the query's otherwise.
    static func delete(_ request: APIRequest, body: JSON?) throws(StatusError) -> DeleteOptions {
        var causes: [FieldError] = []
        var options = DeleteOptions()
        var policy: String?
        if let body {
            let kind = body["kind"]?.string ?? "DeleteOptions"
            guard body.object != nil, kind == "DeleteOptions" || kind.isEmpty else {
                throw .badRequest("decoded object cannot be converted to DeleteOptions")
            }
            if let seconds = body["gracePeriodSeconds"], !seconds.isNull {
                guard let value = seconds.int else { throw self.wrongType("gracePeriodSeconds", "int64", seconds) }
                options.gracePeriodSeconds = value
            }
            policy = body["propagationPolicy"]?.string
            options.orphanDependents = body["orphanDependents"]?.bool
            options.preconditionUID = body["preconditions"]?["uid"]?.string
            options.preconditionResourceVersion = body["preconditions"]?["resourceVersion"]?.string
            options.dryRun = self.dryRun(body["dryRun"]?.strings ?? [], &causes)
        } else {
            options.gracePeriodSeconds = try self.integer(request.query, "gracePeriodSeconds")
            policy = request.query["propagationPolicy"]
            options.orphanDependents = request.query["orphanDependents"].map { _ in request.query.flag("orphanDependents") }
            options.dryRun = self.dryRun(request.query.all("dryRun"), &causes)
        }
        if let policy {
            options.propagationPolicy = PropagationPolicy(rawValue: policy)
            if options.propagationPolicy == nil {
                causes.append(.notSupported("propagationPolicy", .string(policy), ["Foreground", "Background", "Orphan", "nil"]))
            }
        }
        try self.check(causes, "DeleteOptions")
        return options
    }

    // MARK: Parts

    private static func check(_ causes: [FieldError], _ kind: String) throws(StatusError) {
        guard causes.isEmpty else { throw .invalid(GroupKind(group: "meta.k8s.io", kind: kind), "", causes) }
    }

    private static func dryRun(_ values: [String], _ causes: inout [FieldError]) -> Bool {
        let values = values.filter { !$0.isEmpty }
        if values.contains(where: { $0 != "All" }) { causes.append(.notSupported("dryRun", JSON(values), ["All"])) }
        return !values.isEmpty
    }

    private static func fieldValidation(_ value: String?, _ causes: inout [FieldError]) -> FieldValidation {
        guard let value, !value.isEmpty else { return .warn }
        if let known = FieldValidation(rawValue: value) { return known }
        causes.append(.notSupported("fieldValidation", .string(value), ["", "Ignore", "Strict", "Warn"]))
        return .warn
    }

    private static func fieldManager(_ request: APIRequest, _ causes: inout [FieldError]) -> String {
        if let given = request.query["fieldManager"], !given.isEmpty {
            if given.utf8.count > self.longestManager { causes.append(.tooLong("fieldManager", maximum: self.longestManager)) }
            var position = 0
            for scalar in given.unicodeScalars {
                if !self.isPrintable(scalar) {
                    let hex = String(scalar.value, radix: 16, uppercase: true)
                    let padded = String(repeating: "0", count: max(0, 4 - hex.count)) + hex
                    causes.append(
                        .invalid("fieldManager", .string(given), "invalid character U+\(padded) (at position \(position))"))
                }
                position += scalar.utf8.count
            }
            return given
        }
        // What upstream falls back to: the program's name.
        let agent = request.headers[.userAgent] ?? ""
        var manager = String.UnicodeScalarView()
        var length = 0
        for scalar in agent.unicodeScalars.prefix(while: { $0 != "/" }) where self.isPrintable(scalar) {
            length += scalar.utf8.count
            if length > self.longestManager { break }
            manager.append(scalar)
        }
        return String(manager)
    }

    /// In bytes.
    private static let longestManager = 128

    /// As Go has it: letters, marks, numbers, punctuation, symbols, and no space but the common one.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        // Without a look into Unicode's tables: nearly all are.
        if scalar.isASCII { return (0x20..<0x7F).contains(scalar.value) }
        return switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    private static func wrongType(_ field: String, _ type: String, _ value: JSON) -> StatusError {
        .badRequest("json: cannot unmarshal \(value.typeName) into Go struct field DeleteOptions.\(field) of type \(type)")
    }
}

extension QueryItems {
    subscript(name: String, default value: String) -> String {
        self[name] ?? value
    }
}
