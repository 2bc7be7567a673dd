import KubeObject

/// What is checked of persistent volumes, of their own and inline in attachments.
enum PersistentVolumeValidation {
    /// In the order in which upstream looks at them.
    private static let sources = [
        "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte", "cephfs",
        "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume",
        "azureDisk", "scaleIO", "local", "storageos", "csi",
    ]

    /// - Parameter isInline: whether it stands in a `VolumeAttachment`.
    static func validate(
        _ spec: JSON, name: String, isInline: Bool = false, _ path: String, _ errors: inout FieldErrors
    ) {
        if isInline { refuseInline(spec, ["claimRef", "capacity"], path, &errors) }
        if isInline, spec.present("csi") == nil {
            errors.required("\(path).csi", "has to be specified in the context of inline volumes")
        }
        if !spec.has("accessModes") { errors.required("\(path).accessModes") }
        PersistentVolumeClaimValidation.validateAccessModes(spec, path, &errors)
        if !isInline { validateCapacity(spec, path, &errors) }
        let policy = spec.text("persistentVolumeReclaimPolicy")
        if isInline {
            if !policy.isEmpty, policy != "Retain" {
                errors.forbidden(
                    "\(path).persistentVolumeReclaimPolicy", "may only be Retain in the context of inline volumes")
            }
            refuseInline(spec, ["nodeAffinity"], path, &errors)
        } else {
            errors.oneOf(.string(policy), ["Delete", "Recycle", "Retain"], "\(path).persistentVolumeReclaimPolicy")
            validateNodeAffinity(spec, path, &errors)
        }
        validateSources(spec, name, path, &errors)
        if spec[path: "hostPath", "path"] == "/", policy == "Recycle" {
            errors.forbidden(
                "\(path).persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'")
        }
        if isInline {
            refuseInline(spec, ["storageClassName"], path, &errors)
            if let mode = spec.present("volumeMode")?.string, mode != "Filesystem" {
                errors.forbidden(
                    "\(path).volumeMode", "may not specify volumeMode other than Filesystem in the context of inline volumes")
            }
        } else {
            errors.optionalText(spec, "storageClassName", path, Names.subdomain)
            errors.oneOf(spec["volumeMode"], ["Block", "Filesystem"], "\(path).volumeMode")
        }
        validateAttributesClass(spec, path, &errors)
    }

    private static func refuseInline(_ spec: JSON, _ keys: [String], _ path: String, _ errors: inout FieldErrors) {
        for key in keys where spec.has(key) {
            errors.forbidden("\(path).\(key)", "may not be specified in the context of inline volumes")
        }
    }

    private static func validateCapacity(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let capacity = spec["capacity"]?.object ?? [:]
        let path = "\(path).capacity"
        if capacity.isEmpty { errors.required(path) }
        if capacity["storage"] == nil || capacity.count > 1 { errors.notSupported(path, .object(capacity), ["storage"]) }
        for (name, value) in capacity {
            guard let amount = quantity(value) else { continue }
            if amount < Quantity(0) {
                errors.invalid("\(path)[\(name)]", .int(amount.value), "must be a valid resource quantity")
            }
            if amount <= Quantity(0) {
                errors.invalid("\(path)[\(name)]", .string(amount.description), "must be greater than zero")
            }
        }
    }

    private static func validateNodeAffinity(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard let affinity = spec.present("nodeAffinity") else { return }
        if let required = affinity.present("required") {
            SchedulingValidation.validateNodeSelector(required, "\(path).nodeAffinity.required", &errors)
        } else {
            errors.required("\(path).nodeAffinity.required", "must specify required node constraints")
        }
    }

    private static func validateSources(_ spec: JSON, _ name: String, _ path: String, _ errors: inout FieldErrors) {
        let present = sources.filter { spec.present($0) != nil }
        for (index, kind) in present.enumerated() {
            guard let source = spec[kind] else { continue }
            if index > 0, kind != "flexVolume" {
                errors.forbidden(
                    "\(path).\(kind == "cephfs" ? "cephFS" : kind)", "may not specify more than 1 volume type")
                continue
            }
            VolumeSourceValidation.validate(source, kind, isPersistent: true, name, path, &errors)
            if kind == "local", spec.present("nodeAffinity") == nil {
                errors.required("\(path).nodeAffinity", "Local volume requires node affinity")
            }
        }
        if present.isEmpty { errors.required(path, "must specify a volume type") }
    }

    private static func validateAttributesClass(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard let name = spec.present("volumeAttributesClassName")?.string else { return }
        if name.isEmpty {
            errors.required("\(path).volumeAttributesClassName", "an empty string is disallowed")
        } else {
            errors.invalid("\(path).volumeAttributesClassName", name, Names.subdomain(name))
        }
        if spec.present("csi") == nil {
            errors.required("\(path).csi", "has to be specified when using volumeAttributesClassName")
        }
    }

    static func validateUpdate(_ spec: JSON, old: JSON, _ errors: inout FieldErrors) {
        var new: JSON = [:]
        var before: JSON = [:]
        for key in sources {
            new[key] = spec[key]
            before[key] = old[key]
        }
        // A secret for growing may be named later.
        if before["csi"]?.present("controllerExpandSecretRef") == nil, new.present("csi") != nil, before.present("csi") != nil {
            new[path: "csi", "controllerExpandSecretRef"] = nil
            before[path: "csi", "controllerExpandSecretRef"] = nil
        }
        if !FieldErrors.isSame(new, before) {
            errors.forbidden(
                "spec.persistentvolumesource",
                "spec.persistentvolumesource is immutable after creation\n\(Difference.text(before, new))")
        }
        errors.immutable(spec["volumeMode"], old["volumeMode"], "volumeMode")
        if let affinity = old.present("nodeAffinity"), !isSameAffinity(spec["nodeAffinity"], affinity) {
            errors.invalid(
                "nodeAffinity", spec["nodeAffinity"], "field is immutable, except for updating from beta label to GA")
        }
        if old.present("volumeAttributesClassName") != nil, spec.present("volumeAttributesClassName") == nil {
            errors.forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")
        }
    }

    private static let successors = [
        "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
        "beta.kubernetes.io/os": "kubernetes.io/os", "beta.kubernetes.io/arch": "kubernetes.io/arch",
        "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
    ]

    /// Whether the two say the same, but for labels that have got another name.
    private static func isSameAffinity(_ new: JSON?, _ old: JSON) -> Bool {
        guard let new else { return false }
        switch (new, old) {
        case (.string(let now), .string(let before)): return now == before || successors[before] == now
        case (.object(let now), .object(let before)):
            return now.count == before.count
                && now.allSatisfy { key, value in before[key].map { isSameAffinity(value, $0) } ?? false }
        case (.array(let now), .array(let before)):
            return now.count == before.count && zip(now, before).allSatisfy { isSameAffinity($0, $1) }
        default: return new == old
        }
    }
}
