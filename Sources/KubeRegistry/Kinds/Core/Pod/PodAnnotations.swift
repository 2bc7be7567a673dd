import KubeObject

/// What is checked of the annotations that mean something to pods.
enum PodAnnotations {
    private static let mirror = "kubernetes.io/config.mirror"
    private static let deletionCost = "controller.kubernetes.io/pod-deletion-cost"
    private static let appArmor = "container.apparmor.security.beta.kubernetes.io/"
    private static let podSeccomp = "seccomp.security.alpha.kubernetes.io/pod"
    private static let containerSeccomp = "container.seccomp.security.alpha.kubernetes.io/"

    static func validate(_ annotations: JSON?, _ spec: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard let all = annotations?.object, !all.isEmpty else { return }
        if let value = all[mirror], !spec.has("nodeName") {
            errors.invalid("\(path)[\(mirror)]", value, "must set spec.nodeName if mirror pod annotation is set")
        }
        if let cost = all[deletionCost]?.string {
            let isFine = Int32(cost) != nil && !cost.hasPrefix("+") && (cost == "0" || !cost.hasPrefix("0"))
            if !isFine { errors.invalid("\(path)[\(deletionCost)]", .string(cost), "must be a 32bit integer") }
        }
        for (key, value) in all where key == podSeccomp || key.hasPrefix(containerSeccomp) {
            let profile = value.string ?? ""
            if ["runtime/default", "docker/default", "unconfined"].contains(profile) { continue }
            if profile.hasPrefix("localhost/") {
                let file = String(profile.dropFirst("localhost/".count))
                errors.invalid("\(path).\(key)", file, Paths.descending(file))
            } else {
                errors.invalid("\(path).\(key)", value, "must be a valid seccomp profile")
            }
        }
        let names = Set(containers(spec).map { $0.1.text("name") })
        for (key, value) in all where key.hasPrefix(appArmor) {
            let name = String(key.dropFirst(appArmor.count))
            if !names.contains(name) { errors.invalid("\(path)[\(key)]", .string(name), "container not found") }
            let profile = value.string ?? ""
            if !["", "runtime/default", "unconfined"].contains(profile), !profile.hasPrefix("localhost/") {
                errors.invalid("\(path)[\(key)]", value, "invalid AppArmor profile name: \(quoted(profile))")
            }
        }
    }

    static func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        let new = object[path: "metadata", "annotations"]?.object ?? [:]
        let before = old[path: "metadata", "annotations"]?.object ?? [:]
        func name(_ key: String) -> String? {
            key == mirror ? "mirror pod annotation" : key.hasPrefix(appArmor) ? "AppArmor annotations" : nil
        }
        for (key, value) in before where new[key] != value {
            if let name = name(key) { errors.forbidden("metadata.annotations[\(key)]", "may not remove or update \(name)") }
        }
        for key in new.keys where before[key] == nil {
            if let name = name(key) { errors.forbidden("metadata.annotations[\(key)]", "may not add \(name)") }
        }
    }

    /// Gives containers that have no profile of AppArmor the one that the old annotation says, unless the pod has the same.
    /// Source: KEP-24 (version skew)
    static func setAppArmorProfiles(_ pod: inout JSON) {
        guard let annotations = pod[path: "metadata", "annotations"]?.object, pod[path: "spec", "os", "name"] != "windows",
            annotations.contains(where: { $0.key.hasPrefix(appArmor) })
        else { return }
        let ofPod = pod[path: "spec", "securityContext", "appArmorProfile"]
        for key in ["initContainers", "containers", "ephemeralContainers"] {
            pod[path: "spec"]?.editEach(key) { container in
                guard container["securityContext"]?.present("appArmorProfile") == nil,
                    let text = annotations[appArmor + container.text("name")]?.string, let profile = appArmorProfile(text),
                    profile != ofPod
                else { return }
                container[path: "securityContext", "appArmorProfile"] = profile
            }
        }
    }

    /// What the annotation of a container that has no profile says, when it says something; see ``setAppArmorProfiles(_:)``.
    static func isDeprecated(appArmor text: String, ofPod profile: JSON?) -> Bool {
        appArmorProfile(text).map { $0 != profile } ?? true
    }

    private static func appArmorProfile(_ text: String) -> JSON? {
        switch text {
        case "unconfined": return ["type": "Unconfined"]
        case "runtime/default": return ["type": "RuntimeDefault"]
        default:
            let name = String(text.dropFirst("localhost/".count))
            guard text.hasPrefix("localhost/"), name.first?.isWhitespace == false, name.last?.isWhitespace == false,
                name.utf8.count <= 4095
            else { return nil }
            return ["type": "Localhost", "localhostProfile": .string(name)]
        }
    }

    /// Where an old annotation and the newer field are both there, they must say the same.
    static func validateMatch(_ holder: JSON, _ path: String, _ errors: inout FieldErrors) {
        guard let annotations = holder[path: "metadata", "annotations"]?.object, !annotations.isEmpty else { return }
        let spec = holder["spec"] ?? [:]
        if let profile = spec["securityContext"]?.present("seccompProfile"), let value = annotations[podSeccomp]?.string {
            match(profile, value, "seccomp", "\(path)spec.securityContext.seccompProfile", &errors)
        }
        for (field, container) in containers(spec) {
            let context = container["securityContext"]
            let name = container.text("name")
            if let profile = context?.present("seccompProfile"), let value = annotations[containerSeccomp + name]?.string {
                match(profile, value, "seccomp", "\(path)\(field).securityContext.seccompProfile", &errors)
            }
        }
        if spec[path: "os", "name"]?.string == "windows" { return }
        for (field, container) in containers(spec) {
            let own = container["securityContext"]?.present("appArmorProfile")
            guard let profile = own ?? spec["securityContext"]?.present("appArmorProfile"),
                let value = annotations[appArmor + container.text("name")]?.string
            else { continue }
            match(profile, value, "apparmor", "\(path)\(field).securityContext.appArmorProfile", &errors)
        }
    }

    private static func match(
        _ profile: JSON, _ value: String, _ kind: String, _ path: String, _ errors: inout FieldErrors
    ) {
        let isSame: Bool
        switch profile.text("type") {
        case "Unconfined": isSame = value == "unconfined"
        case "RuntimeDefault": isSame = value == "runtime/default" || (kind == "seccomp" && value == "docker/default")
        case "Localhost":
            isSame = value.hasPrefix("localhost/")
            if isSame, value != "localhost/\(profile.text("localhostProfile"))" {
                errors.forbidden("\(path).localhostProfile", "\(kind) profile in annotation and field must match")
            }
        default: isSame = true
        }
        if !isSame { errors.forbidden("\(path).type", "\(kind) type in annotation and field must match") }
    }

    private static func containers(_ spec: JSON) -> [(String, JSON)] {
        ["initContainers", "containers", "ephemeralContainers"].flatMap { key in
            (spec[key]?.elements ?? []).enumerated().map { ("spec.\(key)[\($0)]", $1) }
        }
    }
}
