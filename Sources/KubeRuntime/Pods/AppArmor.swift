import KubeObject

/// The profiles by which the kernel's AppArmor confines containers, where it is there and on.
/// Source: https://kubernetes.io/docs/tutorials/security/apparmor/
enum AppArmor {
    /// Whether the running kernel enforces profiles.
    static var isEnforced: Bool {
        File.exists("/sys/kernel/security/apparmor")
            && ((try? File.text("/sys/module/apparmor/parameters/enabled")) ?? "").hasPrefix("Y")
    }

    /// Why a pod can't be run: it asks for a profile, and nobody would enforce it. To be unconfined takes nothing.
    static func rejection(of pod: Pod, isEnforced: Bool) -> PodRejection? {
        guard !isEnforced else { return nil }
        let contexts = [pod.spec["securityContext"]] + pod.allContainers.map { $0.tree["securityContext"] }
        let asks = contexts.contains { context in
            guard let profile = context?["appArmorProfile"], profile.object != nil else { return false }
            return profile["type"]?.string != "Unconfined"
        }
        guard asks else { return nil }
        return PodRejection(reason: "AppArmor", message: "Cannot enforce AppArmor: AppArmor is not enabled on the host")
    }

    /// A profile for the engine; nil when there is none, and the engine's own counts.
    static func profile(_ profile: JSON?) -> CRISecurityProfile? {
        guard let profile, profile.object != nil else { return nil }
        var result = CRISecurityProfile()
        switch profile["type"]?.string {
        case "RuntimeDefault": result.profileType = .runtimeDefault
        case "Localhost":
            result.profileType = .localhost
            result.localhostRef = profile["localhostProfile"]?.string ?? ""
        default: result.profileType = .unconfined
        }
        return result
    }
}
