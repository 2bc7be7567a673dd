import KubeObject

/// PersistentVolumeClaim.
struct PersistentVolumeClaimRules: KindRules {
    var returnsDeletedObject: Bool { true }

    func setDefaults(_ object: inout JSON) { Self.setClaimDefaults(&object) }

    static func setClaimDefaults(_ claim: inout JSON) {
        claim.setDefault("status", [:])
        claim.edit("status") { $0.setDefaultText("phase", "Pending") }
        claim.edit("spec") { spec in
            spec.setDefaultText("volumeMode", "Filesystem")
            spec.setDefault("resources", [:])
        }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = ["phase": "Pending"] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        PersistentVolumeClaimValidation.validate(object["spec"] ?? [:], "spec", &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, &errors)
        PersistentVolumeClaimValidation.validateUpdate(object, old: old, &errors)
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        PersistentVolumeClaimValidation.validateStatus(object["status"] ?? [:], &errors)
    }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        let key = "volume.beta.kubernetes.io/storage-class"
        let annotation = object[path: "metadata", "annotations", key]
        let deprecated = annotation.map { _ in
            "metadata.annotations[\(key)]: deprecated since v1.8; use \"storageClassName\" attribute instead"
        }
        return [deprecated].compactMap { $0 } + Self.warnings(object["spec"] ?? [:], "spec")
    }

    private static func warnings(_ spec: JSON, _ path: String) -> [String] {
        guard let size = quantity(spec[path: "resources", "requests", "storage"]), size.nanos % 1_000_000_000 != 0 else {
            return []
        }
        return [
            "\(path).resources.requests[storage]: fractional byte value \(quoted(size.description)) is invalid, must be an integer"
        ]
    }

    /// Of the claims that a StatefulSet makes.
    static func templateWarnings(_ object: JSON) -> [String] {
        (object[path: "spec", "volumeClaimTemplates"]?.elements ?? []).enumerated().flatMap { index, claim in
            warnings(claim["spec"] ?? [:], "spec.volumeClaimTemplates[\(index)].spec")
        }
    }
}
