import KubeObject

/// What nobody should do without need: ways to be more on the host than a container is.
extension PodSecurityCheck {
    var baseline: [PodSecurityViolation] {
        [
            appArmor, hasRestrictedCapabilities ? nil : capabilities, hostNamespaces, hostPaths, hostPorts, probeHosts,
            privileged,
            procMount, seLinux, hasRestrictedSeccomp ? nil : seccomp, sysctls, windowsHostProcess,
        ].compactMap { $0 }
    }

    /// The restricted level has a stricter rule about the same.
    private var hasRestrictedCapabilities: Bool { standard.level == .restricted && standard.isAtLeast(22) }
    private var hasRestrictedSeccomp: Bool { standard.level == .restricted && standard.isAtLeast(19) }

    private var appArmor: PodSecurityViolation? {
        var found: [String] = []
        let good: Set<String> = ["RuntimeDefault", "Localhost"]
        var types: Set<String> = []
        func isBad(_ context: JSON) -> Bool {
            guard let type = context["appArmorProfile"]?.text("type"), !type.isEmpty, !good.contains(type) else { return false }
            types.insert(type)
            return true
        }
        if let setters = setters(isBad) {
            found.append("\(setters) must not set AppArmor profile type to \(Self.quotedList(types.sorted()))")
        }
        for (key, value) in metadata["annotations"]?.stringMap.sorted(by: { $0.key < $1.key }) ?? []
        where key.hasPrefix("container.apparmor.security.beta.kubernetes.io/") {
            if !value.isEmpty, value != "runtime/default", !value.hasPrefix("localhost/") {
                found.append("\(key)=\(quoted(value))")
            }
        }
        if found.isEmpty { return nil }
        return PodSecurityViolation(
            reason: found.count == 1 ? "forbidden AppArmor profile" : "forbidden AppArmor profiles",
            detail: found.joined(separator: ", "))
    }

    private static let defaultCapabilities: Set<String> = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
        "SETPCAP", "SETUID", "SYS_CHROOT",
    ]

    private var capabilities: PodSecurityViolation? {
        var added: Set<String> = []
        let bad = names { container in
            let others = Set(container[path: "securityContext", "capabilities", "add"]?.strings ?? [])
                .subtracting(Self.defaultCapabilities)
            added.formUnion(others)
            return !others.isEmpty
        }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "non-default capabilities",
            detail: "\(Self.containers(bad)) must not include \(Self.quotedList(added.sorted())) in "
                + "securityContext.capabilities.add")
    }

    private var hostNamespaces: PodSecurityViolation? {
        let shared = ["hostNetwork", "hostPID", "hostIPC"].filter { spec[$0]?.bool ?? false }
        if shared.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "host namespaces", detail: shared.map { "\($0)=true" }.joined(separator: ", "))
    }

    private var hostPaths: PodSecurityViolation? {
        let volumes = (spec["volumes"]?.elements ?? []).filter { $0.present("hostPath") != nil }.map { $0.text("name") }
        if volumes.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "hostPath volumes",
            detail: "\(volumes.count == 1 ? "volume" : "volumes") \(Self.quotedList(volumes))")
    }

    private var hostPorts: PodSecurityViolation? {
        var ports: Set<Int64> = []
        let bad = names { container in
            let own = (container["ports"]?.elements ?? []).compactMap { $0["hostPort"]?.int }.filter { $0 != 0 }
            ports.formUnion(own)
            return !own.isEmpty
        }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "hostPort",
            detail: "\(Self.containers(bad)) \(bad.count == 1 ? "uses" : "use") \(ports.count == 1 ? "hostPort" : "hostPorts") "
                + ports.map { String($0) }.sorted().joined(separator: ", "))
    }

    /// A probe or a hook may not make the node ask others in the container's place.
    private var probeHosts: PodSecurityViolation? {
        guard standard.isAtLeast(34) else { return nil }
        var hosts: Set<String> = []
        let bad = names { container in
            var handlers = ["livenessProbe", "readinessProbe", "startupProbe"].compactMap { container.present($0) }
            handlers += ["postStart", "preStop"].compactMap { container["lifecycle"]?.present($0) }
            let own = handlers.flatMap { handler in
                ["httpGet", "tcpSocket"].compactMap { handler[$0]?.text("host") }
            }.filter { !$0.isEmpty }
            hosts.formUnion(own)
            return !own.isEmpty
        }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "probe or lifecycle host",
            detail: "\(Self.containers(bad)) \(bad.count == 1 ? "uses" : "use") "
                + "\(hosts.count == 1 ? "probe or lifecycle host" : "probe or lifecycle hosts") "
                + Self.quotedList(hosts.sorted()))
    }

    private var privileged: PodSecurityViolation? {
        let bad = names { $0[path: "securityContext", "privileged"]?.bool ?? false }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "privileged", detail: "\(Self.containers(bad)) must not set securityContext.privileged=true")
    }

    private var procMount: PodSecurityViolation? {
        if isInUserNamespace { return nil }
        var types: Set<String> = []
        let bad = names { container in
            guard let type = container[path: "securityContext", "procMount"]?.string, type != "Default" else { return false }
            types.insert(type)
            return true
        }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "procMount",
            detail: "\(Self.containers(bad)) must not set securityContext.procMount to \(Self.quotedList(types.sorted()))")
    }

    private var seLinux: PodSecurityViolation? {
        var allowed: Set<String> = ["", "container_t", "container_init_t", "container_kvm_t"]
        if standard.isAtLeast(31) { allowed.insert("container_engine_t") }
        var types: Set<String> = []
        var others: Set<String> = []
        let bad = setters { context in
            guard let options = context.present("seLinuxOptions") else { return false }
            let type = options.text("type")
            if !allowed.contains(type) { types.insert(type) }
            let set = ["user", "role"].filter { options.has($0) }
            others.formUnion(set)
            return !allowed.contains(type) || !set.isEmpty
        }
        guard let bad else { return nil }
        var data: [String] = []
        if !types.isEmpty { data.append("\(types.count == 1 ? "type" : "types") \(Self.quotedList(types.sorted()))") }
        data += ["user", "role"].filter(others.contains).map { "\($0) may not be set" }
        return PodSecurityViolation(
            reason: "seLinuxOptions",
            detail: "\(bad) set forbidden securityContext.seLinuxOptions: \(data.joined(separator: "; "))")
    }

    private var seccomp: PodSecurityViolation? {
        guard standard.isAtLeast(19) else { return seccompAnnotations }
        var types: Set<String> = []
        let bad = setters { context in
            guard let profile = context.present("seccompProfile"), !Self.isGoodSeccomp(profile.text("type")) else {
                return false
            }
            types.insert(profile.text("type"))
            return true
        }
        return bad.map { bad in
            PodSecurityViolation(
                reason: "seccompProfile",
                detail: "\(bad) must not set securityContext.seccompProfile.type to \(Self.quotedList(types.sorted()))")
        }
    }

    static func isGoodSeccomp(_ type: String) -> Bool { type == "RuntimeDefault" || type == "Localhost" }

    /// Before there was a field for it.
    private var seccompAnnotations: PodSecurityViolation? {
        let annotations = metadata["annotations"]?.stringMap ?? [:]
        let keys =
            ["seccomp.security.alpha.kubernetes.io/pod"]
            + containers.map { "container.seccomp.security.alpha.kubernetes.io/\($0.text("name"))" }
        let bad = Set(keys).sorted().compactMap { key -> String? in
            guard let value = annotations[key], !["runtime/default", "docker/default"].contains(value),
                !value.hasPrefix("localhost/")
            else { return nil }
            return "\(key)=\(quoted(value))"
        }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: "seccompProfile",
            detail: "forbidden \(bad.count == 1 ? "annotation" : "annotations") \(bad.joined(separator: ", "))")
    }

    private var sysctls: PodSecurityViolation? {
        var allowed: Set<String> = [
            "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
            "net.ipv4.ip_unprivileged_port_start",
        ]
        if standard.isAtLeast(27) { allowed.insert("net.ipv4.ip_local_reserved_ports") }
        if standard.isAtLeast(29) {
            allowed.formUnion([
                "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
                "net.ipv4.tcp_keepalive_probes",
            ])
        }
        if standard.isAtLeast(32) { allowed.formUnion(["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"]) }
        let bad = (spec[path: "securityContext", "sysctls"]?.elements ?? []).map { $0.text("name") }.filter {
            !allowed.contains($0)
        }
        if bad.isEmpty { return nil }
        return PodSecurityViolation(
            reason: bad.count == 1 ? "forbidden sysctl" : "forbidden sysctls", detail: bad.joined(separator: ", "))
    }

    private var windowsHostProcess: PodSecurityViolation? {
        setters { $0[path: "windowsOptions", "hostProcess"]?.bool ?? false }.map {
            PodSecurityViolation(
                reason: "hostProcess", detail: "\($0) must not set securityContext.windowsOptions.hostProcess=true")
        }
    }
}
