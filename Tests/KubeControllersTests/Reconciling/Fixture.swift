import Foundation
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore
import Logging
import Synchronization

@testable import KubeControllers

/// A store, a registry and a cluster, in which controllers run over a stand-in for the part that runs pods.
final class Fixture: Sendable {
    let store: Store
    let registry: Registry
    let cluster: LogicalCluster
    let kubelet: PretendKubelet
    private let directory: String
    private let metrics: (any MetricsSource)?
    private let metricsAPI: (any MetricsAPI)?
    private let volumes: (any VolumeSource)?

    private init(
        store: Store, registry: Registry, cluster: LogicalCluster, kubelet: PretendKubelet, directory: String,
        metrics: (any MetricsSource)?, metricsAPI: (any MetricsAPI)?, volumes: (any VolumeSource)?
    ) {
        self.store = store
        self.registry = registry
        self.cluster = cluster
        self.kubelet = kubelet
        self.directory = directory
        self.metrics = metrics
        self.metricsAPI = metricsAPI
        self.volumes = volumes
    }

    static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .warning
        return logger
    }()

    /// Makes everything, runs the controllers while `body` does, and cleans up.
    static func run(
        controllers: Bool = true, metrics: (any MetricsSource)? = nil, metricsAPI: (any MetricsAPI)? = nil,
        volumes: (any VolumeSource)? = nil,
        _ body: @escaping @Sendable (Fixture) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("controllers-tests-\(UUID().uuidString)")
            .path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = try Store.open(directory: directory, logger: logger)
        let registry = Registry(store: store)
        let cluster = try await registry.createCluster("demo", record: [:], certificateAuthority: "CA")
        let kubelet = PretendKubelet(registry)
        store.observe { [kubelet] batch in kubelet.inbox.put(batch) }
        let fixture = Fixture(
            store: store, registry: registry, cluster: cluster, kubelet: kubelet, directory: directory, metrics: metrics,
            metricsAPI: metricsAPI, volumes: volumes)
        do {
            if controllers { try await fixture.withControllers { _ in try await body(fixture) } } else { try await body(fixture) }
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    /// What extension API servers are to believe.
    static let trust: AuthenticationTrustReconciler.Desired = { _ in
        let members = [
            "client-ca-file", "requestheader-allowed-names", "requestheader-client-ca-file", "requestheader-extra-headers-prefix",
            "requestheader-group-headers", "requestheader-uid-headers", "requestheader-username-headers",
        ]
        return [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": ["name": "extension-apiserver-authentication", "namespace": "kube-system"],
            "data": .object(JSONObject(members.map { ($0, .string("the \($0)")) })),
        ]
    }

    /// Runs the controllers, as a new process would, while `body` does.
    func withControllers(
        serviceRanges: [String] = [ServiceRange.text], _ body: @escaping @Sendable (ControllerManager) async throws -> Void
    ) async throws {
        let manager = KubeControllers.standard(
            registry: registry, store: store,
            environment: .init(
                node: PretendNode(), volumes: volumes, metrics: metrics, metricsAPI: metricsAPI,
                rootAuthority: { _ in "CA" },
                authenticationTrust: Self.trust, serviceRanges: serviceRanges),
            logger: Self.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await manager.run() }
            group.addTask { [kubelet] in await kubelet.run() }
            do { try await body(manager) } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
        }
    }

    var context: RequestContext { RequestContext(cluster: cluster, user: .server) }

    @discardableResult
    func create(_ tree: JSON, _ resource: ResourceType, namespace: String = "default") async throws -> Object {
        let result = try await registry.create(tree, resource, namespace: namespace, CreateOptions(), context)
        guard let object = result.answer.object else { throw StatusError.internalError("no object") }
        return object
    }

    func change(
        _ resource: ResourceType, _ name: String, namespace: String = "default", subresource: String = "",
        _ change: (inout JSON) -> Void
    ) async throws {
        try await registry.mutate(resource, namespace: namespace, name: name, subresource: subresource, context) {
            tree throws(StatusError) in change(&tree)
        }
    }

    func delete(
        _ resource: ResourceType, _ name: String, namespace: String = "default", policy: PropagationPolicy? = nil
    ) async throws {
        try await registry.delete(resource, namespace: namespace, name: name, DeleteOptions(propagationPolicy: policy), context)
    }

    func get(_ resource: ResourceType, _ name: String, namespace: String = "default") -> Object? {
        cluster.snapshot.get(Key(resource, namespace: namespace, name: name))
    }

    func list(_ resource: ResourceType, namespace: String = "default") -> [Object] {
        cluster.snapshot.list(prefix: Key.prefix(resource, namespace: namespace))
    }

    func deployment(_ name: String = "web", replicas: Int64, image: String = "web:1") -> JSON {
        [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name), "labels": ["app": .string(name)]],
            "spec": [
                "replicas": .int(replicas), "selector": ["matchLabels": ["app": .string(name)]],
                "template": [
                    "metadata": ["labels": ["app": .string(name)]],
                    "spec": ["containers": [["name": "web", "image": .string(image), "ports": [["containerPort": 80]]]]],
                ],
            ],
        ]
    }

    /// Whether a deployment's rollout is over, as `kubectl rollout status` sees it.
    func isRolledOut(_ name: String = "web", replicas: Int64) -> Bool {
        guard let deployment = get(Resources.deployments, name), let status = deployment.tree["status"] else { return false }
        return status["observedGeneration"]?.int == deployment.metadata.generation
            && status["updatedReplicas"]?.int ?? 0 == replicas
            && status["replicas"]?.int ?? 0 == replicas && status["availableReplicas"]?.int ?? 0 == replicas
    }
}

/// The node of tests.
struct PretendNode: NodeSource {
    let nodes = MachineNodes(first: "node-1")

    func node(_ name: String) -> JSON {
        [
            "apiVersion": "v1", "kind": "Node",
            "metadata": ["name": .string(name), "labels": ["kubernetes.io/hostname": .string(name)]],
            "status": [
                "capacity": ["cpu": "8", "memory": "16Gi", "pods": "1000"],
                "allocatable": ["cpu": "8", "memory": "16Gi", "pods": "1000"],
                "conditions": [["type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready"]],
            ],
        ]
    }
}

/// Makes bound pods ready at once, or ended where they say so, and lets deleted ones go.
final class PretendKubelet: Sendable {
    let inbox = CommitInbox()
    private let registry: Registry
    private let lowest = Mutex<[String: Int]>([:])

    init(_ registry: Registry) { self.registry = registry }

    func run() async {
        while true {
            let batches = await inbox.take()
            if batches.isEmpty { return }
            for batch in batches {
                for event in batch.events where event.object.kind == "Pod" && event.type != .deleted {
                    await handle(event.object, in: batch.cluster)
                }
            }
        }
    }

    private func handle(_ pod: Object, in cluster: LogicalCluster) async {
        let context = RequestContext.node("node-1", in: cluster)
        let metadata = pod.metadata
        if metadata.deletionTimestamp != nil {
            if metadata.finalizers.isEmpty {
                _ = try? await registry.delete(
                    Resources.pods, namespace: metadata.namespace, name: metadata.name, DeleteOptions(gracePeriodSeconds: 0),
                    context)
            }
            return
        }
        guard pod.tree[path: "spec", "nodeName"]?.string != nil, pod.tree[path: "status", "phase"]?.string == "Pending" else {
            return
        }
        let end = pod.tree[path: "metadata", "annotations", "test/ends"]?.string
        let time = Timestamp.now()
        _ = try? await registry.mutate(
            Resources.pods, namespace: metadata.namespace, name: metadata.name, subresource: "status", context
        ) { tree throws(StatusError) in
            tree[path: "status", "phase"] = .string(end ?? "Running")
            tree[path: "status", "podIP"] = .string("10.244.0.\(metadata.uid.utf8.reduce(0) { ($0 * 31 + Int($1)) % 250 } + 1)")
            tree[path: "status", "startTime"] = .string(time)
            var conditions = tree[path: "status", "conditions"]?.elements ?? []
            conditions.append(
                ["type": "Ready", "status": end == nil ? "True" : "False", "lastTransitionTime": .string(time)])
            tree[path: "status", "conditions"] = .array(conditions)
        }
    }
}
