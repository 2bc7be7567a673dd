public import KubeObject
public import KubeRegistry
import KubeStore

/// Answers `virtualclusters/NAME/sleep` and `/wake`: puts a cluster to sleep whatever it is doing, or wakes it. Asking again changes nothing.
///
/// These are requests and no wish in the spec: a wish would be untrue as soon as somebody's use wakes the cluster, and whoever keeps the
/// spec in a repository would put the cluster to sleep again under its users.
public struct SleepHandler: SubresourceHandler {
    private static let maximumMessage = 256

    private let keeper: SleepKeeper
    private let sleeps: Bool

    /// - Parameter sleeps: whether this is `sleep`, or `wake`.
    public init(_ keeper: SleepKeeper, sleeps: Bool) {
        self.keeper = keeper
        self.sleeps = sleeps
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let note = body["message"]?.string ?? ""
        if note.utf8.count > Self.maximumMessage {
            throw .invalid(
                GroupKind(group: Platform.group, kind: "SleepRequest"), name,
                [.tooLong("message", maximum: Self.maximumMessage)])
        }
        let object = try ClusterExplainHandler.cluster(namespace, name, context)
        guard object.metadata.deletionTimestamp == nil else {
            throw .conflict(Platform.virtualClusters, name, "the cluster is being deleted")
        }
        let logical = SleepKeeper.logical(object.metadata)
        let message = "\(sleeps ? "put to sleep" : "woken") by \(context.user.name)\(note.isEmpty ? "" : ": \(note)")"
        let wasAwake = SleepState(object.tree).isAwake
        if options.dryRun {
            // Nothing happens; the answer is what it would be.
        } else if sleeps {
            _ = try await keeper.sleep(logical, message: message)
        } else if !wasAwake {
            try await keeper.wakeNow(logical, message: message)
        }
        return WriteResult(
            .document([
                "apiVersion": .string(Platform.version.apiVersion), "kind": "SleepRequest", "awake": .bool(!sleeps),
                "changed": .bool(wasAwake == sleeps), "message": .string(message),
            ]), code: 201)
    }
}
