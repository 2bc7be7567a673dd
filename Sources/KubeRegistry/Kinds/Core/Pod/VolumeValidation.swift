import KubeObject

/// What is checked of a pod's volumes.
enum VolumeValidation {
    /// The sources of a pod's volumes, in the order in which upstream looks at them.
    private static let sources = [
        "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi", "glusterfs",
        "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc", "flexVolume",
        "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk", "storageos",
        "projected", "scaleIO", "csi", "ephemeral", "image",
    ]

    /// Returns the volumes by name.
    ///
    /// - Parameter podName: empty in templates.
    static func validate(
        _ volumes: JSON?, podName: String, _ path: String, _ errors: inout FieldErrors
    ) -> [String: JSON] {
        var named: [String: JSON] = [:]
        errors.each(volumes, path) { volume, path, errors in
            var found = FieldErrors()
            validateSource(volume, podName, path, &found)
            let name = volume.text("name")
            if name.isEmpty {
                found.required("\(path).name")
            } else {
                found.invalid("\(path).name", name, Names.label(name))
            }
            if named[name] != nil { found.duplicate("\(path).name", .string(name)) }
            if found.isEmpty { named[name] = volume }
            for error in found.list { errors.add(error) }
        }
        return named
    }

    private static func validateSource(_ volume: JSON, _ podName: String, _ path: String, _ errors: inout FieldErrors) {
        let present = sources.filter { volume.present($0) != nil }
        guard let first = present.first, let source = volume[first] else {
            return errors.required(path, "must specify a volume type")
        }
        validateSource(source, first, volume.text("name"), podName, path, &errors)
        for extra in present.dropFirst() {
            let name = ["cephfs": "cephFS", "downwardAPI": "downwarAPI"][extra] ?? extra
            errors.forbidden("\(path).\(name)", "may not specify more than 1 volume type")
        }
    }

    private static func validateSource(
        _ source: JSON, _ kind: String, _ volumeName: String, _ podName: String, _ path: String, _ errors: inout FieldErrors
    ) {
        let inner = "\(path).\(kind)"
        switch kind {
        case "emptyDir":
            if let size = quantity(source["sizeLimit"]), size < Quantity(0) {
                errors.forbidden("\(inner).sizeLimit", "SizeLimit field must be a valid resource quantity")
            }
        case "secret":
            errors.texts(source, ["secretName"], inner)
            validateFiles(source, inner, &errors)
        case "configMap":
            errors.texts(source, ["name"], inner)
            validateFiles(source, inner, &errors)
        case "persistentVolumeClaim": errors.texts(source, ["claimName"], inner)
        case "downwardAPI":
            Paths.validateMode(source["defaultMode"], "\(inner).defaultMode", &errors)
            for file in source["items"]?.elements ?? [] { validateDownwardFile(file, inner, &errors) }
        case "projected": ProjectedVolumeValidation.validate(source, inner, &errors)
        case "csi":
            VolumeSourceValidation.validateDriverName(source, "\(inner).driver", &errors)
            if let secret = source.present("nodePublishSecretRef") {
                let name = secret.text("name")
                if name.isEmpty {
                    errors.required("\(inner).nodePublishSecretRef.name")
                } else {
                    errors.invalid("\(inner).name", name, Names.subdomain(name))
                }
            }
        case "ephemeral": validateEphemeral(source, volumeName, podName, path, &errors)
        case "image":
            if !source.has("reference"), !podName.isEmpty { errors.required("\(inner).reference") }
            errors.oneOf(source["pullPolicy"], ["Always", "IfNotPresent", "Never"], "\(inner).pullPolicy")
        default: VolumeSourceValidation.validate(source, kind, isPersistent: false, volumeName, path, &errors)
        }
    }

    private static func validateFiles(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        Paths.validateMode(source["defaultMode"], "\(path).defaultMode", &errors)
        errors.each(source["items"], "\(path).items", validateKeyToPath)
    }

    static func validateKeyToPath(_ item: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.texts(item, ["key", "path"], path)
        errors.invalid("\(path).path", item.text("path"), Paths.localNonReserved(item.text("path")))
        Paths.validateMode(item["mode"], "\(path).mode", &errors)
    }

    /// A file of the downward API. Upstream names the list's owner here, and not the element.
    static func validateDownwardFile(_ file: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.texts(file, ["path"], path)
        errors.invalid("\(path).path", file.text("path"), Paths.localNonReserved(file.text("path")))
        let field = file.present("fieldRef")
        let resource = file.present("resourceFieldRef")
        if let field {
            EnvironmentValidation.validateField(field, EnvironmentValidation.volumeFields, "\(path).fieldRef", &errors)
            if resource != nil {
                errors.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
            }
        } else if let resource {
            EnvironmentValidation.validateResource(resource, "\(path).resourceFieldRef", isVolume: true, &errors)
        } else {
            errors.required(path, "one of fieldRef and resourceFieldRef is required")
        }
        Paths.validateMode(file["mode"], "\(path).mode", &errors)
    }

    private static func validateEphemeral(
        _ source: JSON, _ volumeName: String, _ podName: String, _ path: String, _ errors: inout FieldErrors
    ) {
        let inner = "\(path).ephemeral.volumeClaimTemplate"
        if let template = source.present("volumeClaimTemplate") {
            ObjectMetaValidation.validateTemplate(template["metadata"] ?? [:], "\(inner).metadata", &errors)
            PersistentVolumeClaimValidation.validate(template["spec"] ?? [:], "\(inner).spec", &errors)
        } else {
            errors.required(inner)
        }
        if !podName.isEmpty, !volumeName.isEmpty {
            let claim = "\(podName)-\(volumeName)"
            for problem in Names.subdomain(claim) {
                errors.invalid("\(path).name", .string(volumeName), "PVC name \(quoted(claim)): \(problem)")
            }
        }
    }
}
