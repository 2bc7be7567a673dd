import KubeObject

/// Adds the groups of extension API servers to discovery documents, after this server's own groups.
struct DiscoveryMerge {
    let services: [RemoteAPIService]
    /// What a server says it serves (`APIResourceList`); nil when that isn't known.
    let resources: (RemoteAPIService) -> JSON?

    /// Most wanted first.
    private var byGroup: [(group: String, services: [RemoteAPIService])] { Self.byGroup(self.services) }

    static func byGroup(_ services: [RemoteAPIService]) -> [(group: String, services: [RemoteAPIService])] {
        let groups = Dictionary(grouping: services, by: \.group)
        func priority(_ services: [RemoteAPIService]) -> Int64 { services.map(\.groupPriority).max() ?? 0 }
        return groups.sorted { left, right in
            priority(left.value) == priority(right.value) ? left.key < right.key : priority(left.value) > priority(right.value)
        }.map { group, services in
            (group, services.sorted { ($1.versionPriority, $0.version) < ($0.versionPriority, $1.version) })
        }
    }

    // MARK: APIGroup and APIGroupList

    private static func version(_ service: RemoteAPIService) -> JSON {
        ["groupVersion": .string("\(service.group)/\(service.version)"), "version": .string(service.version)]
    }

    private func entry(_ group: String, local: JSON?) -> JSON {
        let services = self.byGroup.first { $0.group == group }?.services ?? []
        var entry: JSON = local ?? ["name": .string(group)]
        let known = entry["versions"]?.elements ?? []
        let added = services.map(Self.version).filter { !known.contains($0) }
        entry["versions"] = .array(known + added)
        if entry["preferredVersion"] == nil { entry["preferredVersion"] = added.first }
        return entry
    }

    /// `/apis/GROUP`.
    func group(_ name: String, local: JSON?) -> JSON {
        var entry = self.entry(name, local: local)
        entry["kind"] = "APIGroup"
        entry["apiVersion"] = "v1"
        return entry
    }

    /// `/apis`, in its old form.
    func groups(_ list: JSON) -> JSON {
        var list = list
        var groups = list["groups"]?.elements ?? []
        for (name, _) in self.byGroup {
            if let index = groups.firstIndex(where: { $0["name"]?.string == name }) {
                groups[index] = self.entry(name, local: groups[index])
            } else {
                groups.append(self.entry(name, local: nil))
            }
        }
        list["groups"] = .array(groups)
        return list
    }

    // MARK: APIGroupDiscoveryList

    /// `/apis`, in its aggregated form.
    func aggregated(_ list: JSON) -> JSON {
        var list = list
        var items = list["items"]?.elements ?? []
        for (name, services) in self.byGroup {
            let index = items.firstIndex { $0[path: "metadata", "name"]?.string == name }
            var item: JSON = index.map { items[$0] } ?? ["metadata": ["name": .string(name)]]
            let known = item["versions"]?.elements ?? []
            let added = services.filter { service in !known.contains { $0["version"]?.string == service.version } }.map(
                self.discovery)
            item["versions"] = .array(known + added)
            if let index { items[index] = item } else { items.append(item) }
        }
        list["items"] = .array(items)
        return list
    }

    private func discovery(_ service: RemoteAPIService) -> JSON {
        let list = self.resources(service)
        return [
            "version": .string(service.version), "freshness": service.isAvailable && list != nil ? "Current" : "Stale",
            "resources": .array(Self.resources(list?["resources"]?.elements ?? [])),
        ]
    }

    /// Resources with their subresources within them, which the old form has side by side.
    static func resources(_ entries: [JSON]) -> [JSON] {
        var order: [String] = []
        var resources: [String: JSON] = [:]
        func kind(_ entry: JSON) -> JSON {
            ["group": entry["group"] ?? "", "version": entry["version"] ?? "", "kind": entry["kind"] ?? ""]
        }
        for entry in entries {
            guard let name = entry["name"]?.string, !name.contains("/") else { continue }
            var resource: JSON = [
                "resource": .string(name), "singularResource": entry["singularName"] ?? "",
                "scope": entry["namespaced"]?.bool == true ? "Namespaced" : "Cluster", "verbs": entry["verbs"] ?? [],
                "responseKind": kind(entry),
            ]
            for key in ["shortNames", "categories"] where entry[key] != nil { resource[key] = entry[key] }
            if resources.updateValue(resource, forKey: name) == nil { order.append(name) }
        }
        for entry in entries {
            guard let name = entry["name"]?.string, let slash = name.firstIndex(of: "/") else { continue }
            let parent = String(name[..<slash])
            guard var resource = resources[parent] else { continue }
            let subresource: JSON = [
                "subresource": .string(String(name[name.index(after: slash)...])), "verbs": entry["verbs"] ?? [],
                "responseKind": kind(entry),
            ]
            resource["subresources"] = .array((resource["subresources"]?.elements ?? []) + [subresource])
            resources[parent] = resource
        }
        return order.compactMap { resources[$0] }
    }
}
