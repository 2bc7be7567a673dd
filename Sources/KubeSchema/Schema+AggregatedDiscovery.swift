import KubeObject

/// Aggregated discovery: everything below `/api` or `/apis` in one document (KEP-3352).
extension Schema {
    public enum AggregatedVersion: String, Sendable, CaseIterable {
        case v2
        case v2beta1
    }

    /// `/api` (`core`) or `/apis` as `APIGroupDiscoveryList` of `apidiscovery.k8s.io`.
    public func aggregatedDiscovery(core: Bool, version: AggregatedVersion = .v2) -> Document {
        documents.document("aggregated/\(core)/\(version)") {
            Document([
                "kind": "APIGroupDiscoveryList", "apiVersion": .string("apidiscovery.k8s.io/\(version.rawValue)"),
                "metadata": [:],
                "items": .array(groups.filter { $0.name.isEmpty == core }.map(item)),
            ])
        }
    }

    private func item(_ group: Group) -> JSON {
        [
            "metadata": group.name.isEmpty ? [:] : ["name": .string(group.name)],
            "versions": .array(
                group.versions.map { version in
                    [
                        "version": .string(version.groupVersion.version), "freshness": "Current",
                        "resources": .array(version.resources.map(resource)),
                    ]
                }),
        ]
    }

    private func resource(_ resource: ResourceType) -> JSON {
        var entry: JSON = [
            "resource": .string(resource.plural), "singularResource": .string(resource.singular),
            "scope": resource.isNamespaced ? "Namespaced" : "Cluster", "verbs": JSON(resource.verbs),
            "responseKind": responseKind(resource.gvk, of: resource),
        ]
        if !resource.shortNames.isEmpty { entry["shortNames"] = JSON(resource.shortNames) }
        if !resource.categories.isEmpty { entry["categories"] = JSON(resource.categories) }
        if !resource.subresources.isEmpty {
            entry["subresources"] = .array(
                resource.subresources.map { subresource in
                    [
                        "subresource": .string(subresource.name), "verbs": JSON(subresource.verbs),
                        "responseKind": responseKind(subresource.kind, of: resource),
                    ]
                })
        }
        return entry
    }

    /// Group and version are empty when they are the resource's own.
    private func responseKind(_ kind: GroupVersionKind, of resource: ResourceType) -> JSON {
        let isOwn = kind.groupVersion == resource.groupVersion
        return [
            "group": .string(isOwn ? "" : kind.group), "version": .string(isOwn ? "" : kind.version), "kind": .string(kind.kind),
        ]
    }
}
