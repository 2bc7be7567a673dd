import KubeObject

/// PersistentVolume.
struct PersistentVolumeRules: KindRules {
    var returnsDeletedObject: Bool { true }

    func setDefaults(_ object: inout JSON) {
        object.setDefault("status", [:])
        object.edit("status") { $0.setDefaultText("phase", "Pending") }
        object.edit("spec") { spec in
            spec.setDefaultText("persistentVolumeReclaimPolicy", "Retain")
            spec.setDefaultText("volumeMode", "Filesystem")
            spec.edit("hostPath") { $0.setDefault("type", "") }
        }
    }

    func prepareForCreate(_ object: inout JSON) {
        object["status"] = ["phase": "Pending", "lastPhaseTransitionTime": .string(Timestamp.now())]
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        PersistentVolumeValidation.validate(
            object["spec"] ?? [:], name: object["metadata"]?.text("name") ?? "", "spec", &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        PersistentVolumeValidation.validateUpdate(object["spec"] ?? [:], old: old["spec"] ?? [:], &errors)
    }

    func prepareForStatusUpdate(_ object: inout JSON, old: JSON) {
        // The server notes when the phase changed, unless the client says it.
        let phase = object[path: "status", "phase"]
        let given = object[path: "status", "lastPhaseTransitionTime"]
        guard phase != old[path: "status", "phase"], given == old[path: "status", "lastPhaseTransitionTime"] else { return }
        object[path: "status", "lastPhaseTransitionTime"] = .string(Timestamp.now())
    }

    private static let deprecated = [
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ]

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        var warnings: [String] = []
        let annotations = object["metadata"]?["annotations"]
        let key = "volume.beta.kubernetes.io/storage-class"
        if annotations?[key] != nil {
            warnings.append("metadata.annotations[\(key)]: deprecated since v1.8; use \"storageClassName\" attribute instead")
        }
        let mount = "volume.beta.kubernetes.io/mount-options"
        if annotations?[mount] != nil {
            warnings.append("metadata.annotations[\(mount)]: deprecated since v1.31; use \"mountOptions\" attribute instead")
        }
        let spec = object["spec"] ?? [:]
        if spec.text("persistentVolumeReclaimPolicy") == "Recycle" {
            warnings.append(
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is "
                    + "to use dynamic provisioning.")
        }
        if let size = quantity(spec[path: "capacity", "storage"]), size.nanos % 1_000_000_000 != 0 {
            warnings.append(
                "spec.capacity[storage]: fractional byte value \(quoted(size.description)) is invalid, must be an integer")
        }
        for (source, message) in Self.deprecated where spec.present(source) != nil {
            warnings.append("spec.\(source == "storageos" ? "storageOS" : source): \(message)")
        }
        return warnings
    }
}
