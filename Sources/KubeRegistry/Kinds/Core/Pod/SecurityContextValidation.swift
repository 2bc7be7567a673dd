import KubeObject

/// What is checked of the security contexts of pods and containers.
enum SecurityContextValidation {
    private static let identifiers: ClosedRange<Int64> = 0...2_147_483_647

    static func validatePod(_ spec: JSON, _ specPath: String, _ errors: inout FieldErrors) {
        let path = "\(specPath).securityContext"
        let context = spec["securityContext"] ?? [:]
        for key in ["fsGroup", "runAsUser", "runAsGroup"] { errors.within(identifiers, context[key], "\(path).\(key)") }
        errors.each(context["supplementalGroups"], "\(path).supplementalGroups") { group, path, errors in
            errors.within(identifiers, group, path)
        }
        if spec["shareProcessNamespace"]?.bool == true, spec["hostPID"]?.bool == true {
            errors.invalid(
                "\(path).shareProcessNamespace", true, "ShareProcessNamespace and HostPID cannot both be enabled")
        }
        validateSysctls(context["sysctls"]?.elements ?? [], spec, "\(path).sysctls", &errors)
        errors.oneOf(context["fsGroupChangePolicy"], ["Always", "OnRootMismatch"], "\(path).fsGroupChangePolicy")
        validateSeccomp(context.present("seccompProfile"), "\(path).seccompProfile", &errors)
        validateWindows(context.present("windowsOptions"), "\(path).windowsOptions", &errors)
        validateAppArmor(context.present("appArmorProfile"), "\(path).appArmorProfile", &errors)
        errors.oneOf(context["supplementalGroupsPolicy"], ["Merge", "Strict"], "\(path).supplementalGroupsPolicy")
        errors.oneOf(context["seLinuxChangePolicy"], ["MountOption", "Recursive"], "\(path).seLinuxChangePolicy")
    }

    static func validateContainer(_ context: JSON?, hasHostUsers: Bool, _ path: String, _ errors: inout FieldErrors) {
        guard let context else { return }
        errors.within(identifiers, context["runAsUser"], "\(path).runAsUser")
        errors.within(identifiers, context["runAsGroup"], "\(path).runAsGroup")
        if let mount = context.present("procMount")?.string {
            if !["Default", "Unmasked"].contains(mount) {
                errors.notSupported("\(path).procMount", .string(mount), ["Default", "Unmasked"])
            }
            if hasHostUsers, mount == "Unmasked" {
                errors.invalid("\(path).procMount", .string(mount), "`hostUsers` must be false to use `Unmasked`")
            }
        }
        validateSeccomp(context.present("seccompProfile"), "\(path).seccompProfile", &errors)
        if context["allowPrivilegeEscalation"]?.bool == false {
            if context["privileged"]?.bool == true {
                errors.invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
            }
            for capability in context[path: "capabilities", "add"]?.strings ?? [] where capability == "CAP_SYS_ADMIN" {
                errors.invalid(
                    path, context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN")
            }
        }
        validateWindows(context.present("windowsOptions"), "\(path).windowsOptions", &errors)
        validateAppArmor(context.present("appArmorProfile"), "\(path).appArmorProfile", &errors)
    }

    private static func validateSeccomp(_ profile: JSON?, _ path: String, _ errors: inout FieldErrors) {
        guard let profile else { return }
        let types = ["Localhost", "RuntimeDefault", "Unconfined"]
        let type = profile.text("type")
        if type.isEmpty {
            errors.required("\(path).type", "type is required when seccompProfile is set")
        } else if !types.contains(type) {
            errors.notSupported("\(path).type", .string(type), types)
        }
        let local = profile.present("localhostProfile")?.string
        if type == "Localhost" {
            if let local {
                errors.invalid("\(path).localhostProfile", local, Paths.descending(local))
            } else {
                errors.required("\(path).localhostProfile", "must be set when seccomp type is Localhost")
            }
        } else if local != nil {
            errors.invalid("\(path).localhostProfile", profile, "can only be set when seccomp type is Localhost")
        }
    }

    private static func validateAppArmor(_ profile: JSON?, _ path: String, _ errors: inout FieldErrors) {
        guard let profile else { return }
        let local = profile.present("localhostProfile")?.string
        switch profile.text("type") {
        case "Localhost":
            let trimmed = local.map { $0.trimming(while: \.isWhitespace) } ?? ""
            if let local, trimmed != local {
                errors.invalid("\(path).localhostProfile", .string(local), "must not be padded with whitespace")
            } else if trimmed.isEmpty {
                errors.required("\(path).localhostProfile", "must be set when AppArmor type is Localhost")
            }
            if let local, local.utf8.count > 4095 { errors.tooLong("\(path).localhostProfile", 4095) }
        case "RuntimeDefault", "Unconfined":
            if let local {
                errors.invalid("\(path).localhostProfile", .string(local), "can only be set when AppArmor type is Localhost")
            }
        case "": errors.required("\(path).type", "type is required when appArmorProfile is set")
        case let other: errors.notSupported("\(path).type", .string(other), ["Localhost", "RuntimeDefault", "Unconfined"])
        }
    }

    private static let sysctlFormat = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"

    private static func isSysctl(_ name: String) -> Bool {
        name.utf8.count <= 253
            && name.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "." || $0 == "/" }).allSatisfy { part in
                Names.isLabel(Array(part.replacing("_", with: "-").utf8))
            }
    }

    private static func validateSysctls(_ sysctls: [JSON], _ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        for (index, sysctl) in sysctls.enumerated() {
            let path = "\(path)[\(index)].name"
            let name = sysctl.text("name")
            if name.isEmpty {
                errors.required(path)
            } else if !isSysctl(name) {
                errors.invalid(path, .string(name), "must have at most 253 characters and match regex \(sysctlFormat)")
            } else if seen.contains(name) {
                errors.duplicate(path, .string(name))
            }
            let dotted = name.replacing("/", with: ".")
            if spec["hostNetwork"]?.bool == true, dotted.hasPrefix("net.") {
                errors.invalid(path, .string(name), "may not be specified when 'hostNetwork' is true")
            } else if spec["hostIPC"]?.bool == true,
                dotted.hasPrefix("kernel.shm") || dotted.hasPrefix("kernel.msg") || dotted == "kernel.sem"
                    || dotted.hasPrefix("fs.mqueue.")
            {
                errors.invalid(path, .string(name), "may not be specified when 'hostIPC' is true")
            }
            seen.insert(name)
        }
    }

    private static func validateWindows(_ options: JSON?, _ path: String, _ errors: inout FieldErrors) {
        guard let options else { return }
        if let name = options.present("gmsaCredentialSpecName")?.string {
            errors.invalid("\(path).gmsaCredentialSpecName", name, Names.subdomain(name))
        }
        if let spec = options.present("gmsaCredentialSpec")?.string {
            if spec.isEmpty {
                errors.invalid("\(path).gmsaCredentialSpec", "", "gmsaCredentialSpec cannot be an empty string")
            } else if spec.utf8.count > 64 * 1024 {
                errors.invalid("\(path).gmsaCredentialSpec", .string(spec), "gmsaCredentialSpec size must be under 64 KiB")
            }
        }
        if let name = options.present("runAsUserName")?.string {
            for problem in windowsUserProblems(name) { errors.invalid("\(path).runAsUserName", .string(name), problem) }
        }
    }

    private static func windowsUserProblems(_ name: String) -> [String] {
        if name.isEmpty { return ["runAsUserName cannot be an empty string"] }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return ["runAsUserName cannot contain control characters"]
        }
        let parts = name.split(separator: "\\", omittingEmptySubsequences: false)
        if parts.count > 2 { return ["runAsUserName cannot contain more than one backslash"] }
        var problems: [String] = []
        let user = parts.last ?? ""
        if parts.count == 2 {
            if parts[0].utf8.count >= 256 { problems.append("runAsUserName's Domain length must be under 256 characters") }
            let isNetBIOS =
                (1...15).contains(parts[0].count) && !parts[0].hasPrefix(".") && !parts[0].contains { "\\/:*?\"<>|".contains($0) }
            if !isNetBIOS, !Names.subdomain(parts[0].lowercased()).isEmpty {
                problems.append("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
            }
        }
        if user.isEmpty {
            problems.append("runAsUserName's User cannot be empty")
        } else if user.utf8.count > 104 {
            problems.append("runAsUserName's User length must not be longer than 104 characters")
        }
        if !user.isEmpty, user.allSatisfy({ $0 == "." || $0 == " " }) {
            problems.append("runAsUserName's User cannot contain only periods or spaces")
        }
        if user.contains(where: { "\"/\\:;|=,+*?<>@[]".contains($0) }) {
            problems.append("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
        }
        return problems
    }
}

extension String {
    /// Without what fulfils a condition at both ends.
    func trimming(while condition: (Character) -> Bool) -> String {
        var rest = self[...]
        while let first = rest.first, condition(first) { rest.removeFirst() }
        while let last = rest.last, condition(last) { rest.removeLast() }
        return String(rest)
    }
}
