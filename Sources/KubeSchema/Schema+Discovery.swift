public import KubeObject

/// The discovery documents, one group and version at a time.
/// Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
extension Schema {
    /// `/api`. `serverAddress` is this server's host and port as this client may reach it; it makes the document the client's
    /// own, so it isn't cached.
    public func coreVersions(serverAddress: String) -> JSON {
        [
            "kind": "APIVersions", "versions": JSON((group("")?.versions ?? []).map(\.groupVersion.version)),
            "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": .string(serverAddress)]],
        ]
    }

    /// `/apis`.
    public var groupList: Document {
        documents.document("/apis") {
            Document([
                "kind": "APIGroupList", "apiVersion": "v1",
                "groups": .array(groups.filter { !$0.name.isEmpty }.map(groupEntry)),
            ])
        }
    }

    /// `/apis/GROUP`; nil when there is no such group, or it is the core group.
    public func groupDocument(_ name: String) -> Document? {
        guard !name.isEmpty, let group = group(name) else { return nil }
        return documents.document("/apis/\(name)") {
            var entry = groupEntry(group)
            entry["kind"] = "APIGroup"
            entry["apiVersion"] = "v1"
            return Document(entry)
        }
    }

    /// `/api/v1` and `/apis/GROUP/VERSION`; nil when it isn't served.
    public func resourceList(_ groupVersion: GroupVersion) -> Document? {
        guard let version = version(groupVersion) else { return nil }
        let owner = owner(of: version)
        if owner !== self { return owner.resourceList(groupVersion) }
        return documents.document("/\(groupVersion)") {
            var list: JSON = [
                "kind": "APIResourceList", "groupVersion": .string(groupVersion.apiVersion),
                "resources": .array(version.resources.flatMap(entries)),
            ]
            // The core group's list has none: so upstream has always answered.
            if !groupVersion.group.isEmpty { list["apiVersion"] = "v1" }
            return Document(list)
        }
    }

    private func groupEntry(_ group: Group) -> JSON {
        func version(_ groupVersion: GroupVersion) -> JSON {
            ["groupVersion": .string(groupVersion.apiVersion), "version": .string(groupVersion.version)]
        }
        return [
            "name": .string(group.name), "versions": .array(group.versions.map { version($0.groupVersion) }),
            "preferredVersion": version(group.preferredVersion),
        ]
    }

    private func entries(_ resource: ResourceType) -> [JSON] {
        [entry(resource)] + resource.subresources.map { entry($0, of: resource) }
    }

    private func entry(_ resource: ResourceType) -> JSON {
        var entry: JSON = [
            "name": .string(resource.plural), "singularName": .string(resource.singular),
            "namespaced": .bool(resource.isNamespaced),
            "kind": .string(resource.kind), "verbs": JSON(resource.verbs),
        ]
        if !resource.shortNames.isEmpty { entry["shortNames"] = JSON(resource.shortNames) }
        if !resource.categories.isEmpty { entry["categories"] = JSON(resource.categories) }
        if !resource.storageVersionHash.isEmpty { entry["storageVersionHash"] = .string(resource.storageVersionHash) }
        return entry
    }

    private func entry(_ subresource: ResourceType.Subresource, of resource: ResourceType) -> JSON {
        var entry: JSON = [
            "name": .string("\(resource.plural)/\(subresource.name)"), "singularName": "",
            "namespaced": .bool(resource.isNamespaced), "kind": .string(subresource.kind.kind), "verbs": JSON(subresource.verbs),
        ]
        if subresource.kind.groupVersion != resource.groupVersion {
            if !subresource.kind.group.isEmpty { entry["group"] = .string(subresource.kind.group) }
            entry["version"] = .string(subresource.kind.version)
        }
        return entry
    }
}
