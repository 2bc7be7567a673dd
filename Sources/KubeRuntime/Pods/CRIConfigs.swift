import KubeObject

/// A pod's sandbox and containers as the CRI wants them described.
struct CRIConfigs {
    let pod: Pod
    let cluster: Int64
    let node: NodeContext
    let networking: PodNetworking
    let files: PodFiles
    /// For a pod with a user namespace.
    var users: UserRange?

    func sandbox(attempt: UInt32) -> CRIPodSandboxConfig {
        var config = CRIPodSandboxConfig()
        config.metadata.name = pod.name
        config.metadata.namespace = pod.namespace
        config.metadata.uid = pod.uid
        config.metadata.attempt = attempt
        // The machine's own can't be set from within a pod that shares it.
        if !pod.usesHostNetwork { config.hostname = networking.hostname }
        config.logDirectory = files.logs
        config.dnsConfig = networking.dns()
        config.labels = PodLabels.pod(pod, cluster: cluster, instance: node.instance)
        if let users { config.annotations[UserRange.annotation] = users.text }
        config.linux.cgroupParent = node.cgroupParent(podUID: pod.uid)
        var security = CRILinuxSandboxSecurityContext()
        security.namespaceOptions = SecurityContext.namespaces(pod)
        security.supplementalGroups = SecurityContext.groups(pod)
        security.privileged = pod.allContainers.contains { $0.tree[path: "securityContext", "privileged"]?.bool == true }
        security.seccomp.profileType = .runtimeDefault
        if let user = pod.spec[path: "securityContext", "runAsUser"]?.int { security.runAsUser = .init(user) }
        if let group = pod.spec[path: "securityContext", "runAsGroup"]?.int { security.runAsGroup = .init(group) }
        config.linux.securityContext = security
        for sysctl in pod.spec[path: "securityContext", "sysctls"]?.elements ?? [] {
            config.linux.sysctls[sysctl["name"]?.string ?? ""] = sysctl["value"]?.string ?? ""
        }
        return config
    }

    func container(
        _ spec: ContainerSpec, attempt: UInt32, image: CRIImage, environment: [(name: String, value: String)], mounts: [CRIMount],
        target: String? = nil
    ) throws(ContainerFailure) -> CRIContainerConfig {
        var config = CRIContainerConfig()
        config.metadata.name = spec.name
        config.metadata.attempt = attempt
        config.image.image = image.id
        config.image.userSpecifiedImage = spec.image
        let values = Dictionary(environment, uniquingKeysWith: { _, last in last })
        config.command = (spec.tree["command"]?.strings ?? []).map { Expansion.expand($0) { values[$0] } }
        config.args = (spec.tree["args"]?.strings ?? []).map { Expansion.expand($0) { values[$0] } }
        config.workingDir = spec.tree["workingDir"]?.string ?? ""
        config.envs = environment.map { pair in
            var variable = CRIKeyValue()
            variable.key = pair.name
            variable.value = .init(pair.value.utf8)
            return variable
        }
        config.mounts = mounts
        config.labels = PodLabels.pod(pod, cluster: cluster, instance: node.instance)
        config.labels[PodLabels.containerName] = spec.name
        config.annotations = [
            PodLabels.image: spec.image,
            PodLabels.messagePath: spec.tree["terminationMessagePath"]?.string ?? "/dev/termination-log",
            PodLabels.messagePolicy: spec.tree["terminationMessagePolicy"]?.string ?? "File",
        ]
        config.logPath = PodFiles.logName(spec.name, attempt)
        config.stdin = spec.tree["stdin"]?.bool ?? false
        config.stdinOnce = spec.tree["stdinOnce"]?.bool ?? false
        config.tty = spec.tree["tty"]?.bool ?? false
        let user = image.hasUid ? (uid: Optional(image.uid.value), name: "") : (uid: nil, name: image.username)
        config.linux.securityContext = try SecurityContext(
            pod: pod, container: spec, imageUser: user, target: target, usesAppArmor: node.machine.enforcesAppArmor
        ).build()
        config.linux.resources = ContainerResources.linux(
            spec, pod: pod, nodeMemory: node.facts.memory, cgroups: node.machine.cgroups)
        return config
    }
}
