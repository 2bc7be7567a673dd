import KubeObject

/// StatefulSet.
struct StatefulSetRules: KindRules {
    var countsGeneration: Bool { true }

    /// Pods' names must fit a label after an ordinal is added.
    var nameRule: NameRule { .label }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            spec.setDefaultText("podManagementPolicy", "OrderedReady")
            spec.setDefault("updateStrategy", [:])
            spec.edit("updateStrategy") { strategy in
                strategy.setDefaultText("type", "RollingUpdate")
                if strategy.text("type") == "RollingUpdate" {
                    strategy.setDefault("rollingUpdate", [:])
                    strategy.edit("rollingUpdate") { $0.setDefault("partition", 0) }
                }
            }
            spec.setDefault("persistentVolumeClaimRetentionPolicy", [:])
            spec.edit("persistentVolumeClaimRetentionPolicy") {
                $0.setDefaultText("whenDeleted", "Retain")
                $0.setDefaultText("whenScaled", "Retain")
            }
            spec.setDefault("replicas", 1)
            spec.setDefault("revisionHistoryLimit", 10)
            spec.edit("template", PodDefaults.setTemplateDefaults)
            spec.editEach("volumeClaimTemplates") { claim in
                claim.setDefault("apiVersion", "v1")
                claim.setDefault("kind", "PersistentVolumeClaim")
                PersistentVolumeClaimRules.setClaimDefaults(&claim)
            }
        }
        object.setDefault("status", [:])
        object.edit("status") { $0.setDefault("replicas", 0) }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = ["replicas": 0, "availableReplicas": 0] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        switch spec.text("podManagementPolicy") {
        case "": errors.required("spec.podManagementPolicy")
        case "OrderedReady", "Parallel": break
        case let other:
            errors.invalid("spec.podManagementPolicy", .string(other), "must be 'OrderedReady' or 'Parallel'")
        }
        validateStrategy(spec["updateStrategy"] ?? [:], "spec.updateStrategy", &errors)
        if let retention = spec.present("persistentVolumeClaimRetentionPolicy") {
            for key in ["whenDeleted", "whenScaled"] {
                errors.oneOf(
                    retention[key], ["Retain", "Delete"], "spec.persistentVolumeClaimRetentionPolicy.\(key)", isRequired: true)
            }
        }
        errors.nonnegative(spec["replicas"], "spec.replicas")
        errors.nonnegative(spec["minReadySeconds"], "spec.minReadySeconds")
        errors.nonnegative(spec[path: "ordinals", "start"], "spec.ordinals.start")
        Workload.validateSelector(spec, kind: "statefulset", &errors)
        if spec.present("selector") != nil { Workload.validateMatch(spec, &errors) }
        Workload.validateTemplate(Self.withClaims(spec), kind: "StatefulSet", &errors)
    }

    /// With the volumes that each pod gets from the claim templates, which its containers may mount.
    private static func withClaims(_ spec: JSON) -> JSON {
        let names = (spec["volumeClaimTemplates"]?.elements ?? []).map { $0["metadata"]?.text("name") ?? "" }
        guard !names.isEmpty else { return spec }
        let claims = names.map { name -> JSON in
            ["name": .string(name), "persistentVolumeClaim": ["claimName": .string(name)]]
        }
        let others = (spec[path: "template", "spec", "volumes"]?.elements ?? []).filter { !names.contains($0.text("name")) }
        var spec = spec
        spec[path: "template", "spec", "volumes"] = .array(claims + others)
        return spec
    }

    private func validateStrategy(_ strategy: JSON, _ path: String, _ errors: inout FieldErrors) {
        switch strategy.text("type") {
        case "": errors.required(path)
        case "OnDelete":
            if let rolling = strategy.present("rollingUpdate") {
                errors.invalid("\(path).rollingUpdate", rolling, "only allowed for updateStrategy 'RollingUpdate'")
            }
        case "RollingUpdate":
            let rolling = strategy["rollingUpdate"] ?? [:]
            let path = "\(path).rollingUpdate"
            errors.nonnegative(rolling["partition"], "\(path).partition")
            guard let unavailable = rolling.present("maxUnavailable") else { return }
            Workload.validateCountOrPercent(unavailable, "\(path).maxUnavailable", &errors)
            if Workload.isZero(unavailable) { errors.invalid("\(path).maxUnavailable", unavailable, "cannot be 0") }
            Workload.validateAtMostAll(unavailable, "\(path).maxUnavailable", &errors)
        default: errors.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        let changeable: Set<String> = [
            "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ]
        let keys = Set((object["spec"]?.object ?? [:]).map(\.key) + (old["spec"]?.object ?? [:]).map(\.key))
        for key in keys.subtracting(changeable)
        where !FieldErrors.isSame(object["spec"]?[key], old["spec"]?[key]) {
            return errors.forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                    + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")
        }
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let status = object["status"] ?? [:]
        Workload.validateCounts(
            status,
            [
                "replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration",
                "collisionCount",
            ], parts: ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"], &errors)
        Workload.validateAvailable(status, "cannot be greater than status.readyReplicas", &errors)
        Workload.validateCollisions(object, old: old, &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        Workload.templateWarnings(object, old: old, ["spec", "template"])
            + PersistentVolumeClaimRules.templateWarnings(object)
    }
}
