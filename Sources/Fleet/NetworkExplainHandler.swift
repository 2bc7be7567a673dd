public import KubeObject
public import KubeRegistry
public import KubeStore
import Synchronization

/// Answers `virtualclusters/NAME/network`: whether a connection from or to the cluster's pods gets through, and what decides it. Whoever may ask
/// about a cluster learns of this one only: of others just that they can't be reached.
///
/// Concurrency: any task may call any function.
public final class NetworkExplainHandler: SubresourceHandler {
    /// Answers a `NetworkExplanation` in a cluster; gives the fields that the server sets.
    ///
    /// - Throws: a `StatusError` when the question can't be answered.
    public typealias Explain = @Sendable (_ question: JSON, _ name: String, _ cluster: LogicalCluster) async throws -> JSONObject

    private let store: Store
    private let explain = Mutex<Explain?>(nil)

    /// - Parameter store: where the clusters are.
    public init(store: Store) { self.store = store }

    /// Says who knows the network. Until then, and where no pods run, nobody does.
    public func attach(_ explain: @escaping Explain) { self.explain.withLock { $0 = explain } }

    /// What a question that can't be one is answered.
    public static func refusal(_ name: String, field: String, value: JSON?, _ message: String) -> StatusError {
        .invalid(GroupKind(group: Platform.group, kind: "NetworkExplanation"), name, [.invalid(field, value ?? .null, message)])
    }

    public func create(
        _ body: JSON, namespace: String, name: String, _ options: CreateOptions, _ context: RequestContext
    ) async throws(StatusError) -> WriteResult {
        let object = try ClusterExplainHandler.cluster(namespace, name, context)
        guard let explain = explain.withLock({ $0 }) else {
            throw .serviceUnavailable("this server runs no pods, so there is no network to explain")
        }
        var answer: JSON = ["apiVersion": .string(Platform.version.apiVersion), "kind": "NetworkExplanation"]
        for field in ["from", "to", "port", "protocol"] { answer[field] = body[field] }
        do {
            guard let cluster = try await store.cluster(SleepKeeper.logical(object.metadata)) else {
                throw StatusError.serviceUnavailable("the cluster \(name) isn't there yet; try again in a moment")
            }
            for (field, value) in try await explain(body, name, cluster) { answer[field] = value }
        } catch let error as StatusError {
            throw error
        } catch {
            throw .internalError("explaining the network of \(name): \(error)")
        }
        return WriteResult(.document(answer), code: 201)
    }
}
