import KubeObject

/// Pod.
struct PodRules: KindRules {
    var countsGeneration: Bool { true }
    var returnsDeletedObject: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            PodDefaults.setSpecDefaults(&spec)
            PodDefaults.setPodDefaults(&spec)
        }
        object.setDefault("status", [:])
        object[path: "status"]?.setDefaultText("phase", "Pending")
    }

    func prepareForCreate(_ object: inout JSON) {
        var status: JSON = ["phase": "Pending", "qosClass": .string(QualityOfService.class(of: object["spec"] ?? [:]))]
        if object["spec"]?.has("schedulingGates") ?? false {
            status["conditions"] = [
                [
                    "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
                    "message": "Scheduling is blocked due to non-empty scheduling gates",
                ]
            ]
        }
        object["status"] = status
        PodAnnotations.setAppArmorProfiles(&object)
    }

    func prepareForUpdate(_ object: inout JSON, old: JSON) {
        if object["status"]?.has("qosClass") != true {
            object[path: "status", "qosClass"] = .string(QualityOfService.class(of: object["spec"] ?? [:]))
        }
    }

    func prepareForStatusUpdate(_ object: inout JSON, old: JSON) {
        if object["status"]?.has("qosClass") != true {
            object[path: "status", "qosClass"] = old[path: "status", "qosClass"]
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let metadata = object["metadata"] ?? [:]
        let spec = object["spec"] ?? [:]
        PodAnnotations.validate(metadata["annotations"], spec, "metadata.annotations", &errors)
        PodValidation.validate(spec: spec, metadata: metadata, path: "spec", &errors)
        if !spec.has("serviceAccountName") {
            errors.each(spec["volumes"], "spec.volumes") { volume, path, errors in
                errors.each(volume["projected"]?["sources"], "\(path).projected.sources") { source, path, errors in
                    if source.present("serviceAccountToken") != nil {
                        errors.forbidden(
                            "\(path).serviceAccountToken", "must not be specified when serviceAccountName is not set")
                    }
                }
            }
        }
        for key in ["containers", "initContainers"] {
            errors.each(spec[key], "spec.\(key)", ContainerValidation.validateImageOfPod)
        }
    }

    func validateCreate(_ object: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        let spec = object["spec"] ?? [:]
        if spec.has("ephemeralContainers") { errors.forbidden("spec.ephemeralContainers", "cannot be set on create") }
        if spec.has("nodeName"), spec.has("schedulingGates") {
            errors.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")
        }
        PodAnnotations.validateMatch(object, "", &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        PodAnnotations.validateUpdate(object, old: old, &errors)
        PodUpdate.validate(object["spec"] ?? [:], old: old["spec"] ?? [:], &errors)
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        PodAnnotations.validateUpdate(object, old: old, &errors)
        PodStatusValidation.validate(object, old: old, &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, subresource: String, _ errors: inout FieldErrors) {
        switch subresource {
        case "ephemeralcontainers":
            validate(object, &errors)
            PodUpdate.validateEphemeralContainers(object, old: old, &errors)
        case "resize":
            validate(object, &errors)
            PodResize.validate(object, old: old, &errors)
        default: break
        }
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] { PodWarnings.texts(object) }

    func selectableField(_ path: String, of object: Object) -> String? {
        let tree = object.tree
        switch path {
        case "spec.nodeName": return tree["spec"]?.text("nodeName") ?? ""
        case "spec.restartPolicy": return tree["spec"]?.text("restartPolicy") ?? ""
        case "spec.schedulerName": return tree["spec"]?.text("schedulerName") ?? ""
        case "spec.serviceAccountName": return tree["spec"]?.text("serviceAccountName") ?? ""
        case "spec.hostNetwork": return tree["spec"]?["hostNetwork"]?.bool == true ? "true" : "false"
        case "status.phase": return tree["status"]?.text("phase") ?? ""
        case "status.podIP": return tree["status"]?.text("podIP") ?? ""
        case "status.podIPs": return tree["status"]?["podIPs"]?.elements.first?.text("ip") ?? tree["status"]?.text("podIP") ?? ""
        case "status.nominatedNodeName": return tree["status"]?.text("nominatedNodeName") ?? ""
        default: return nil
        }
    }
}
