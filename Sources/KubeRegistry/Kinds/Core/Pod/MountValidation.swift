import KubeObject

/// What is checked of a container's mounts and block devices.
enum MountValidation {
    static func validate(_ container: JSON, _ volumes: [String: JSON], _ path: String, _ errors: inout FieldErrors) {
        let mounts = container["volumeMounts"]?.elements ?? []
        let devices = container["volumeDevices"]?.elements ?? []
        if !mounts.isEmpty { validateMounts(mounts, devices, volumes, container, "\(path).volumeMounts", &errors) }
        if !devices.isEmpty { validateDevices(devices, mounts, volumes, "\(path).volumeDevices", &errors) }
    }

    private static func validateMounts(
        _ mounts: [JSON], _ devices: [JSON], _ volumes: [String: JSON], _ container: JSON, _ path: String,
        _ errors: inout FieldErrors
    ) {
        let deviceNames = Set(devices.map { $0.text("name") })
        let devicePaths = Set(devices.map { $0.text("devicePath") })
        let isPrivileged = container["securityContext"]?["privileged"]?.bool == true
        var seen: Set<String> = []
        for (index, mount) in mounts.enumerated() {
            let item = "\(path)[\(index)]"
            let name = mount.text("name")
            if name.isEmpty { errors.required("\(item).name") }
            let volume = volumes[name]
            if volume == nil { errors.notFound("\(item).name", .string(name)) }
            let target = mount.text("mountPath")
            if target.isEmpty { errors.required("\(item).mountPath") }
            if !seen.insert(target).inserted { errors.invalid("\(item).mountPath", .string(target), "must be unique") }
            if deviceNames.contains(name) {
                errors.invalid("\(item).name", .string(name), "must not already exist in volumeDevices")
            }
            if devicePaths.contains(target) {
                errors.invalid("\(item).mountPath", .string(target), "must not already exist as a path in volumeDevices")
            }
            let sub = mount.text("subPath")
            let expression = mount.text("subPathExpr")
            // Upstream names the list here, and not the element.
            if !sub.isEmpty { errors.invalid("\(path).subPath", sub, Paths.descending(sub)) }
            if !expression.isEmpty {
                if !sub.isEmpty {
                    errors.invalid("\(item).subPathExpr", .string(expression), "subPathExpr and subPath are mutually exclusive")
                }
                errors.invalid("\(path).subPathExpr", expression, Paths.descending(expression))
            }
            validatePropagation(mount, isPrivileged: isPrivileged, path, &errors)
            validateRecursiveReadOnly(mount, "\(path).recursiveReadOnly", &errors)
        }
    }

    private static func validatePropagation(_ mount: JSON, isPrivileged: Bool, _ path: String, _ errors: inout FieldErrors) {
        guard let mode = mount.present("mountPropagation")?.string else { return }
        let path = "\(path).mountPropagation"
        let modes = ["Bidirectional", "HostToContainer", "None"]
        if !modes.contains(mode) { errors.notSupported(path, .string(mode), modes) }
        if mode == "Bidirectional", !isPrivileged {
            errors.forbidden(path, "Bidirectional mount propagation is available only to privileged containers")
        }
    }

    private static func validateRecursiveReadOnly(_ mount: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard let mode = mount.present("recursiveReadOnly")?.string else { return }
        switch mode {
        case "Disabled": break
        case "Enabled", "IfPossible":
            if mount["readOnly"]?.bool != true { errors.forbidden(path, "may only be specified when readOnly is true") }
            if let propagation = mount.present("mountPropagation")?.string, propagation != "None" {
                errors.forbidden(path, "may only be specified when mountPropagation is None or not specified")
            }
        default: errors.notSupported(path, .string(mode), ["Disabled", "Enabled", "IfPossible"])
        }
    }

    private static func validateDevices(
        _ devices: [JSON], _ mounts: [JSON], _ volumes: [String: JSON], _ path: String, _ errors: inout FieldErrors
    ) {
        let mountNames = Set(mounts.map { $0.text("name") })
        let mountPaths = Set(mounts.map { $0.text("mountPath") })
        var names: Set<String> = []
        var paths: Set<String> = []
        for (index, device) in devices.enumerated() {
            let item = "\(path)[\(index)]"
            let name = device.text("name")
            let target = device.text("devicePath")
            if name.isEmpty { errors.required("\(item).name") }
            if names.contains(name) { errors.invalid("\(item).name", .string(name), "must be unique") }
            if let volume = volumes[name] {
                if volume.present("persistentVolumeClaim") == nil, volume.present("ephemeral") == nil {
                    errors.invalid(
                        "\(item).name", .string(name),
                        "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode")
                }
            } else {
                errors.notFound("\(item).name", .string(name))
            }
            if target.isEmpty { errors.required("\(item).devicePath") }
            if paths.contains(target) { errors.invalid("\(item).devicePath", .string(target), "must be unique") }
            if Paths.withoutBacksteps(target).isEmpty {
                paths.insert(target)
            } else {
                errors.invalid("\(item).devicePath", .string(target), "can not contain backsteps ('..')")
            }
            if mountNames.contains(name) {
                errors.invalid("\(item).name", .string(name), "must not already exist in volumeMounts")
            }
            if mountPaths.contains(target) {
                errors.invalid("\(item).devicePath", .string(target), "must not already exist as a path in volumeMounts")
            }
            if !name.isEmpty { names.insert(name) }
        }
    }
}
