import KubeObject

/// A rule of a role: what may be done to what.
struct PolicyRule: Sendable, Hashable {
    var verbs: [String]
    var apiGroups: [String]
    var resources: [String]
    var resourceNames: [String]
    var nonResourceURLs: [String]

    init(
        verbs: [String], apiGroups: [String] = [], resources: [String] = [], resourceNames: [String] = [],
        nonResourceURLs: [String] = []
    ) {
        self.verbs = verbs
        self.apiGroups = apiGroups
        self.resources = resources
        self.resourceNames = resourceNames
        self.nonResourceURLs = nonResourceURLs
    }

    init(_ tree: JSON) {
        func strings(_ key: String) -> [String] { (tree[key]?.elements ?? []).compactMap(\.string) }
        self.init(
            verbs: strings("verbs"), apiGroups: strings("apiGroups"), resources: strings("resources"),
            resourceNames: strings("resourceNames"), nonResourceURLs: strings("nonResourceURLs"))
    }

    var tree: JSON {
        var tree: JSON = ["verbs": .array(verbs.map { .string($0) })]
        for (key, values) in [
            ("apiGroups", apiGroups), ("resources", resources), ("resourceNames", resourceNames),
            ("nonResourceURLs", nonResourceURLs),
        ] where !values.isEmpty {
            tree[key] = .array(values.map { .string($0) })
        }
        return tree
    }

    func allows(_ request: AccessAttributes) -> Bool {
        guard verbs.contains(where: { $0 == "*" || $0 == request.verb }) else { return false }
        guard request.isResourceRequest else {
            return nonResourceURLs.contains { Self.path(request.path, matches: $0) }
        }
        return apiGroups.contains { $0 == "*" || $0 == request.apiGroup }
            && resources.contains { Self.resource(request, matches: $0) }
            && (resourceNames.isEmpty || resourceNames.contains(request.name))
    }

    private static func resource(_ request: AccessAttributes, matches rule: String) -> Bool {
        if rule == "*" || rule == request.combinedResource { return true }
        return !request.subresource.isEmpty && rule == "*/\(request.subresource)"
    }

    static func path(_ path: String, matches rule: String) -> Bool {
        if rule == "*" || rule == path { return true }
        return rule.hasSuffix("*") && path.hasPrefix(rule.dropLast())
    }

    /// Whether whoever has these rules may do all that this rule allows (the check against privilege escalation).
    func isCovered(by owned: [PolicyRule]) -> Bool {
        breakdown().allSatisfy { single in owned.contains { $0.covers(single) } }
    }

    /// The rule as rules of one verb, one group, one resource and one name each.
    private func breakdown() -> [PolicyRule] {
        var result: [PolicyRule] = []
        for verb in verbs {
            for group in apiGroups {
                for resource in resources {
                    if resourceNames.isEmpty {
                        result.append(PolicyRule(verbs: [verb], apiGroups: [group], resources: [resource]))
                    }
                    for name in resourceNames {
                        result.append(
                            PolicyRule(verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: [name]))
                    }
                }
            }
            result += nonResourceURLs.map { PolicyRule(verbs: [verb], nonResourceURLs: [$0]) }
        }
        return result
    }

    private func covers(_ single: PolicyRule) -> Bool {
        func has(_ values: [String], _ wanted: [String]) -> Bool {
            values.contains("*") || wanted.allSatisfy(values.contains)
        }
        guard has(verbs, single.verbs) else { return false }
        if !single.nonResourceURLs.isEmpty {
            return single.nonResourceURLs.allSatisfy { wanted in
                nonResourceURLs.contains {
                    $0 == wanted || $0 == "*" || ($0.hasSuffix("*") && wanted.hasPrefix($0.dropLast()))
                }
            }
        }
        guard has(apiGroups, single.apiGroups) else { return false }
        let resourcesMatch =
            has(resources, single.resources)
            || single.resources.allSatisfy { wanted in
                guard let slash = wanted.firstIndex(of: "/") else { return false }
                return resources.contains("*\(wanted[slash...])")
            }
        guard resourcesMatch else { return false }
        if single.resourceNames.isEmpty { return resourceNames.isEmpty }
        return resourceNames.isEmpty || single.resourceNames.allSatisfy(resourceNames.contains)
    }
}
