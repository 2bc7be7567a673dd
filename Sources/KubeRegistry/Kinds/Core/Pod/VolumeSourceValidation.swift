import KubeObject

/// What is checked of the volume sources that pods and persistent volumes have in common.
enum VolumeSourceValidation {
    /// The fields without which a source is none.
    private static let requiredFields: [String: [String]] = [
        "gitRepo": ["repository"], "gcePersistentDisk": ["pdName"], "awsElasticBlockStore": ["volumeID"],
        "nfs": ["server", "path"], "glusterfs": ["endpoints", "path"], "rbd": ["monitors", "image"], "cinder": ["volumeID"],
        "cephfs": ["monitors"], "flexVolume": ["driver"], "azureFile": ["secretName", "shareName"],
        "vsphereVolume": ["volumePath"], "photonPersistentDisk": ["pdID"], "portworxVolume": ["volumeID"],
        "azureDisk": ["diskName", "diskURI"], "scaleIO": ["gateway", "system", "volumeName"], "iscsi": ["targetPortal"],
    ]

    /// - Parameters:
    ///   - isPersistent: whether it is a persistent volume's, which must say its secrets' namespaces.
    ///   - name: the volume's.
    ///   - path: of what has the source.
    static func validate(
        _ source: JSON, _ kind: String, isPersistent: Bool, _ name: String, _ path: String, _ errors: inout FieldErrors
    ) {
        let inner = kind == "gcePersistentDisk" ? "\(path).persistentDisk" : "\(path).\(kind)"
        errors.texts(source, requiredFields[kind] ?? [], inner)
        switch kind {
        case "hostPath": validateHostPath(source, inner, &errors)
        case "local":
            if !source.has("path") { return errors.required("\(inner).path") }
            errors.invalid("\(inner).path", source.text("path"), Paths.withoutBacksteps(source.text("path")))
        case "gitRepo":
            errors.invalid("\(inner).directory", source.text("directory"), Paths.descending(source.text("directory")))
        case "gcePersistentDisk", "awsElasticBlockStore":
            if let partition = source["partition"]?.int, !(0...255).contains(partition) {
                errors.invalid("\(inner).partition", .int(partition), Names.outside(1...255))
            }
        case "nfs":
            if !source.text("path").hasPrefix("/") {
                errors.invalid("\(inner).path", .string(source.text("path")), "must be an absolute path")
            }
        case "iscsi": validateISCSI(source, isPersistent, name, path, &errors)
        case "fc": validateFibreChannel(source, inner, &errors)
        case "quobyte": validateQuobyte(source, inner, &errors)
        case "glusterfs": if isPersistent { validateEndpointsNamespace(source, inner, &errors) }
        case "flocker": validateFlocker(source, inner, &errors)
        case "cinder": validateSecret(source, isPersistent, inner, &errors)
        case "flexVolume": validateFlexOptions(source, inner, &errors)
        case "azureFile":
            if isPersistent, source.present("secretNamespace")?.string == "" { errors.required("\(inner).secretNamespace") }
        case "azureDisk": validateAzureDisk(source, inner, &errors)
        case "storageos":
            errors.text(source, "volumeName", inner, Names.label)
            errors.optionalText(source, "volumeNamespace", inner, Names.label)
            validateSecret(source, isPersistent, inner, &errors)
        case "csi": validateCSI(source, inner, &errors)
        default: break
        }
    }

    static func validateHostPath(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        if !source.has("path") { return errors.required("\(path).path") }
        errors.invalid("\(path).path", source.text("path"), Paths.withoutBacksteps(source.text("path")))
        let types = [
            "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
        ]
        errors.oneOf(source["type"], types, "\(path).type")
    }

    private static func validateSecret(_ source: JSON, _ isPersistent: Bool, _ path: String, _ errors: inout FieldErrors) {
        guard let secret = source.present("secretRef") else { return }
        errors.texts(secret, isPersistent ? ["name", "namespace"] : ["name"], "\(path).secretRef")
    }

    static func validateDriverName(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        let name = source.text("driver")
        validateDriverName(name, path, &errors)
    }

    /// The name of a CSI driver.
    static func validateDriverName(_ name: String, _ path: String, _ errors: inout FieldErrors) {
        if name.isEmpty { errors.required(path) }
        if name.utf8.count > 63 { errors.tooLong(path, 63) }
        errors.invalid(path, name, Names.subdomain(name.lowercased()))
    }

    private static func validateCSI(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        validateDriverName(source, "\(path).driver", &errors)
        errors.texts(source, ["volumeHandle"], path)
        for key in ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"] {
            guard let secret = source.present(key) else { continue }
            errors.text(secret, "name", "\(path).\(key)", Names.subdomain)
            errors.text(secret, "namespace", "\(path).\(key)", Names.label)
        }
    }

    private static func initiatorProblem(_ name: String, _ unknown: String) -> String? {
        if name.hasPrefix("iqn") {
            let parts = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
            let date = parts.count == 3 ? Array(parts[1].utf8) : []
            let isDate =
                date.count == 7 && date[4] == UInt8(ascii: "-") && date.enumerated().allSatisfy { $0 == 4 || $1 &- 48 < 10 }
            let isFine = isDate && parts[2].contains(":") && !(parts[2].last ?? ":").isWhitespace
            return isFine ? nil : "must be valid format"
        }
        for (prefix, count) in [("eui", 20), ("naa", 36)] where name.hasPrefix(prefix) {
            return name.utf8.count == count && name.utf8.dropFirst(4).allSatisfy(Names.isAlphanumeric)
                ? nil : "must be valid format"
        }
        return unknown
    }

    private static func validateISCSI(
        _ source: JSON, _ isPersistent: Bool, _ name: String, _ path: String, _ errors: inout FieldErrors
    ) {
        let inner = "\(path).iscsi"
        let portal = source.text("targetPortal")
        let initiator = source.present("initiatorName")?.string
        let tooLong =
            "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified."
        let isTooLong = initiator != nil && "\(name):\(portal)".utf8.count > 64
        if isPersistent, isTooLong { errors.invalid("\(inner).targetportal", .string(portal), tooLong) }
        let unknown = isPersistent ? "must be valid format" : "must be valid format starting with iqn, eui, or naa"
        errors.text(source, "iqn", inner) { name in initiatorProblem(name, unknown).map { [$0] } ?? [] }
        errors.within(0...255, source["lun"], "\(inner).lun")
        let usesSecret = source["chapAuthDiscovery"]?.bool == true || source["chapAuthSession"]?.bool == true
        if usesSecret, source.present("secretRef") == nil { errors.required("\(inner).secretRef") }
        if isPersistent, let secret = source.present("secretRef") { errors.texts(secret, ["name"], "\(inner).secretRef") }
        if let initiator, let problem = initiatorProblem(initiator, unknown) {
            errors.invalid("\(inner).initiatorname", .string(initiator), problem)
        }
        if !isPersistent, isTooLong { errors.invalid("\(path).name", .string(name), tooLong) }
    }

    private static func validateFibreChannel(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        let names = source.has("targetWWNs")
        let identifiers = source.has("wwids")
        if !names, !identifiers {
            errors.required("\(path).targetWWNs", "must specify either targetWWNs or wwids, but not both")
        }
        if names, identifiers {
            errors.invalid(
                "\(path).targetWWNs", source["targetWWNs"], "targetWWNs and wwids can not be specified simultaneously")
        }
        guard names else { return }
        if source["lun"]?.int == nil {
            errors.required("\(path).lun", "lun is required if targetWWNs is specified")
        } else {
            errors.within(0...255, source["lun"], "\(path).lun")
        }
    }

    private static func validateQuobyte(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        let registry = source.text("registry")
        let message = "must be a host:port pair or multiple pairs separated by commas"
        if registry.isEmpty {
            errors.required("\(path).registry", message)
        } else if source.text("tenant").utf8.count >= 65 {
            errors.required("\(path).tenant", "must be a UUID and may not exceed a length of 64 characters")
        } else {
            for pair in registry.split(separator: ",", omittingEmptySubsequences: false)
            where pair.split(separator: ":", omittingEmptySubsequences: false).count != 2 {
                errors.invalid("\(path).registry", .string(registry), message)
            }
        }
        errors.texts(source, ["volume"], path)
    }

    private static func validateEndpointsNamespace(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard let namespace = source.present("endpointsNamespace")?.string else { return }
        if namespace.isEmpty {
            errors.invalid(
                "\(path).endpointsNamespace", "", "if the endpointnamespace is set, it must be a valid namespace name")
        } else {
            errors.invalid("\(path).endpointsNamespace", namespace, Names.label(namespace))
        }
    }

    private static func validateFlocker(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        let name = source.text("datasetName")
        let uuid = source.text("datasetUUID")
        if name.isEmpty, uuid.isEmpty { errors.required(path, "one of datasetName and datasetUUID is required") }
        if !name.isEmpty, !uuid.isEmpty {
            errors.invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")
        }
        if name.contains("/") { errors.invalid("\(path).datasetName", .string(name), "must not contain '/'") }
    }

    private static func validateFlexOptions(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        for key in (source["options"]?.object ?? [:]).map(\.key) {
            let domain = "." + (key.split(separator: "/", maxSplits: 1).first ?? "").lowercased()
            if domain.hasSuffix(".kubernetes.io") || domain.hasSuffix(".k8s.io") {
                errors.invalid(
                    "\(path).options[\(key)]", .string(key), "kubernetes.io and k8s.io namespaces are reserved")
            }
        }
    }

    private static func validateAzureDisk(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.oneOf(source["cachingMode"], ["None", "ReadOnly", "ReadWrite"], "\(path).cachingMode")
        errors.oneOf(source["kind"], ["Dedicated", "Managed", "Shared"], "\(path).kind")
        let uri = source.text("diskURI")
        guard let kind = source.present("kind")?.string else { return }
        if kind == "Managed", !uri.hasPrefix("/subscriptions/") {
            errors.notSupported(
                "\(path).diskURI", .string(uri),
                ["/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"])
        } else if kind != "Managed", !uri.hasPrefix("https://") {
            errors.notSupported(
                "\(path).diskURI", .string(uri),
                ["https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"])
        }
    }
}
