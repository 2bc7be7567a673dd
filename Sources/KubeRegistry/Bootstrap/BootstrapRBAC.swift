import KubeObject
import KubeStore

/// The roles and bindings that every cluster starts with.
enum BootstrapRBAC {
    /// One object for every head row of the table, aggregated roles with the rules of those they aggregate.
    static func objects(creationTimestamp: String) -> [JSON] {
        var objects: [JSON] = []
        var aggregates: [(index: Int, label: String)] = []
        for line in table.split(separator: "\n") {
            if line.hasPrefix("  ") {
                let row = line.dropFirst(2)
                let kind = objects[objects.count - 1].text("kind")
                append(kind.hasSuffix("Binding") ? subject(row) : rule(row), to: &objects[objects.count - 1], kind)
            } else {
                let words = line.split(separator: " ").map(String.init)
                objects.append(head(words, creationTimestamp))
                aggregates += words.filter { $0.hasPrefix("<") }.map { (objects.count - 1, String($0.dropFirst())) }
            }
        }
        objects.append(metricsReader(creationTimestamp))
        // `view` before `edit` before `admin`: each is part of the next.
        for (index, label) in aggregates.reversed() {
            var rules: [JSON] = []
            for object in objects where object[path: "metadata", "labels", aggregation + label] == "true" {
                for rule in object["rules"]?.elements ?? [] where !rules.contains(rule) { rules.append(rule) }
            }
            objects[index]["rules"] = .array(rules)
        }
        return objects
    }

    private static let aggregation = "rbac.authorization.k8s.io/aggregate-to-"

    private static func head(_ words: [String], _ creationTimestamp: String) -> JSON {
        let kind = words[0]
        var object: JSON = [
            "apiVersion": .string("\(rbacGroup)/v1"), "kind": .string(kind),
            "metadata": [
                "name": .string(words[2]), "uid": .string(Bootstrap.sharedUID("\(kind)/\(words[1])/\(words[2])")),
                "creationTimestamp": .string(creationTimestamp),
                "annotations": ["rbac.authorization.kubernetes.io/autoupdate": "true"],
                "labels": ["kubernetes.io/bootstrapping": "rbac-defaults"],
            ],
        ]
        if words[1] != "-" { object[path: "metadata", "namespace"] = .string(words[1]) }
        if kind.hasSuffix("Binding") {
            object["roleRef"] = ["apiGroup": .string(rbacGroup), "kind": .string(words[3]), "name": .string(words[4])]
            return object
        }
        object["rules"] = []
        for word in words.dropFirst(3) {
            let label = aggregation + word.dropFirst()
            if word.hasPrefix("<") {
                object["aggregationRule"] = ["clusterRoleSelectors": [["matchLabels": JSON([label: "true"])]]]
            } else {
                object[path: "metadata", "labels", label] = "true"
            }
        }
        return object
    }

    /// As metrics-server's manifests have it, whose API clusters have from the beginning: who may see pods may see what they use.
    private static func metricsReader(_ creationTimestamp: String) -> JSON {
        let name = "system:aggregated-metrics-reader"
        var labels: JSON = ["k8s-app": "metrics-server"]
        for role in ["admin", "edit", "view"] { labels[aggregation + role] = "true" }
        let rule = PolicyRule(
            verbs: ["get", "list", "watch"], apiGroups: ["metrics.k8s.io"], resources: ["pods", "nodes"], resourceNames: [],
            nonResourceURLs: [])
        return [
            "apiVersion": .string("\(rbacGroup)/v1"), "kind": "ClusterRole",
            "metadata": [
                "name": .string(name), "uid": .string(Bootstrap.sharedUID("ClusterRole/-/\(name)")),
                "creationTimestamp": .string(creationTimestamp), "labels": labels,
            ],
            "rules": [rule.tree],
        ]
    }

    private static func append(_ row: JSON, to object: inout JSON, _ kind: String) {
        let key = kind.hasSuffix("Binding") ? "subjects" : "rules"
        object[key] = .array((object[key]?.elements ?? []) + [row])
    }

    private static func rule(_ row: Substring) -> JSON {
        let cells = row.split(separator: "|", omittingEmptySubsequences: false).map { cell in
            cell.split(separator: ",").map { $0 == "core" ? "" : String($0) }
        }
        return PolicyRule(
            verbs: cells[0], apiGroups: cells[1], resources: cells[2], resourceNames: cells[3], nonResourceURLs: cells[4]
        ).tree
    }

    private static func subject(_ row: Substring) -> JSON {
        let parts = row.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts[0] == "ServiceAccount" else {
            return ["apiGroup": .string(rbacGroup), "kind": .string(parts[0]), "name": .string(parts[2])]
        }
        return ["kind": .string(parts[0]), "namespace": .string(parts[1]), "name": .string(parts[2])]
    }
}
