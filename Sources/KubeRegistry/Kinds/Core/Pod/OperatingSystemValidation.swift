import KubeObject

/// What a pod may not say of the operating system that it isn't for.
enum OperatingSystemValidation {
    static func validate(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        validateHostProcess(spec, path, &errors)
        guard let system = spec.present("os") else { return }
        switch system.text("name") {
        case "": errors.required("\(path).os.name", "cannot be empty")
        case "linux": validateLinux(spec, path, &errors)
        case "windows": validateWindows(spec, path, &errors)
        case let other: errors.notSupported("\(path).os", .string(other), ["linux", "windows"])
        }
    }

    private static func eachContainer(
        _ spec: JSON, _ path: String, _ errors: inout FieldErrors, _ check: (JSON, String, inout FieldErrors) -> Void
    ) {
        for key in ["initContainers", "containers", "ephemeralContainers"] { errors.each(spec[key], "\(path).\(key)", check) }
    }

    private static func validateLinux(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        func check(_ holder: JSON, _ path: String, _ errors: inout FieldErrors) {
            if holder["securityContext"]?.present("windowsOptions") != nil {
                errors.forbidden("\(path).securityContext.windowsOptions", "windows options cannot be set for a linux pod")
            }
        }
        check(spec, path, &errors)
        eachContainer(spec, path, &errors, check)
    }

    private static func validateWindows(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        let why = "cannot be set for a windows pod"
        func refuse(_ holder: JSON, _ keys: [String], _ path: String, _ errors: inout FieldErrors) {
            for key in keys where holder.present(key) != nil { errors.forbidden("\(path).\(key)", why) }
        }
        let context = spec["securityContext"] ?? [:]
        refuse(context, ["appArmorProfile", "seLinuxOptions"], "\(path).securityContext", &errors)
        if spec.present("hostUsers") != nil { errors.forbidden("\(path).hostUsers", why) }
        for key in ["hostPID", "hostIPC"] where spec[key]?.bool == true { errors.forbidden("\(path).\(key)", why) }
        refuse(
            context, ["seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls"], "\(path).securityContext", &errors)
        if spec.present("shareProcessNamespace") != nil { errors.forbidden("\(path).shareProcessNamespace", why) }
        refuse(
            context,
            ["runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy"],
            "\(path).securityContext", &errors)
        eachContainer(spec, path, &errors) { container, path, errors in
            refuse(
                container["securityContext"] ?? [:],
                [
                    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
                    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
                ], "\(path).securityContext", &errors)
        }
    }

    private static func validateHostProcess(_ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        func option(_ holder: JSON) -> Bool? { holder[path: "securityContext", "windowsOptions", "hostProcess"]?.bool }
        let ofPod = option(spec)
        var total = 0
        var processes = 0
        eachContainer(spec, path, &errors) { container, path, errors in
            total += 1
            let own = option(container)
            if let ofPod, let own, ofPod != own {
                errors.invalid(
                    "\(path).securityContext.windowsOptions.hostProcess", .bool(own),
                    "pod hostProcess value must be identical if both are specified, was \(ofPod)")
            }
            if own ?? ofPod ?? false { processes += 1 }
        }
        if processes == 0 { return }
        if processes != total {
            errors.invalid(
                path, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers")
        }
        if spec["hostNetwork"]?.bool != true {
            errors.invalid("\(path).hostNetwork", false, "hostNetwork must be true if pod contains any hostProcess containers")
        }
    }
}
