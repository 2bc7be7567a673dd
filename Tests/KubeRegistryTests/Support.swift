import Foundation
import KubeObject
import KubeSchema
import KubeStore
import Logging
import Testing

@testable import KubeRegistry

/// A registry over a store of its own with a fresh cluster, removed at the end.
///
/// - Parameter policy: what the platform lets the cluster have.
func withRegistry(policy: ClusterPolicy = ClusterPolicy(), isDualStack: Bool = false, _ body: (Fixture) async throws -> Void)
    async throws
{
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("registry-tests-\(UUID().uuidString)").path
    let store = try Store.open(directory: path, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let outcome: Result<Void, any Error>
    do {
        let registry = Registry(store: store, policies: { _ in policy }, isDualStack: isDualStack)
        let cluster = try await registry.createCluster("demo", record: [:], certificateAuthority: "PEM")
        outcome = .success(
            try await body(
                Fixture(
                    registry: registry, cluster: cluster,
                    admin: RequestContext(cluster: cluster, user: UserInfo(name: "admin", groups: ["system:masters"])))))
    } catch {
        outcome = .failure(error)
    }
    await store.close()
    try FileManager.default.removeItem(atPath: path)
    try outcome.get()
}

struct Fixture {
    let registry: Registry
    let cluster: LogicalCluster
    let admin: RequestContext

    func resource(_ plural: String, _ group: String = "") throws -> ResourceType {
        try registry.resource(plural, group: group)
    }

    @discardableResult
    func create(_ yaml: String, namespace: String = "default", _ options: CreateOptions = CreateOptions()) async throws -> JSON {
        let tree = try parse(yaml)
        let kind = GroupVersion(apiVersion: tree.text("apiVersion")).kind(tree.text("kind"))
        let resource = try #require(registry.schema.resource(forKind: kind))
        return try await registry.create(tree, resource, namespace: namespace, options, admin).answer.tree
    }

    func get(_ plural: String, _ name: String, group: String = "", namespace: String = "default") throws -> JSON {
        try registry.get(try resource(plural, group), namespace: namespace, name: name, admin).tree
    }
}

func parse(_ yaml: String) throws -> JSON { try #require(try YAML.parse(Array(yaml.utf8)).first) }

/// What a verb is refused with.
func refusal(_ body: () async throws -> some Any) async -> StatusError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? StatusError
    }
}

let nginx = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: web, image: "nginx:1.27"}]}
    """

func pod(_ name: String, extra: String = "") -> String {
    """
    apiVersion: v1
    kind: Pod
    metadata: {name: \(name), labels: {app: \(name)}}
    spec: {containers: [{name: main, image: busybox}]\(extra)}
    """
}
