import KubeObject

/// The `ControllerRevision`s of a stateful set or daemon set: one for each template it has had.
struct RevisionHistory {
    /// What has to be done so that the newest template has the newest revision.
    enum Step: Equatable {
        case none
        /// Make this revision.
        case create(JSON)
        /// A template came back: its revision becomes the newest.
        case renumber(name: String, revision: Int64)
    }

    static let hashLabel = "controller-revision-hash"

    /// Sorted, the oldest first.
    let revisions: [Object]
    /// The name of the revision of the owner's template now.
    let update: String
    let step: Step

    /// - Parameters:
    ///   - owner: the set.
    ///   - labels: what selects the set's revisions.
    ///   - collisions: how many names have met something else before.
    init(owner: Object, existing: [Object], labels: [String: String], collisions: Int64) {
        revisions = existing.sorted(by: Self.isOlder)
        let template = owner.tree[path: "spec", "template"] ?? [:]
        let next = (revisions.last.map(Self.number) ?? 0) + 1
        if let same = revisions.last(where: { PodTemplate.isSame(Self.template(of: $0), template) }) {
            update = same.metadata.name
            step = same === revisions.last ? .none : .renumber(name: same.metadata.name, revision: next)
            return
        }
        let hash = PodTemplate.hash(template, collisions: collisions)
        var data = template
        data["$patch"] = "replace"
        update = "\(owner.metadata.name)-\(hash)"
        var labels = labels
        labels[Self.hashLabel] = hash
        step = .create([
            "apiVersion": "apps/v1", "kind": "ControllerRevision",
            "metadata": [
                "name": .string(update), "namespace": .string(owner.metadata.namespace), "labels": JSON(labels),
                "ownerReferences": [ControllerOwnership.reference(to: owner).tree],
            ],
            "data": ["spec": ["template": data]], "revision": .int(next),
        ])
    }

    static func number(_ revision: Object) -> Int64 { revision.tree["revision"]?.int ?? 0 }

    /// The hash in a revision's label.
    static func hash(_ revision: Object) -> String { revision.metadata.labels[hashLabel] ?? "" }

    /// The pod template that a revision keeps.
    static func template(of revision: Object) -> JSON {
        var template = revision.tree[path: "data", "spec", "template"] ?? [:]
        template["$patch"] = nil
        return template
    }

    /// The revisions that may go: neither live nor among the `limit` newest of the others.
    func surplus(live: Set<String>, limit: Int) -> [Object] {
        let old = revisions.filter { !live.contains($0.metadata.name) }
        return Array(old.prefix(max(0, old.count - limit)))
    }

    private static func isOlder(_ a: Object, _ b: Object) -> Bool {
        let (left, right) = (number(a), number(b))
        if left != right { return left < right }
        let (first, second) = (a.metadata.creationTimestamp, b.metadata.creationTimestamp)
        return first == second ? a.metadata.name < b.metadata.name : first < second
    }
}
