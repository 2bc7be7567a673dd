import KubeObject

/// VolumeAttachment: only its status changes.
struct VolumeAttachmentRules: KindRules {
    var returnsDeletedObject: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.setDefault("status", [:])
        object.edit("status") { $0.setDefault("attached", false) }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = ["attached": false] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        if !spec.has("attacher") { errors.required("spec.attacher") }
        validateSource(spec["source"] ?? [:], "spec.source", &errors)
        errors.invalid("spec.nodeName", spec.text("nodeName"), Names.subdomain(spec.text("nodeName")))
        validateStatus(object["status"] ?? [:], &errors)
    }

    func validateCreate(_ object: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        let spec = object["spec"] ?? [:]
        VolumeSourceValidation.validateDriverName(spec.text("attacher"), "spec.attacher", &errors)
        if let name = spec["source"]?.present("persistentVolumeName")?.string {
            errors.invalid("spec.source.persistentVolumeName", name, Names.subdomain(name))
        }
    }

    private func validateSource(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        let detail = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        switch (source.present("inlineVolumeSpec"), source.present("persistentVolumeName")) {
        case (nil, nil): errors.required(path, detail)
        case (.some, .some): errors.forbidden(path, detail)
        case (nil, let name?):
            if name.isEmpty {
                errors.required("\(path).persistentVolumeName", "must specify non empty persistentVolumeName")
            }
        case (let spec?, nil):
            PersistentVolumeValidation.validate(spec, name: "", isInline: true, "\(path).inlineVolumeSpec", &errors)
        }
    }

    private func validateStatus(_ status: JSON, _ errors: inout FieldErrors) {
        let size = (status["attachmentMetadata"]?.stringMap ?? [:]).reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        if size > 256 * 1024 { errors.tooLong("status.attachmentMetadata", 256 * 1024) }
        for key in ["attachError", "detachError"] {
            guard let error = status.present(key) else { continue }
            if error.text("message").utf8.count > 1024 { errors.tooLong("status.\(key).message", 256 * 1024) }
            errors.within(0...Int64(Int32.max), error["errorCode"], "status.\(key).errorCode")
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        errors.immutable(object["spec"], old["spec"], "spec")
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validateUpdate(object, old: old, &errors)
    }
}
