import KubeObject

/// Reads the rows of REST facts (`scripts/schema/rest.facts` tells them), with the types' package behind each version.
struct ResourceParser {
    var types: TypeTable

    private struct Draft {
        var words: [Substring]
        var subresources: [[Substring]] = []
        var columns: [CustomColumn] = []
    }

    /// The groups of `text` after, or merged into, `groups`.
    mutating func read(_ text: String, over base: [Schema.Group]) throws(SchemaError) -> [Schema.Group] {
        var versions: [(groupVersion: GroupVersion, drafts: [Draft])] = []
        var group: String?
        var isServed = false
        for line in TextLines(text[...]) {
            let words = line.words
            switch words[0] {
            case "group":
                guard words.count == 2 else { throw SchemaError("not a group: \(line)") }
                group = words[1] == "core" ? "" : String(words[1])
                isServed = false
            case "version":
                guard let group, words.count == 4 else { throw SchemaError("not a version of a group: \(line)") }
                isServed = words[2] == "served"
                guard isServed else { continue }
                let groupVersion = GroupVersion(group: group, version: String(words[1]))
                types.packageOfVersion[groupVersion] = words[3]
                versions.append((groupVersion, []))
            case _ where !isServed: continue
            case let word where word.hasPrefix("/"):
                let last = versions.count - 1
                guard last >= 0, !versions[last].drafts.isEmpty, words.count >= 3 else {
                    throw SchemaError("no resource for \(line)")
                }
                versions[last].drafts[versions[last].drafts.count - 1].subresources.append(words)
            case "|":
                // As a custom resource's: NAME TYPE JSONPATH PRIORITY.
                let last = versions.count - 1
                guard last >= 0, !versions[last].drafts.isEmpty, words.count == 5, let priority = Int64(words[4]) else {
                    throw SchemaError("no column of a resource: \(line)")
                }
                versions[last].drafts[versions[last].drafts.count - 1].columns.append(
                    CustomColumn([
                        "name": .string(String(words[1])), "type": .string(String(words[2])),
                        "jsonPath": .string(String(words[3])), "priority": .int(priority),
                    ]))
            default:
                guard !versions.isEmpty, words.count == 9 else { throw SchemaError("not a resource: \(line)") }
                versions[versions.count - 1].drafts.append(Draft(words: words))
            }
        }
        var groups = base
        for (groupVersion, drafts) in versions {
            let resources = drafts.map { resource($0, groupVersion) }
            let version = Schema.Group.Version(groupVersion: groupVersion, resources: resources)
            if let known = groups.firstIndex(where: { $0.name == groupVersion.group }) {
                if let same = groups[known].versions.firstIndex(where: { $0.groupVersion == groupVersion }) {
                    groups[known].versions[same].resources.append(contentsOf: resources)
                } else {
                    groups[known].versions.append(version)
                }
            } else {
                groups.append(Schema.Group(name: groupVersion.group, versions: [version]))
            }
        }
        return groups
    }

    private static let allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

    private func list(_ word: Substring) -> [String] { word == "-" ? [] : word.split(separator: ",").map(String.init) }
    private func verbs(_ word: Substring) -> [String] { word == "*" ? ResourceParser.allVerbs : list(word) }

    private func resource(_ draft: Draft, _ groupVersion: GroupVersion) -> ResourceType {
        let words = draft.words
        let gvk = groupVersion.kind(String(words[1]))
        var storedAs: GroupVersionKind?
        if words[8] != "-" {
            let other = GroupVersion(apiVersion: String(words[8]))
            // A version that isn't served can't be what is stored here.
            if types.packageOfVersion[other] != nil { storedAs = other.kind(gvk.kind) }
        }
        let subresources = draft.subresources.map { words in
            let kind = (words.count > 3 ? GroupVersion(apiVersion: String(words[3])) : groupVersion).kind(String(words[1]))
            return ResourceType.Subresource(
                name: String(words[0].dropFirst()), kind: kind, verbs: verbs(words[2]), type: types.type(forKind: kind))
        }
        return ResourceType(
            gvk: gvk, plural: String(words[0]), singular: String(words[2]), shortNames: list(words[5]),
            categories: list(words[6]),
            isNamespaced: words[3] == "ns", verbs: verbs(words[4]), subresources: subresources,
            storageVersionHash: words[7] == "-" ? "" : String(words[7]), storedAs: storedAs, type: types.type(forKind: gvk),
            columns: draft.columns)
    }
}
