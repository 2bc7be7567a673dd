import KubeObject

/// What a pod does that a standard doesn't allow.
struct PodSecurityViolation: Sendable, Hashable {
    var reason: String
    var detail: String
}

/// A pod, or the template of one, under the eyes of a standard. Words and order are upstream's.
struct PodSecurityCheck {
    let standard: PodSecurityStandard
    let metadata: JSON
    let spec: JSON
    /// Init containers, containers, and those that were added to the living pod.
    let containers: [JSON]

    private init(_ standard: PodSecurityStandard, metadata: JSON, spec: JSON) {
        self.standard = standard
        self.metadata = metadata
        self.spec = spec
        containers = ["initContainers", "containers", "ephemeralContainers"].flatMap { spec[$0]?.elements ?? [] }
    }

    static func violations(of standard: PodSecurityStandard, metadata: JSON, spec: JSON) -> [PodSecurityViolation] {
        let check = PodSecurityCheck(standard, metadata: metadata, spec: spec)
        switch standard.level {
        case .privileged: return []
        case .baseline: return check.baseline
        case .restricted: return check.baseline + check.restricted
        }
    }

    /// `reason (detail), reason (detail)`
    static func text(_ violations: [PodSecurityViolation]) -> String {
        violations.map { $0.detail.isEmpty ? $0.reason : "\($0.reason) (\($0.detail))" }.joined(separator: ", ")
    }

    /// What runs as another user on the host than it seems to may be more inside.
    var isInUserNamespace: Bool { standard.isAtLeast(35) && spec["hostUsers"]?.bool == false }
    var isWindows: Bool { standard.isAtLeast(25) && spec[path: "os", "name"] == "windows" }

    // MARK: Words

    static func quotedList(_ values: some Sequence<String>) -> String { values.map { quoted($0) }.joined(separator: ", ") }

    /// `container "a"` or `containers "a", "b"`
    static func containers(_ names: [String]) -> String {
        "\(names.count == 1 ? "container" : "containers") \(quotedList(names))"
    }

    /// The names of the containers for which something is so.
    func names(where isSo: (JSON) -> Bool) -> [String] { containers.filter(isSo).map { $0.text("name") } }

    /// `pod and containers "a", "b"`: who sets something that is bad; nil when nobody does.
    func setters(_ isBad: (JSON) -> Bool) -> String? {
        var setters: [String] = []
        if let context = spec.present("securityContext"), isBad(context) { setters.append("pod") }
        let bad = names { $0.present("securityContext").map(isBad) ?? false }
        if !bad.isEmpty { setters.append(Self.containers(bad)) }
        return setters.isEmpty ? nil : setters.joined(separator: " and ")
    }
}
