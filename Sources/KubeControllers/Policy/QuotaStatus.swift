import KubeObject
import KubeRegistry

/// A resource quota's status: its limits, and what the namespace uses of each.
enum QuotaStatus {
    /// - Parameter contents: the namespace's objects, by resource.
    static func make(_ quota: Object, contents: [(resource: GroupResource, objects: [Object])], now: Double) -> JSON {
        let hard = quota.tree[path: "spec", "hard"]?.object ?? [:]
        let hasScopes = QuotaUsage.hasScopes(quota.tree)
        var used: [String: Quantity] = [:]
        for (resource, objects) in contents {
            let isPods = resource == GroupResource(group: "", resource: "pods")
            if hasScopes, !isPods { continue }
            for object in objects {
                if hasScopes, !QuotaUsage.matchesScopes(quota.tree, pod: object.tree) { continue }
                for (name, amount) in QuotaUsage.of(object.tree, resource, now: now) where hard[name] != nil {
                    used[name] = used[name].map { $0 + amount } ?? amount
                }
            }
        }
        var status: JSON = ["hard": .object(hard), "used": [:]]
        for (name, _) in hard { status[path: "used", name] = .string((used[name] ?? Quantity(0)).description) }
        return status
    }

    /// The resources whose objects a quota counts.
    static func counted(by quota: Object) -> Set<GroupResource> {
        var result: Set<GroupResource> = []
        for (name, _) in quota.tree[path: "spec", "hard"]?.object ?? [:] {
            if name.hasPrefix("count/") {
                let text = name.dropFirst("count/".count)
                let parts = text.split(separator: ".", maxSplits: 1).map(String.init)
                result.insert(GroupResource(group: parts.count > 1 ? parts[1] : "", resource: parts.first ?? ""))
            } else if name.hasPrefix("services") {
                result.insert(GroupResource(group: "", resource: "services"))
            } else if name == "persistentvolumeclaims" || name == "requests.storage"
                || name.contains(".storageclass.storage.k8s.io/")
            {
                result.insert(GroupResource(group: "", resource: "persistentvolumeclaims"))
            } else if ["configmaps", "secrets", "replicationcontrollers", "resourcequotas"].contains(name) {
                result.insert(GroupResource(group: "", resource: name))
            } else {
                result.insert(GroupResource(group: "", resource: "pods"))
            }
        }
        return result
    }
}
