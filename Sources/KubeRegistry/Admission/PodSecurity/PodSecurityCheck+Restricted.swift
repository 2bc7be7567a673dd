import KubeObject

/// What follows today's best practice for pods, at the price of some that don't run.
extension PodSecurityCheck {
    var restricted: [PodSecurityViolation] {
        [
            privilegeEscalation, unrestrictedCapabilities, restrictedVolumes, runAsNonRoot, runAsUser, requiredSeccomp,
        ].compactMap { $0 }
    }

    private var privilegeEscalation: PodSecurityViolation? {
        guard standard.isAtLeast(8), !isWindows else { return nil }
        let bad = names { $0[path: "securityContext", "allowPrivilegeEscalation"]?.bool != false }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "allowPrivilegeEscalation != false",
            detail: "\(Self.containers(bad)) must set securityContext.allowPrivilegeEscalation=false")
    }

    private var unrestrictedCapabilities: PodSecurityViolation? {
        guard standard.isAtLeast(22), !isWindows else { return nil }
        let missing = names { !($0[path: "securityContext", "capabilities", "drop"]?.strings.contains("ALL") ?? false) }
        var added: Set<String> = []
        let adding = names { container in
            let others = (container[path: "securityContext", "capabilities", "add"]?.strings ?? []).filter {
                $0 != "NET_BIND_SERVICE"
            }
            added.formUnion(others)
            return !others.isEmpty
        }
        var details: [String] = []
        if !missing.isEmpty {
            details.append("\(Self.containers(missing)) must set securityContext.capabilities.drop=[\"ALL\"]")
        }
        if !adding.isEmpty {
            details.append(
                "\(Self.containers(adding)) must not include \(Self.quotedList(added.sorted())) in "
                    + "securityContext.capabilities.add")
        }
        if details.isEmpty { return nil }
        return PodSecurityViolation(reason: "unrestricted capabilities", detail: details.joined(separator: "; "))
    }

    private static let allowedVolumes: Set<String> = [
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
    ]

    private var restrictedVolumes: PodSecurityViolation? {
        var names: [String] = []
        var types: Set<String> = []
        for volume in spec["volumes"]?.elements ?? [] {
            let sources = (volume.object ?? [:]).compactMap { $0.key == "name" || $0.value.isNull ? nil : $0.key }
            if sources.contains(where: Self.allowedVolumes.contains) { continue }
            names.append(volume.text("name"))
            types.insert(sources.first ?? "unknown")
        }
        if names.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "restricted volume types",
            detail: "\(names.count == 1 ? "volume" : "volumes") \(Self.quotedList(names)) \(names.count == 1 ? "uses" : "use") "
                + "restricted volume \(types.count == 1 ? "type" : "types") \(Self.quotedList(types.sorted()))")
    }

    private var runAsNonRoot: PodSecurityViolation? {
        if isInUserNamespace { return nil }
        let reason = "runAsNonRoot != true"
        if let bad = setters({ $0["runAsNonRoot"]?.bool == false }) {
            return PodSecurityViolation(reason: reason, detail: "\(bad) must not set securityContext.runAsNonRoot=false")
        }
        if spec[path: "securityContext", "runAsNonRoot"]?.bool == true { return nil }
        let silent = names { $0[path: "securityContext", "runAsNonRoot"]?.bool == nil }
        if silent.isEmpty { return nil }
        return PodSecurityViolation(
            reason: reason, detail: "pod or \(Self.containers(silent)) must set securityContext.runAsNonRoot=true")
    }

    private var runAsUser: PodSecurityViolation? {
        guard standard.isAtLeast(23), !isInUserNamespace else { return nil }
        return setters { $0["runAsUser"]?.int == 0 }.map {
            PodSecurityViolation(reason: "runAsUser=0", detail: "\($0) must not set runAsUser=0")
        }
    }

    private var requiredSeccomp: PodSecurityViolation? {
        guard standard.isAtLeast(19), !isWindows else { return nil }
        var types: Set<String> = []
        let bad = setters { context in
            guard let profile = context.present("seccompProfile"), !Self.isGoodSeccomp(profile.text("type")) else {
                return false
            }
            types.insert(profile.text("type"))
            return true
        }
        if let bad {
            return PodSecurityViolation(
                reason: "seccompProfile",
                detail: "\(bad) must not set securityContext.seccompProfile.type to \(Self.quotedList(types.sorted()))")
        }
        if spec[path: "securityContext", "seccompProfile", "type"] != nil { return nil }
        let silent = names { $0["securityContext"]?.present("seccompProfile") == nil }
        if silent.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "seccompProfile",
            detail: "pod or \(Self.containers(silent)) must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
                + "\"Localhost\"")
    }
}
