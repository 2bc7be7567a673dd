import Foundation
public import KubeObject
public import KubeRegistry
import KubeSchema
import KubeStore

/// What a team must be, who may change what it is allowed, and that it isn't deleted under its clusters.
public struct TeamAdmission: ValidatingAdmissionPlugin {
    static let maximumName = 40
    static let maximumMembers = 1000
    static let maximumDescription = 1024
    /// Namespaces of Kubernetes' own, and what would be taken for the platform.
    static let reserved: Set<String> = [
        ClusterName.noTeam, Platform.rootCluster, "kube-system", "kube-public", "kube-node-lease",
    ]

    /// The plugin where it belongs.
    public static var chain: AdmissionChain { AdmissionChain(validating: [Self()]) }

    public init() {}

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard Platform.isPlatform(request.context.cluster), request.resource.gvr.groupResource == Platform.teams,
            request.subresource.isEmpty
        else { return }
        switch request.operation {
        case .create:
            try Self.check(request.object, request)
            if let taken = request.snapshot.get(Key(group: "", plural: "namespaces", name: request.name)),
                taken.metadata.labels[TeamObjects.label] != request.name
            {
                throw .invalid(
                    Self.kind, request.name,
                    [
                        .invalid(
                            "metadata.name", .string(request.name),
                            "there is a namespace of this name that is no team's; choose another name")
                    ])
            }
        case .update:
            try Self.check(request.object, request)
            try Self.checkAllowance(request)
            Self.warnOfNoOwner(request)
        case .delete:
            let clusters = Team.clusters(of: request.name, in: request.snapshot).map(\.metadata.name)
            guard !clusters.isEmpty else { return }
            throw .conflict(
                Platform.teams, request.name,
                "the team has \(clusters.count == 1 ? "a cluster" : "\(clusters.count) clusters") (\(Self.some(clusters))); delete them first, with `kubectl delete virtualclusters --all -n \(request.name)` or `sampan cluster delete --team \(request.name) NAME`"
            )
        case .connect: return
        }
    }

    private static let kind = GroupKind(group: Platform.group, kind: "Team")

    /// The first of many names.
    static func some(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", and \(names.count - 5) more" : "")
    }

    /// What takes the verb `setquota` to change.
    private static let allowances = ["quota", "clusterLifetime", "clusterSleep", "credentialLifetime", "isolation", "network"]

    /// Whoever takes the last owner out may mean it, and is told.
    private static func warnOfNoOwner(_ request: AdmissionRequest) {
        func hasOwner(_ team: JSON?) -> Bool {
            (team?[path: "spec", "members"]?.elements ?? []).contains { $0["role"]?.string == Team.Role.owner.rawValue }
        }
        guard hasOwner(request.old?.tree), !hasOwner(request.object) else { return }
        request.context.notes?.warn(
            "the team \(request.name) has no owner any more: nobody but the platform's administrators can say who its members are"
        )
    }

    /// Owners may say who the members are; what a team may have is the platform's business.
    private static func checkAllowance(_ request: AdmissionRequest) throws(StatusError) {
        let old = request.old?.tree["spec"]
        let new = request.object["spec"]
        guard let changed = allowances.first(where: { old?[$0] != new?[$0] }) else { return }
        if request.context.isInternal { return }
        let attributes = AccessAttributes(
            user: request.context.user, verb: "setquota", apiGroup: Platform.group, apiVersion: Platform.version.version,
            resource: Platform.teams.resource, name: request.name)
        guard !request.registry.authorizer.decide(attributes, in: request.context.cluster).isAllowed else { return }
        throw .forbidden(
            Platform.teams, request.name,
            "User \"\(request.context.user.name)\" may not change spec.\(changed); that takes the permission for the verb \"setquota\", which the platform's administrators have"
        )
    }

    private static func check(_ team: JSON, _ request: AdmissionRequest) throws(StatusError) {
        var errors: [FieldError] = []
        if request.operation == .create, let error = nameError(request.name) { errors.append(error) }
        errors += Self.errors(of: team["spec"] ?? [:])
        if !errors.isEmpty { throw .invalid(kind, request.name, errors) }
    }

    static func nameError(_ name: String) -> FieldError? {
        if reserved.contains(name) || name.hasPrefix("kube-") {
            return .invalid("metadata.name", .string(name), "the name is the platform's own; choose another")
        }
        guard !name.contains("."), LabelSyntax.isSubdomain(name), name.utf8.count <= maximumName else {
            return .invalid(
                "metadata.name", .string(name),
                "must be a lowercase RFC 1123 label of at most \(maximumName) bytes: letters, digits and '-', with a letter or digit at both ends"
            )
        }
        guard !name.contains(ClusterName.separator) else {
            return .invalid(
                "metadata.name", .string(name),
                "must not contain \"\(ClusterName.separator)\", which separates a team's name from its cluster's")
        }
        return nil
    }

    static func errors(of spec: JSON) -> [FieldError] {
        var errors: [FieldError] = []
        if (spec["description"]?.string ?? "").utf8.count > maximumDescription {
            errors.append(.tooLong("spec.description", maximum: maximumDescription))
        }
        for field in ["clusters", "awakeClusters"] {
            guard let count = spec[path: "quota", field]?.int, count < 0 else { continue }
            errors.append(.invalid("spec.quota.\(field)", .int(count), "must be greater than or equal to 0"))
        }
        errors += MachineLimits.errors(in: spec["quota"], path: "spec.quota")
        errors += durationErrors(spec, "clusterLifetime", "greater than zero, such as 8h or 72h") { $0 > 0 }
        errors += durationErrors(spec, "clusterSleep", "of at least 10s, such as 30m or 2h") { $0 >= SleepSpec.shortestIdle }
        // kubectl asks for an hour at a time.
        errors += durationErrors(spec, "credentialLifetime", "of at least 1h, such as 24h or 720h") { $0 >= 3600 }
        errors += TeamIsolation.errors(in: spec)
        errors += NetworkSpec.errors(in: spec)
        let members = spec["members"]?.elements ?? []
        if members.count > maximumMembers {
            errors.append(.tooMany("spec.members", members.count, maximum: maximumMembers))
            return errors
        }
        var seen = Set<String>()
        for (index, member) in members.enumerated() {
            let path = "spec.members[\(index)]"
            let user = member["user"]?.string ?? ""
            let group = member["group"]?.string ?? ""
            if user.isEmpty == group.isEmpty {
                errors.append(.invalid(path, member, "exactly one of user and group must be set"))
            }
            let role = member["role"]?.string ?? ""
            if Team.Role(rawValue: role) == nil {
                errors.append(.notSupported("\(path).role", .string(role), Team.Role.allCases.map(\.rawValue).sorted()))
            }
            for (field, name) in [("user", user), ("group", group)] where !name.isEmpty {
                if name.first?.isWhitespace == true || name.last?.isWhitespace == true {
                    errors.append(
                        .invalid("\(path).\(field)", .string(name), "must not be blank, nor begin or end with a space"))
                }
                if name.utf8.count > 253 { errors.append(.tooLong("\(path).\(field)", maximum: 253)) }
                // Everybody, nobody, or the platform's own are no members.
                if name.hasPrefix("system:"), !name.hasPrefix("system:serviceaccount") {
                    errors.append(
                        .invalid("\(path).\(field)", .string(name), "names that begin with \"system:\" are Kubernetes' own"))
                }
                if !seen.insert("\(field)/\(name)").inserted { errors.append(.duplicate("\(path).\(field)", .string(name))) }
            }
        }
        return errors
    }

    /// What is wrong with a default and a maximum.
    ///
    /// - Parameter what: what a duration must be.
    private static func durationErrors(
        _ spec: JSON, _ part: String, _ what: String, _ isRight: (Double) -> Bool
    ) -> [FieldError] {
        let durations = spec[part] ?? [:]
        var errors: [FieldError] = []
        var values: [String: Double] = [:]
        for field in ["default", "maximum"] {
            guard let text = durations[field]?.string, !text.isEmpty else { continue }
            guard let seconds = Lifetime.seconds(text), isRight(seconds) else {
                errors.append(.invalid("spec.\(part).\(field)", .string(text), "must be a duration \(what)"))
                continue
            }
            values[field] = seconds
        }
        if let standing = values["default"], let maximum = values["maximum"], standing > maximum {
            errors.append(
                .invalid("spec.\(part).default", durations["default"], "must be no longer than \(part).maximum"))
        }
        return errors
    }
}
