import KubeObject

/// What upstream warns of in pods and templates: what is deprecated, and what surely isn't meant.
struct PodWarnings {
    /// - Parameter path: of the template, with its dot; empty for a pod.
    static func texts(_ holder: JSON, _ path: String = "") -> [String] {
        var warnings = PodWarnings(path: path, spec: holder["spec"] ?? [:], metadata: holder["metadata"] ?? [:])
        warnings.collect()
        return warnings.texts
    }

    private let path: String
    private let spec: JSON
    private let metadata: JSON
    private var texts: [String] = []

    private init(path: String, spec: JSON, metadata: JSON) {
        self.path = path
        self.spec = spec
        self.metadata = metadata
    }

    private mutating func warn(_ field: String, _ text: String) { texts.append("\(path)\(field): \(text)") }

    private mutating func collect() {
        collectPlacement()
        collectAnnotations()
        collectVolumes()
        collectDuplicates(spec["hostAliases"]?.elements ?? [], "ip", "spec.hostAliases")
        let secrets = spec["imagePullSecrets"]?.elements ?? []
        collectDuplicates(secrets, "name", "spec.imagePullSecrets")
        for (index, secret) in secrets.enumerated() where !secret.has("name") {
            warn("spec.imagePullSecrets[\(index)].name", "invalid empty name \"\"")
        }
        collectFractions(spec["overhead"], "spec.overhead")
        collectContainers()
        collectPorts()
        if let seconds = spec["terminationGracePeriodSeconds"]?.int, seconds < 0 {
            warn("spec.terminationGracePeriodSeconds", "must be >= 0; negative values are invalid and will be treated as 1")
        }
    }

    private mutating func collectPlacement() {
        for key in (spec["nodeSelector"]?.object ?? [:]).map(\.key) {
            if let message = NodeLabels.deprecation(key) { warn("spec.nodeSelector[\(key)]", message) }
        }
        let affinity = spec[path: "affinity", "nodeAffinity"] ?? [:]
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        for (index, term) in (affinity[path: required, "nodeSelectorTerms"]?.elements ?? []).enumerated() {
            collectTerm(term, "spec.affinity.nodeAffinity.\(required).nodeSelectorTerms[\(index)]")
        }
        for (index, term) in (affinity[preferred]?.elements ?? []).enumerated() {
            collectTerm(term["preference"] ?? [:], "spec.affinity.nodeAffinity.\(preferred)[\(index)].preference")
        }
        for (index, constraint) in (spec["topologySpreadConstraints"]?.elements ?? []).enumerated() {
            let key = constraint.text("topologyKey")
            if let message = NodeLabels.deprecation(key) {
                warn("spec.topologySpreadConstraints[\(index)].topologyKey", "\(key) is \(message)")
            }
            if constraint.present("labelSelector") == nil {
                warn(
                    "spec.topologySpreadConstraints[\(index)].labelSelector", "a null labelSelector results in matching no pod")
            }
        }
    }

    private mutating func collectTerm(_ term: JSON, _ field: String) {
        for (index, expression) in (term["matchExpressions"]?.elements ?? []).enumerated() {
            let key = expression.text("key")
            if let message = NodeLabels.deprecation(key) {
                warn("\(field).matchExpressions[\(index)].key", "\(key) is \(message)")
            }
        }
    }

    private static let annotations = [
        ("scheduler.alpha.kubernetes.io/critical-pod", "non-functional in v1.16+; use the \"priorityClassName\" field instead"),
        ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
        ("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    ]

    private mutating func collectAnnotations() {
        let own = metadata["annotations"] ?? [:]
        for (key, message) in Self.annotations where own[key] != nil { warn("metadata.annotations[\(key)]", message) }
    }

    private static let volumes = [
        ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
        ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
        ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ]

    private mutating func collectVolumes() {
        for (index, volume) in (spec["volumes"]?.elements ?? []).enumerated() {
            for (key, name, message) in Self.volumes where volume.present(key) != nil {
                warn("spec.volumes[\(index)].\(name)", message)
            }
        }
    }

    private mutating func collectDuplicates(_ items: [JSON], _ key: String, _ field: String) {
        var seen: Set<String> = []
        for (index, item) in items.enumerated() where !seen.insert(item.text(key)).inserted {
            warn("\(field)[\(index)].\(key)", "duplicate \(key) \(quoted(item.text(key)))")
        }
    }

    private mutating func collectFractions(_ list: JSON?, _ field: String) {
        for name in ["memory", "ephemeral-storage"] {
            guard let value = quantity(list?[name]), value.nanos % 1_000_000_000 != 0 else { continue }
            warn("\(field)[\(name)]", "fractional byte value \(quoted(value.description)) is invalid, must be an integer")
        }
    }

    private var containers: [(String, JSON)] {
        ["initContainers", "containers", "ephemeralContainers"].flatMap { key in
            (spec[key]?.elements ?? []).enumerated().map { ("spec.\(key)[\($0)]", $1) }
        }
    }

    private mutating func collectContainers() {
        let own = metadata["annotations"] ?? [:]
        let seccomp = "non-functional in v1.27+; use the \"seccompProfile\" field instead"
        if spec["securityContext"]?.present("seccompProfile") == nil, own["seccomp.security.alpha.kubernetes.io/pod"] != nil {
            warn("metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]", seccomp)
        }
        for (field, container) in containers {
            let context = container["securityContext"]
            let seccompKey = "container.seccomp.security.alpha.kubernetes.io/\(container.text("name"))"
            if context?.present("seccompProfile") == nil, own[seccompKey] != nil {
                warn("metadata.annotations[\(seccompKey)]", seccomp)
            }
            let profileKey = "container.apparmor.security.beta.kubernetes.io/\(container.text("name"))"
            let ofPod = spec["securityContext"]?.present("appArmorProfile")
            if context?.present("appArmorProfile") == nil, let text = own[profileKey]?.string,
                PodAnnotations.isDeprecated(appArmor: text, ofPod: ofPod)
            {
                warn(
                    "metadata.annotations[\(profileKey)]", "deprecated since v1.30; use the \"appArmorProfile\" field instead")
            }
            // Both amounts of a resource are told of before the next resource.
            for name in ["memory", "ephemeral-storage"] {
                for list in ["limits", "requests"] {
                    guard let value = container[path: "resources", list, name] else { continue }
                    collectFractions([name: value], "\(field).resources.\(list)")
                }
            }
            collectVariables(container, field)
        }
    }

    private mutating func collectVariables(_ container: JSON, _ field: String) {
        var seen: Set<String> = []
        for (index, variable) in (container["env"]?.elements ?? []).enumerated() {
            let name = variable.text("name")
            guard !seen.insert(name).inserted else { continue }
            let reference = "$(\(name))"
            let value = variable.text("value")
            if variable.present("valueFrom") != nil || value == reference || !value.contains(reference) {
                warn(
                    "\(field).env[\(index)]",
                    "hides previous definition of \(quoted(name)), which may be dropped when using apply")
            }
        }
    }

    private mutating func collectPorts() {
        var taken: [String: [(field: String, hostIP: String, hostPort: Int64)]] = [:]
        for (container, port) in containers.flatMap({ field, container in
            (container["ports"]?.elements ?? []).enumerated().map { ("\(field).ports[\($0)]", $1) }
        }) {
            let hostIP = port.text("hostIP")
            let hostPort = port["hostPort"]?.int ?? 0
            if !hostIP.isEmpty, hostPort == 0 {
                let shown =
                    "{Name:\(port.text("name")) HostPort:0 ContainerPort:\(port["containerPort"]?.int ?? 0) "
                    + "Protocol:\(port.text("protocol")) HostIP:\(hostIP)}"
                warn(container, "hostIP set without hostPort: \(shown)")
            }
            let key = "\(port["containerPort"]?.int ?? 0)/\(port.text("protocol"))"
            for other in taken[key] ?? [] {
                let otherField = path + other.field
                if other.hostIP == hostIP, other.hostPort == hostPort {
                    warn(container, "duplicate port definition with \(otherField)")
                } else if hostPort == 0 || other.hostPort == 0 {
                    warn(container, "overlapping port definition with \(otherField)")
                } else if hostPort == other.hostPort, hostIP.isEmpty != other.hostIP.isEmpty {
                    warn(container, "dangerously ambiguous port definition with \(otherField)")
                }
            }
            taken[key, default: []].append((container, hostIP, hostPort))
        }
    }
}

/// Labels of nodes that have gone out of use.
enum NodeLabels {
    private static let deprecated = [
        "beta.kubernetes.io/arch": "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os": "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region": "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
        "failure-domain.beta.kubernetes.io/zone": "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
        "beta.kubernetes.io/instance-type": "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ]

    static func deprecation(_ key: String) -> String? { deprecated[key] }
}
