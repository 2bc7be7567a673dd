public import KubeObject

/// A definition of custom resources as the server reads it.
public struct CustomResourceDefinition: Sendable {
    public struct Names: Sendable, Hashable {
        public var plural: String
        public var singular: String
        public var kind: String
        public var listKind: String
        public var shortNames: [String]
        public var categories: [String]

        init(_ json: JSON?) {
            func text(_ key: String) -> String { json?[key]?.string ?? "" }
            plural = text("plural")
            singular = text("singular")
            kind = text("kind")
            listKind = text("listKind")
            shortNames = json?["shortNames"]?.strings ?? []
            categories = json?["categories"]?.strings ?? []
        }

        var json: JSON {
            var json: JSON = ["plural": .string(plural), "kind": .string(kind)]
            if !singular.isEmpty { json["singular"] = .string(singular) }
            if !listKind.isEmpty { json["listKind"] = .string(listKind) }
            if !shortNames.isEmpty { json["shortNames"] = JSON(shortNames) }
            if !categories.isEmpty { json["categories"] = JSON(categories) }
            return json
        }
    }

    public let group: String
    /// The accepted names; the wanted ones before any were accepted.
    public let names: Names
    public let isNamespaced: Bool
    /// As discovery orders them: `v1` before `v1beta1` before others.
    public let versions: [CustomResourceVersion]
    /// The definition's own name: `PLURAL.GROUP`.
    public let name: String
    /// Whether its resources are served.
    public let isEstablished: Bool
    /// Whether its objects are being deleted, and no others may be created.
    public let isTerminating: Bool
    /// `spec.conversion`; nil when versions differ in name only.
    public let webhookConversion: JSON?

    /// - Parameter tree: the definition as stored, valid.
    /// - Throws: `SchemaError` when a schema is nested too deep.
    public init(_ tree: JSON) throws(SchemaError) {
        let spec = tree["spec"] ?? [:]
        group = spec["group"]?.string ?? ""
        let accepted = Names(tree[path: "status", "acceptedNames"])
        let names = accepted.plural.isEmpty ? Names(spec["names"]) : accepted
        self.names = names
        isNamespaced = spec["scope"]?.string == "Namespaced"
        name = tree[path: "metadata", "name"]?.string ?? ""
        isEstablished = CustomResourceStatus.isTrue("Established", tree)
        isTerminating = CustomResourceStatus.isTrue("Terminating", tree)
        let conversion = spec["conversion"]
        webhookConversion = conversion?["strategy"]?.string == "Webhook" ? conversion : nil
        var versions: [CustomResourceVersion] = []
        for version in spec["versions"]?.elements ?? [] {
            let groupVersion = GroupVersion(group: group, version: version["name"]?.string ?? "")
            versions.append(try CustomResourceVersion(version, kind: groupVersion.kind(names.kind)))
        }
        self.versions = versions.sorted { VersionOrder.precedes($0.name, $1.name) }
    }

    /// The version that objects are stored in.
    public var storageVersion: CustomResourceVersion? { versions.first { $0.isStorage } }

    /// Whether clients prefer a version to another: `v1` to `v1beta1`.
    public static func versionPrecedes(_ left: String, _ right: String) -> Bool { VersionOrder.precedes(left, right) }

    public func version(_ name: String) -> CustomResourceVersion? { versions.first { $0.name == name } }

    /// In the order in which upstream tells them of custom resources.
    private static let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]

    /// All that a definition's resources are made from: two definitions that are equal in it have the same resources.
    public static func essence(of tree: JSON) -> JSON {
        [
            "name": tree[path: "metadata", "name"] ?? "", "spec": tree["spec"] ?? [:],
            "names": tree[path: "status", "acceptedNames"] ?? [:],
            "isEstablished": .bool(CustomResourceStatus.isTrue("Established", tree)),
            "isTerminating": .bool(CustomResourceStatus.isTrue("Terminating", tree)),
        ]
    }

    /// The resource of the stored version, whether it is served or not: what the objects can be listed and deleted as.
    public func storedResourceType(builtin: Schema = .builtin) -> ResourceType? {
        storageVersion.map { resourceTypes(of: [$0], builtin)[0] }
    }

    /// The resources of all served versions, ready for `Schema.adding`.
    public func resourceTypes(builtin: Schema = .builtin) -> [ResourceType] {
        resourceTypes(of: versions.filter(\.isServed), builtin)
    }

    private func resourceTypes(of versions: [CustomResourceVersion], _ builtin: Schema) -> [ResourceType] {
        let types = CustomTypes(builtin: builtin)
        let scaleKind = GroupVersionKind(group: "autoscaling", version: "v1", kind: "Scale")
        return versions.map { version in
            let type = types.object(version)
            var subresources: [ResourceType.Subresource] = []
            let verbs = ["get", "patch", "update"]
            if version.hasStatus { subresources.append(.init(name: "status", kind: version.kind, verbs: verbs, type: type)) }
            if version.scale != nil {
                subresources.append(.init(name: "scale", kind: scaleKind, verbs: verbs, type: builtin.type(forKind: scaleKind)))
            }
            let listKind = names.listKind.isEmpty ? names.kind + "List" : names.listKind
            return ResourceType(
                gvk: version.kind, plural: names.plural, singular: names.singular, shortNames: names.shortNames,
                categories: names.categories,
                isNamespaced: isNamespaced, verbs: Self.verbs, subresources: subresources,
                storageVersionHash: hash(storageVersion ?? version), storedAs: (storageVersion ?? version).kind, type: type,
                listKind: listKind,
                listType: types.list(of: type, version.kind.groupVersion.kind(listKind)), definition: self)
        }
    }

    /// Eight bytes that change when the storage version does.
    private func hash(_ version: CustomResourceVersion) -> String {
        let name = "\(version.kind.group)/\(version.kind.version)/\(version.kind.kind)"
        let digest = Document(bytes: Array(name.utf8)).etag.utf8.prefix(16)
        var bytes: [UInt8] = []
        var rest = digest[...]
        while rest.count >= 2 {
            bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return Base64.encode(bytes)
    }
}

/// The order of versions in discovery: `v2`, `v1`, `v1beta2`, `v1alpha1`, then other names by their letters.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority
enum VersionOrder {
    static func precedes(_ left: String, _ right: String) -> Bool {
        switch (parts(left), parts(right)) {
        case (let a?, let b?):
            for (x, y) in zip(a, b) where x != y { return x > y }
            return false
        case (.some, nil): return true
        case (nil, .some): return false
        case (nil, nil): return left.utf8.lexicographicallyPrecedes(right.utf8)
        }
    }

    /// Stability, major and minor number.
    private static func parts(_ text: String) -> [Int]? {
        guard text.utf8.first == UInt8(ascii: "v") else { return nil }
        let rest = text.dropFirst()
        let major = rest.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(major), number > 0 else { return nil }
        let tail = rest.dropFirst(major.count)
        if tail.isEmpty { return [2, number, 0] }
        for (index, word) in ["alpha", "beta"].enumerated() where tail.hasPrefix(word) {
            guard let minor = Int(tail.dropFirst(word.count)), minor > 0 else { return nil }
            return [index, number, minor]
        }
        return nil
    }
}
