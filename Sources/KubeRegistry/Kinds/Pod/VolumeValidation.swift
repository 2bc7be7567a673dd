import KubeObject

/// What is checked of a pod's volumes.
enum VolumeValidation {
    /// Returns the names of the volumes.
    static func validate(_ volumes: [JSON], _ path: String, _ errors: inout FieldErrors) -> Set<String> {
        var names: Set<String> = []
        for (index, volume) in volumes.enumerated() {
            let path = "\(path)[\(index)]"
            let name = volume.text("name")
            if name.isEmpty {
                errors.required("\(path).name")
            } else {
                errors.invalid("\(path).name", name, Names.label(name))
                if !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
            }
            validateSource(volume, path, &errors)
        }
        return names
    }

    private static func validateSource(_ volume: JSON, _ path: String, _ errors: inout FieldErrors) {
        let sources = (volume.object ?? [:]).filter { key, value in key != "name" && !value.isNull }
        if sources.count > 1, let second = sources.map(\.key).dropFirst().first {
            errors.forbidden("\(path).\(second)", "may not specify more than 1 volume type")
        }
        guard let (source, value) = sources.first(where: { _ in true }) else {
            return errors.required(path, "must specify a volume type")
        }
        let path = "\(path).\(source)"
        switch source {
        case "emptyDir":
            if let text = value["sizeLimit"].flatMap(quantityText), let quantity = Result(catching: { try Quantity(text) }).value,
                quantity < Quantity(0)
            {
                errors.forbidden("\(path).sizeLimit", "SizeLimit field must be a valid resource quantity")
            }
        case "hostPath":
            if value.text("path").isEmpty { errors.required("\(path).path") }
            if value.text("path").split(separator: "/").contains("..") {
                errors.invalid("\(path).path", value["path"], "must not contain '..'")
            }
            errors.oneOf(
                value["type"],
                ["DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"], "\(path).type")
        case "secret":
            if value.text("secretName").isEmpty { errors.required("\(path).secretName") }
            validateFiles(value, path, &errors)
        case "configMap":
            if value.text("name").isEmpty { errors.required("\(path).name") }
            validateFiles(value, path, &errors)
        case "downwardAPI": validateMode(value["defaultMode"], "\(path).defaultMode", &errors)
        case "projected": validateMode(value["defaultMode"], "\(path).defaultMode", &errors)
        case "persistentVolumeClaim":
            if value.text("claimName").isEmpty { errors.required("\(path).claimName") }
        case "nfs":
            if value.text("server").isEmpty { errors.required("\(path).server") }
            if value.text("path").isEmpty { errors.required("\(path).path") }
            if !value.text("path").hasPrefix("/") { errors.invalid("\(path).path", value["path"], "must be an absolute path") }
        case "csi":
            if value.text("driver").isEmpty { errors.required("\(path).driver") }
        default: break
        }
    }

    private static func validateFiles(_ source: JSON, _ path: String, _ errors: inout FieldErrors) {
        validateMode(source["defaultMode"], "\(path).defaultMode", &errors)
        for (index, item) in (source["items"]?.elements ?? []).enumerated() {
            let path = "\(path).items[\(index)]"
            if item.text("key").isEmpty { errors.required("\(path).key") }
            let file = item.text("path")
            if file.isEmpty { errors.required("\(path).path") }
            if file.hasPrefix("/") { errors.invalid("\(path).path", .string(file), "must be a relative path") }
            if file.split(separator: "/").contains("..") {
                errors.invalid("\(path).path", .string(file), "must not contain '..'")
            }
            validateMode(item["mode"], "\(path).mode", &errors)
        }
    }

    private static func validateMode(_ mode: JSON?, _ path: String, _ errors: inout FieldErrors) {
        if let mode = mode?.int, !(0...0o777).contains(mode) {
            errors.invalid(path, .int(mode), "must be a number between 0 and 0777 (octal), both inclusive")
        }
    }
}
