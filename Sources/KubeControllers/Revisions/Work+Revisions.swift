import KubeObject
import KubeSchema

extension Work {
    /// The revisions of a set, in order, after the newest template has got its own.
    func revisions(of owner: Object, _ resource: ResourceType, selector: LabelSelector) async throws -> RevisionHistory {
        let candidates = list(Resources.controllerRevisions)
        let ownership = ControllerOwnership(owner: owner, selector: selector, candidates: candidates)
        for revision in ownership.toAdopt {
            try await change(Resources.controllerRevisions, revision.metadata) { tree throws(StatusError) in
                ControllerOwnership.adopt(&tree, by: owner)
            }
        }
        let collisions = owner.tree[path: "status", "collisionCount"]?.int ?? 0
        let labels = owner.tree[path: "spec", "template", "metadata", "labels"]?.stringMap ?? [:]
        let history = RevisionHistory(owner: owner, existing: ownership.owned, labels: labels, collisions: collisions)
        switch history.step {
        case .none: return history
        case .create(let tree):
            do {
                let made = try await create(tree, Resources.controllerRevisions)
                return RevisionHistory(owner: owner, existing: ownership.owned + [made], labels: labels, collisions: collisions)
            } catch let error as StatusError where error.isAlreadyExists {
                try await change(resource, owner.metadata, subresource: "status") { tree throws(StatusError) in
                    tree[path: "status", "collisionCount"] = .int(collisions + 1)
                }
                throw error
            }
        case .renumber(let name, let revision):
            guard let old = ownership.owned.first(where: { $0.metadata.name == name }) else { return history }
            let changed = try await change(Resources.controllerRevisions, old.metadata) { tree throws(StatusError) in
                tree["revision"] = .int(revision)
            }
            let others = ownership.owned.filter { $0.metadata.name != name }
            return RevisionHistory(owner: owner, existing: others + [changed], labels: labels, collisions: collisions)
        }
    }

    /// Deletes revisions that nobody needs any more.
    func truncate(_ history: RevisionHistory, live: Set<String>, limit: Int) async throws {
        for revision in history.surplus(live: live, limit: limit) {
            try await delete(Resources.controllerRevisions, revision.metadata)
        }
    }
}
