import KubeClient
import KubeObject

/// Deployments and their pods in one namespace of one cluster.
struct BenchWorkloads: Sendable {
    let client: KubeClient
    let namespace: String

    private static let namespaces = GroupVersionResource(group: "", version: "v1", resource: "namespaces")
    private static let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")
    private static let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")

    /// Another namespace of the cluster.
    func `in`(_ name: String) -> BenchWorkloads { BenchWorkloads(client: client, namespace: name) }

    func make() async throws {
        let object: JSON = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]]
        _ = try await client.create(object, at: ResourcePath(Self.namespaces))
        // Pods are refused until their service account is there.
        let account = ResourcePath(
            GroupVersionResource(group: "", version: "v1", resource: "serviceaccounts"), namespace: namespace, name: "default")
        while try await isMissing(account) { try await Task.sleep(for: .milliseconds(20)) }
    }

    /// Deletes the namespace, and returns when it is gone.
    func end() async throws {
        let path = ResourcePath(Self.namespaces, name: namespace)
        try await client.delete(path)
        while try await !isMissing(path) { try await Task.sleep(for: .milliseconds(20)) }
    }

    /// So many config maps.
    func fill(_ count: Int) async throws {
        let objects = BenchObjects(client: client, namespace: namespace)
        _ = try await Measurement.take("", count: count, concurrency: 16) { try await objects.create("fill-\($0)") }
    }

    func create(_ name: String, replicas: Int) async throws {
        let labels: JSON = ["app": .string(name)]
        _ = try await client.create(
            [
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name)],
                "spec": [
                    "replicas": .int(Int64(replicas)), "selector": ["matchLabels": labels],
                    "template": [
                        "metadata": ["labels": labels],
                        "spec": ["containers": [["name": "main", "image": "sampan.dev/sample/web:1"]]],
                    ],
                ],
            ], at: ResourcePath(Self.deployments, namespace: namespace))
    }

    func delete(_ name: String) async throws {
        try await client.delete(ResourcePath(Self.deployments, namespace: namespace, name: name), propagation: "Background")
    }

    /// The revision from which a watch of the pods tells of what happens from now on.
    func revision() async throws -> String {
        let list = try await client.list(ResourcePath(Self.pods, namespace: namespace))
        guard let revision = list["metadata"]?["resourceVersion"]?.string else {
            throw CommandFailure("The list of pods has no resourceVersion.")
        }
        return revision
    }

    /// Waits until so many pods have been created, or deleted, since a revision.
    func until(_ kind: WatchEvent.Kind, _ count: Int, since revision: String) async throws {
        var left = count
        for try await event in try await client.watch(
            ResourcePath(Self.pods, namespace: namespace), resourceVersion: revision, bookmarks: false)
        where event.kind == kind {
            left -= 1
            if left == 0 { return }
        }
        throw CommandFailure("A watch of pods ended before \(left) of \(count) had come.")
    }

    private func isMissing(_ path: ResourcePath) async throws -> Bool {
        do {
            _ = try await client.get(path)
            return false
        } catch let error as StatusError where error.code == 404 {
            return true
        }
    }
}
