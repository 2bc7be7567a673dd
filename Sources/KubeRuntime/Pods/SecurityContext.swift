import KubeObject

/// A container's security context for the CRI: its own settings over the pod's.
struct SecurityContext {
    let pod: Pod
    let container: ContainerSpec
    /// The user that the image runs as: a number, or a name.
    var imageUser: (uid: Int64?, name: String)
    /// The ID of the container whose processes this one is to see; only ephemeral ones name such.
    var target: String?
    /// Whether the machine has AppArmor.
    var usesAppArmor = false

    private var own: JSON { container.tree["securityContext"] ?? [:] }
    private var ofPod: JSON { pod.spec["securityContext"] ?? [:] }
    private func setting(_ key: String) -> JSON? { own[key] ?? ofPod[key] }

    func build() throws(ContainerFailure) -> CRILinuxContainerSecurityContext {
        try checkNonRoot()
        var context = CRILinuxContainerSecurityContext()
        context.privileged = own["privileged"]?.bool ?? false
        context.namespaceOptions = Self.namespaces(pod)
        if let target {
            context.namespaceOptions.pid = .target
            context.namespaceOptions.targetID = target
        }
        if let user = setting("runAsUser")?.int {
            context.runAsUser = .init(user)
        } else if let uid = imageUser.uid {
            context.runAsUser = .init(uid)
        } else {
            context.runAsUsername = imageUser.name
        }
        if let group = setting("runAsGroup")?.int { context.runAsGroup = .init(group) }
        context.supplementalGroups = Self.groups(pod)
        context.readonlyRootfs = own["readOnlyRootFilesystem"]?.bool ?? false
        context.noNewPrivs = own["allowPrivilegeEscalation"]?.bool == false
        context.capabilities.addCapabilities = own[path: "capabilities", "add"]?.strings ?? []
        context.capabilities.dropCapabilities = own[path: "capabilities", "drop"]?.strings ?? []
        context.seccomp = Self.seccomp(setting("seccompProfile"), isPrivileged: context.privileged)
        if usesAppArmor, let profile = AppArmor.profile(setting("appArmorProfile")) { context.apparmor = profile }
        if own["procMount"]?.string != "Unmasked" {
            context.maskedPaths = Self.maskedPaths
            context.readonlyPaths = Self.readOnlyPaths
        }
        return context
    }

    private func checkNonRoot() throws(ContainerFailure) {
        guard setting("runAsNonRoot")?.bool == true else { return }
        let what = "(pod: \"\(pod.formatted)\", container: \(container.name))"
        if let user = setting("runAsUser")?.int {
            if user == 0 { throw .config("container's runAsUser breaks non-root policy \(what)") }
            return
        }
        if let uid = imageUser.uid {
            if uid == 0 { throw .config("container has runAsNonRoot and image will run as root \(what)") }
            return
        }
        if imageUser.name.isEmpty { throw .config("container has runAsNonRoot and image will run as root \(what)") }
        throw .config(
            "container has runAsNonRoot and image has non-numeric user (\(imageUser.name)), cannot verify user is non-root \(what)"
        )
    }

    static func namespaces(_ pod: Pod) -> CRINamespaceOption {
        var options = CRINamespaceOption()
        options.network = pod.usesHostNetwork ? .node : .pod
        options.pid = pod.spec["hostPID"]?.bool == true ? .node : pod.sharesProcessNamespace ? .pod : .container
        options.ipc = pod.spec["hostIPC"]?.bool == true ? .node : .pod
        return options
    }

    static func groups(_ pod: Pod) -> [Int64] {
        let context = pod.spec["securityContext"]
        var groups = (context?["supplementalGroups"]?.elements ?? []).compactMap(\.int)
        if let group = context?["fsGroup"]?.int { groups.append(group) }
        return groups
    }

    static func seccomp(_ profile: JSON?, isPrivileged: Bool) -> CRISecurityProfile {
        var result = CRISecurityProfile()
        switch profile?["type"]?.string {
        case "RuntimeDefault" where !isPrivileged: result.profileType = .runtimeDefault
        case "Localhost":
            result.profileType = .localhost
            result.localhostRef = profile?["localhostProfile"]?.string ?? ""
        default: result.profileType = .unconfined
        }
        return result
    }

    private static let maskedPaths = [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ]
    private static let readOnlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
}

extension CRIInt64Value {
    init(_ value: Int64) {
        self.init()
        self.value = value
    }
}
