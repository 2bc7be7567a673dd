import KubeObject

/// ResourceClaims: the devices that a pod asks for.
struct ResourceClaimRules: KindRules {
    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { DeviceClaims.setDefaults(&$0) }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        DeviceClaims.validate(object[path: "spec", "devices"] ?? [:], "spec.devices", &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        errors.immutable(object["spec"], old["spec"], "spec")
        validate(object, &errors)
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let (status, before) = (object["status"] ?? [:], old["status"] ?? [:])
        let consumers = status["reservedFor"]?.elements ?? []
        var uids: Set<String> = []
        DeviceValidation.validateList(status["reservedFor"], 256, "status.reservedFor", &errors) { consumer, path, errors in
            errors.texts(consumer, ["resource", "name", "uid"], path)
        }
        for (index, consumer) in consumers.enumerated() where !uids.insert(consumer.text("uid")).inserted {
            errors.duplicate("status.reservedFor[\(index)].uid", .string(consumer.text("uid")))
        }
        let allocation = status.present("allocation")
        if !consumers.isEmpty, allocation == nil {
            errors.forbidden("status.reservedFor", "may not be specified when `allocated` is not set")
        }
        if let earlier = before.present("allocation"), let allocation {
            errors.immutable(allocation, earlier, "status.allocation")
        }
        if object[path: "metadata", "deletionTimestamp"] != nil, consumers.count > (before["reservedFor"]?.elements.count ?? 0) {
            errors.forbidden(
                "status.reservedFor", "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set")
        }
    }
}

/// ResourceClaimTemplates: what claims are made from for each pod.
struct ResourceClaimTemplateRules: KindRules {
    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.edit("spec") { DeviceClaims.setDefaults(&$0) }
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        ObjectMetaValidation.validateTemplate(object[path: "spec", "metadata"] ?? [:], "spec.metadata", &errors)
        DeviceClaims.validate(object[path: "spec", "spec", "devices"] ?? [:], "spec.spec.devices", &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        errors.immutable(object["spec"], old["spec"], "spec")
        validate(object, &errors)
    }
}

/// The `devices` of a claim or of its template.
enum DeviceClaims {
    static func setDefaults(_ spec: inout JSON) {
        func setDefaults(_ request: inout JSON) {
            request.setDefaultText("allocationMode", "ExactCount")
            if request.text("allocationMode") == "ExactCount", request["count"]?.int ?? 0 == 0 { request["count"] = 1 }
            request.editEach("tolerations") { $0.setDefaultText("operator", "Equal") }
        }
        spec.edit("devices") { devices in
            devices.editEach("requests") { request in
                request.edit("exactly") { setDefaults(&$0) }
                request.editEach("firstAvailable") { setDefaults(&$0) }
            }
        }
    }

    static func validate(_ devices: JSON, _ path: String, _ errors: inout FieldErrors) {
        var names: Set<String> = []
        for request in devices["requests"]?.elements ?? [] {
            names.insert(request.text("name"))
            for choice in request["firstAvailable"]?.elements ?? [] {
                names.insert("\(request.text("name"))/\(choice.text("name"))")
            }
        }
        DeviceValidation.validateNamed(devices["requests"], 32, "\(path).requests", &errors, validateRequest)
        DeviceValidation.validateList(devices["constraints"], 32, "\(path).constraints", &errors) { constraint, path, errors in
            validateReferences(constraint["requests"], names, "\(path).requests", &errors)
            let keys = ["matchAttribute", "distinctAttribute"].filter { constraint.present($0) != nil }
            if keys.isEmpty { errors.required("\(path).matchAttribute") }
            for key in keys {
                DeviceValidation.validateQualifiedName(
                    constraint.text(key), "\(path).\(key)", isFull: true, &errors)
            }
        }
        DeviceValidation.validateList(devices["config"], 32, "\(path).config", &errors) { configuration, path, errors in
            validateReferences(configuration["requests"], names, "\(path).requests", &errors)
            DeviceValidation.validateConfiguration(configuration, path, &errors)
        }
    }

    private static func validateRequest(_ request: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.invalid("\(path).name", request.text("name"), Names.label(request.text("name")))
        let detail = "exactly one of `exactly` or `firstAvailable` is required"
        let hasChoices = !(request["firstAvailable"]?.elements.isEmpty ?? true)
        DeviceValidation.validateNamed(request["firstAvailable"], 8, "\(path).firstAvailable", &errors) { choice, path, errors in
            errors.invalid("\(path).name", choice.text("name"), Names.label(choice.text("name")))
            validateDevices(choice, path, &errors)
        }
        let exactly = request.present("exactly")
        if let exactly { validateDevices(exactly, "\(path).exactly", &errors) }
        if exactly == nil, !hasChoices {
            errors.required(path, detail)
        } else if exactly != nil, hasChoices {
            errors.invalid(path, .null, "\(detail), but multiple fields are set")
        }
    }

    private static func validateDevices(_ request: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.text(request, "deviceClassName", path, Names.subdomain)
        DeviceValidation.validateSelectors(request["selectors"], "\(path).selectors", &errors)
        let count = request["count"]?.int ?? 0
        switch request.text("allocationMode") {
        case "All":
            if count != 0 {
                errors.invalid("\(path).count", .int(count), "must not be specified when allocationMode is 'All'")
            }
        case "ExactCount":
            if count <= 0 { errors.invalid("\(path).count", .int(count), "must be greater than zero") }
        default:
            errors.notSupported("\(path).allocationMode", .string(request.text("allocationMode")), ["All", "ExactCount"])
        }
        DeviceValidation.validateTolerations(request["tolerations"], "\(path).tolerations", &errors)
    }

    /// References to requests, `request` or `request/choice`.
    private static func validateReferences(
        _ references: JSON?, _ names: Set<String>, _ path: String, _ errors: inout FieldErrors
    ) {
        let detail = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
        var seen: Set<String> = []
        DeviceValidation.validateList(references, 32, path, &errors) { reference, path, errors in
            let text = reference.string ?? ""
            for part in text.split(separator: "/", omittingEmptySubsequences: false) {
                errors.invalid(path, String(part), Names.label(String(part)))
            }
            if !names.contains(text) { errors.invalid(path, reference, detail) }
            if !seen.insert(text).inserted { errors.duplicate(path, reference) }
        }
    }
}
