import KubeObject

/// Adds what extension API servers say of their group versions to an OpenAPI v2 document.
///
/// A path that is there already stays as it is. A definition or parameter whose name is taken by another goes by its name with `_v2`,
/// `_v3` and so on; two are the same when they differ only in the kinds that they stand for, and then stand for the kinds of both.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/, upstream's kube-openapi.
struct OpenAPIV2Merge {
    private enum Part: String, CaseIterable {
        case definitions, parameters

        var prefix: String { "#/\(self.rawValue)/" }
    }

    private struct Name: Hashable {
        var part: Part
        var name: String

        init(_ part: Part, _ name: String) {
            self.part = part
            self.name = name
        }

        /// What a reference refers to; nil for one to elsewhere.
        init?(reference: String) {
            for part in Part.allCases where reference.hasPrefix(part.prefix) {
                self.init(part, String(reference.dropFirst(part.prefix.utf8.count)))
                return
            }
            return nil
        }
    }

    private static let kinds = "x-kubernetes-group-version-kind"

    private let base: JSON
    private var paths: [String: JSON]
    private var named: [Name: JSON]

    /// - Parameter base: what others are added to.
    init(_ base: JSON) {
        self.base = base
        self.paths = Self.members(base["paths"])
        self.named = Self.named(in: base)
    }

    private static func members(_ value: JSON?) -> [String: JSON] {
        Dictionary(uniqueKeysWithValues: (value?.object ?? [:]).map { ($0.key, $0.value) })
    }

    private static func named(in document: JSON) -> [Name: JSON] {
        var named: [Name: JSON] = [:]
        for part in Part.allCases {
            for (name, value) in document[part.rawValue]?.object ?? [:] { named[Name(part, name)] = value }
        }
        return named
    }

    /// The part of a document that is about paths below a prefix, with what those refer to.
    static func part(of document: JSON, below prefix: String) -> JSON {
        let paths = (document["paths"]?.object ?? [:]).filter { path, item in path.hasPrefix(prefix) && item.object != nil }
        let named = Self.used(by: .object(paths), Self.named(in: document))
        var part: JSON = ["paths": .object(paths)]
        for (name, value) in named { part[path: name.part.rawValue, name.name] = value }
        return part
    }

    /// What is referred to, at once or by something that is.
    private static func used(by root: JSON, _ named: [Name: JSON]) -> [Name: JSON] {
        var used: [Name: JSON] = [:]
        var waiting = [root]
        while let next = waiting.popLast() {
            self.forEachReference(in: next) { name in
                guard used[name] == nil, let value = named[name] else { return }
                used[name] = value
                waiting.append(value)
            }
        }
        return used
    }

    private static func forEachReference(in value: JSON, _ body: (Name) -> Void) {
        switch value {
        case .object(let members):
            for (key, member) in members {
                if key == "$ref", case .string(let reference) = member {
                    if let name = Name(reference: reference) { body(name) }
                } else {
                    self.forEachReference(in: member, body)
                }
            }
        case .array(let elements): for element in elements { self.forEachReference(in: element, body) }
        default: break
        }
    }

    // MARK: Adding

    /// Adds a document, from which only what ``part(of:below:)`` leaves of it is to be left.
    mutating func add(_ document: JSON) {
        let added = Self.members(document["paths"]).filter { self.paths[$0.key] == nil }
        guard !added.isEmpty else { return }
        let paths = JSON.object(JSONObject(added.map { ($0.key, $0.value) }))
        let used = Self.used(by: paths, Self.named(in: document))
        let renames = self.renames(of: used)
        for (path, item) in added { self.paths[path] = Self.renamed(item, renames) }
        for (name, value) in used {
            let value = Self.renamed(value, renames)
            let name = renames[name] ?? name
            self.named[name] = self.named[name].map { Self.withKinds(of: value, $0) } ?? value
        }
    }

    private func renames(of added: [Name: JSON]) -> [Name: Name] {
        var renames: [Name: Name] = [:]
        var taken: Set<Name> = []
        // In order, so that the same documents always make the same one.
        for (name, value) in added.sorted(by: { $0.key.name.utf8.lexicographicallyPrecedes($1.key.name.utf8) }) {
            guard let known = self.named[name], !Self.areAlike(known, value) else { continue }
            var number = 2
            while true {
                let other = Name(name.part, "\(name.name)_v\(number)")
                number += 1
                if let known = self.named[other] {
                    guard Self.areAlike(known, value) else { continue }
                } else if taken.contains(other) || added[other] != nil {
                    continue
                }
                taken.insert(other)
                renames[name] = other
                break
            }
        }
        return renames
    }

    private static func areAlike(_ one: JSON, _ other: JSON) -> Bool {
        func withoutKinds(_ value: JSON) -> JSON {
            guard value[self.kinds] != nil else { return value }
            var value = value
            value[self.kinds] = nil
            return value
        }
        return one == other || withoutKinds(one) == withoutKinds(other)
    }

    private static func withKinds(of other: JSON, _ value: JSON) -> JSON {
        let known = value[self.kinds]?.elements ?? []
        let added = (other[self.kinds]?.elements ?? []).filter { !known.contains($0) }
        guard !added.isEmpty else { return value }
        var value = value
        value[self.kinds] = .array(known + added)
        return value
    }

    private static func renamed(_ value: JSON, _ renames: [Name: Name]) -> JSON {
        guard !renames.isEmpty else { return value }
        switch value {
        case .object(let members):
            return .object(
                JSONObject(
                    members.map { key, member in
                        guard key == "$ref", case .string(let reference) = member else {
                            return (key, self.renamed(member, renames))
                        }
                        guard let name = Name(reference: reference), let other = renames[name] else { return (key, member) }
                        return (key, .string(other.part.prefix + other.name))
                    }))
        case .array(let elements): return .array(elements.map { self.renamed($0, renames) })
        default: return value
        }
    }

    /// The whole document.
    var document: JSON {
        var document = self.base
        document["paths"] = .object(JSONObject(self.paths.map { ($0.key, $0.value) }))
        for part in Part.allCases {
            let members = self.named.filter { $0.key.part == part }
            guard !members.isEmpty || document[part.rawValue] != nil else { continue }
            document[part.rawValue] = .object(JSONObject(members.map { ($0.key.name, $0.value) }))
        }
        return document
    }
}
