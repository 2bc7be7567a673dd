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
        PodValidation.validate(
            spec: object["spec"], metadata: object["metadata"] ?? [:], path: "spec", &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        PodUpdate.validate(object["spec"] ?? [:], old: old["spec"] ?? [:], &errors)
    }

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
