import KubeObject
import KubeSchema
import KubeStore
import Synchronization

/// What clusters serve that have definitions of custom resources.
///
/// A cluster's schema is kept with the loaded cluster and made anew when its definitions are other objects than those that it
/// was made from; so it is right for every snapshot, the first after a restart included. Clusters whose definitions say the same
/// share everything: compiled definitions, the schema, and the documents made from it. A cluster without definitions has nothing.
///
/// Concurrency: any task may ask. Nothing is compiled under the lock; of two tasks that compile the same, one's work is dropped.
final class CustomSchemas: Sendable {
    /// The resources that one definition makes.
    final class Compiled: Sendable {
        let resources: [ResourceType]

        init(_ resources: [ResourceType]) { self.resources = resources }
    }

    /// A schema, and what it was made from: as long as that lives, its identity is nobody else's.
    final class Shared: Sendable {
        let schema: Schema
        private let base: Schema
        private let parts: [Compiled]

        init(_ parts: [Compiled], base: Schema) {
            self.parts = parts
            self.base = base
            let resources = CustomSchemas.resources(of: parts, beside: base)
            schema = resources.isEmpty ? base : base.adding(resources)
        }
    }

    /// What a cluster keeps.
    private final class Kept: Sendable {
        let definitions: [Object]
        /// What each definition was compiled to; nil for one that isn't served.
        let compiled: [Compiled?]
        let base: Schema
        let shared: Shared

        init(_ definitions: [Object], _ compiled: [Compiled?], base: Schema, shared: Shared) {
            self.definitions = definitions
            self.compiled = compiled
            self.base = base
            self.shared = shared
        }
    }

    private struct Weak<Value: AnyObject & Sendable>: Sendable {
        weak var value: Value?
    }

    private struct State {
        var compiled: [JSON: Weak<Compiled>] = [:]
        var schemas: [[ObjectIdentifier]: Weak<Shared>] = [:]
        /// Entries of what is gone are dropped when there are as many as this.
        var sweepsAt = 64
    }

    private let state = Mutex(State())

    static let prefix = Key.prefix(group: "apiextensions.k8s.io", plural: "customresourcedefinitions")

    /// What a cluster serves at a snapshot.
    ///
    /// - Parameter base: what it serves without definitions.
    func schema(of cluster: LogicalCluster, at snapshot: Snapshot, base: Schema) -> Schema {
        let definitions = snapshot.list(prefix: Self.prefix)
        guard !definitions.isEmpty else {
            if cluster.attachment != nil { cluster.attachment = nil }
            return base
        }
        let kept = cluster.attachment as? Kept
        if let kept, kept.base === base, kept.definitions.elementsEqual(definitions, by: { $0 === $1 }) {
            return kept.shared.schema
        }
        // Definitions are large and come by the dozen: what didn't change isn't looked at again.
        let known = kept.map { kept in
            Dictionary(
                zip(kept.definitions.map { ObjectIdentifier($0) }, kept.compiled), uniquingKeysWith: { first, _ in first })
        }
        let parts = definitions.map { known?[ObjectIdentifier($0)] ?? compiled($0.tree) }
        let made = shared(parts.compactMap(\.self), base: base)
        cluster.attachment = Kept(definitions, parts, base: base, shared: made)
        return made.schema
    }

    /// How many different definitions and schemas are in use.
    var counts: (definitions: Int, schemas: Int) {
        state.withLock { state in
            (state.compiled.values.count { $0.value != nil }, state.schemas.values.count { $0.value != nil })
        }
    }

    private func shared(_ parts: [Compiled], base: Schema) -> Shared {
        let key = [ObjectIdentifier(base)] + parts.map { ObjectIdentifier($0) }
        if let known = state.withLock({ $0.schemas[key]?.value }) { return known }
        let made = Shared(parts, base: base)
        return state.withLock { state in
            if let known = state.schemas[key]?.value { return known }
            state.schemas[key] = Weak(value: made)
            Self.sweep(&state)
            return made
        }
    }

    /// Nil for a definition that isn't served: not established, or (which its validation refuses) not to be understood.
    private func compiled(_ tree: JSON) -> Compiled? {
        let essence = CustomResourceDefinition.essence(of: tree)
        guard essence["isEstablished"] == true else { return nil }
        if let known = state.withLock({ $0.compiled[essence]?.value }) { return known }
        guard let definition = Result(catching: { try CustomResourceDefinition(tree) }).value else { return nil }
        let made = Compiled(definition.resourceTypes())
        return state.withLock { state in
            if let known = state.compiled[essence]?.value { return known }
            state.compiled[essence] = Weak(value: made)
            return made
        }
    }

    private static func sweep(_ state: inout State) {
        guard state.compiled.count + state.schemas.count >= state.sweepsAt else { return }
        state.compiled = state.compiled.filter { $0.value.value != nil }
        state.schemas = state.schemas.filter { $0.value.value != nil }
        state.sweepsAt = max(64, (state.compiled.count + state.schemas.count) * 2)
    }

    /// In the order of discovery: by group, then by version as clients prefer them. What the server has itself stays its own.
    private static func resources(of parts: [Compiled], beside base: Schema) -> [ResourceType] {
        parts.flatMap(\.resources).filter { base.resource($0.gvr) == nil }.sorted { left, right in
            if left.group != right.group { return left.group < right.group }
            return CustomResourceDefinition.versionPrecedes(left.version, right.version)
        }
    }
}
