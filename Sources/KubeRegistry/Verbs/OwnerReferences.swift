import KubeObject

/// An object is owned once by each of its owners.
enum OwnerReferences {
    /// Removes references that stand there before.
    ///
    /// - Returns: what to warn of, when there were some.
    static func removeRepeated(from object: inout JSON) -> String? {
        guard let references = object[path: "metadata", "ownerReferences"]?.array, references.count > 1 else { return nil }
        var seen: Set<JSON> = []
        var repeated: [String] = []
        let kept = references.filter { reference in
            if seen.insert(reference).inserted { return true }
            repeated.append(reference.text("uid"))
            return false
        }
        guard !repeated.isEmpty else { return nil }
        object[path: "metadata", "ownerReferences"] = .array(kept)
        return
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject "
            + "such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
            + repeated.joined(separator: ", ")
    }
}
