import KubeObject

/// A level of the Pod Security Standards, as of a version of Kubernetes.
/// Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
struct PodSecurityStandard: Sendable, Hashable, CustomStringConvertible {
    enum Level: String, Sendable, CaseIterable {
        case privileged, baseline, restricted

        var rank: Int { self == .privileged ? 0 : self == .baseline ? 1 : 2 }
    }

    static let privileged = PodSecurityStandard(level: .privileged)

    var level: Level
    /// The minor version; nil for the latest.
    var minor: Int?

    init(level: Level, minor: Int? = nil) {
        self.level = level
        self.minor = minor
    }

    /// `restricted:v1.25`
    var description: String { "\(level.rawValue):\(minor.map { "v1.\($0)" } ?? "latest")" }

    func isAtLeast(_ minor: Int) -> Bool { self.minor.map { $0 >= minor } ?? true }
}

/// What a namespace's labels ask of its pods.
/// Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/
struct PodSecurityPolicy: Sendable, Equatable {
    static let prefix = "pod-security.kubernetes.io/"

    var enforce = PodSecurityStandard.privileged
    var audit = PodSecurityStandard.privileged
    var warn = PodSecurityStandard.privileged
    /// What is wrong with the labels; what they should have said is taken at its strictest where it is enforced.
    var problems: [FieldError] = []

    init(labels: [String: String]) {
        var named: Set<String> = []
        func standard(_ mode: String, strictest: Bool) -> (PodSecurityStandard, [FieldError]) {
            var result = PodSecurityStandard.privileged
            var problems: [FieldError] = []
            let key = Self.prefix + mode
            if let text = labels[key] {
                if let level = PodSecurityStandard.Level(rawValue: text) {
                    result.level = level
                    named.insert(mode)
                } else {
                    if strictest { result.level = .restricted }
                    problems.append(
                        .invalid(
                            "metadata.labels[\(key)]", .string(text), "must be one of privileged, baseline, restricted"))
                }
            }
            let version = "\(key)-version"
            if let text = labels[version], text != "latest" {
                if text.hasPrefix("v1."), let minor = Int(text.dropFirst(3)), minor >= 0, String(minor) == text.dropFirst(3) {
                    result.minor = minor
                } else {
                    problems.append(
                        .invalid("metadata.labels[\(version)]", .string(text), "must be \"latest\" or \"v1.x\""))
                }
            }
            return (result, problems)
        }
        let (enforce, first) = standard("enforce", strictest: true)
        let (audit, second) = standard("audit", strictest: false)
        let (warn, third) = standard("warn", strictest: false)
        self.enforce = enforce
        self.audit = audit
        self.warn = warn
        problems = first + second + third
        // Who makes a controller whose pods will be refused is told of it.
        if named.contains("enforce"), labels[Self.prefix + "warn"] == nil, enforce.level.rank > warn.level.rank {
            self.warn = enforce
        }
    }

    /// Whether nothing is asked of anybody.
    var isPrivileged: Bool { problems.isEmpty && enforce.level == .privileged && asksNothingOfControllers }
    var asksNothingOfControllers: Bool { audit.level == .privileged && warn.level == .privileged }
}
