import Foundation
import KubeAPI
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore
import Logging
import Testing

@testable import Fleet

@Suite struct QuotaKeeperTests {
    /// A platform without containers and controllers.
    private struct Fixture {
        let registry: Registry
        let root: LogicalCluster
        let quotas: QuotaKeeper

        func put(_ tree: JSON, _ resource: GroupResource, namespace: String, name: String) async throws {
            var tree = tree
            tree[path: "metadata", "name"] = .string(name)
            if !namespace.isEmpty { tree[path: "metadata", "namespace"] = .string(namespace) }
            tree["apiVersion"] = "sampan.dev/v1alpha1"
            let key = Key(group: resource.group, plural: resource.resource, namespace: namespace, name: name)
            tree[path: "metadata", "uid"] = root.snapshot.get(key).map { .string($0.metadata.uid) } ?? .string(Identifiers.uid())
            _ = try await root.commit([.put(try Draft(tree), at: key)])
        }

        func team(_ name: String, _ quota: JSON) async throws {
            try await put(["kind": "Team", "spec": ["quota": quota]], Platform.teams, namespace: "", name: name)
        }

        func cluster(_ name: String, of team: String, limits: JSON = [:], isAwake: Bool = true) async throws -> LogicalCluster {
            var tree: JSON = ["kind": "VirtualCluster", "spec": ["limits": limits], "status": [:]]
            var status: JSON = [:]
            SleepState(isAwake: isAwake, since: 0, reason: "Requested", message: "").write(to: &status)
            tree["status"] = status
            try await put(tree, Platform.virtualClusters, namespace: team, name: name)
            let logical = ClusterName.logical(namespace: team, name: name)
            if let known = try await registry.store.cluster(logical) { return known }
            return try await registry.createCluster(logical, record: [:], certificateAuthority: "PEM")
        }

        @discardableResult
        func create(_ name: String, in cluster: LogicalCluster, memory: String = "64Mi", dryRun: Bool = false) async throws
            -> Object?
        {
            let pod: JSON = [
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)],
                "spec": [
                    "containers": [["name": "c", "image": "i", "resources": ["limits": ["memory": .string(memory)]]]]
                ],
            ]
            return try await registry.create(
                pod, try registry.resource("pods"), namespace: "default", CreateOptions(dryRun: dryRun), admin(cluster)
            ).answer.object
        }

        func delete(_ name: String, in cluster: LogicalCluster) async throws {
            _ = try await cluster.commit([.delete(Key(group: "", plural: "pods", namespace: "default", name: name))])
        }

        func admin(_ cluster: LogicalCluster) -> RequestContext {
            RequestContext(cluster: cluster, user: UserInfo(name: "admin", groups: ["system:masters"]))
        }

        /// What a create is refused with.
        func refusal(_ name: String, in cluster: LogicalCluster, memory: String = "64Mi") async throws -> String? {
            do {
                try await create(name, in: cluster, memory: memory)
                return nil
            } catch let error as StatusError where error.code == 403 {
                return error.message
            }
        }
    }

    private func withPlatform(_ body: (Fixture) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("quota-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let store = try Store.open(directory: directory, logger: logger)
        let platform = try Platform.schema()
        let quotas = try #require(QuotaKeeper(schema: platform, store: store, logger: logger))
        let registry = Registry(
            store: store, schemas: { $0.name == Platform.rootCluster ? platform : nil },
            admission: .builtin
                + VirtualClusterAdmission.chain(
                    Authorizer(), quotas: quotas, arrivals: ArchivedArrivals()) + QuotaAdmission.chain(quotas))
        let outcome: Result<Void, any Error>
        do {
            let root = try await registry.createCluster(Platform.rootCluster, record: [:], certificateAuthority: "PEM")
            quotas.attach(root, by: registry)
            outcome = .success(try await body(Fixture(registry: registry, root: root, quotas: quotas)))
        } catch {
            outcome = .failure(error)
        }
        await store.close()
        try outcome.get()
    }

    @Test func fiveHundredAtOnceInThreeClustersNeverExceedATeamsQuota() async throws {
        try await withPlatform { fixture in
            try await fixture.team("blue", ["memory": "640Mi"])
            var clusters: [LogicalCluster] = []
            for name in ["a", "b", "c"] { clusters.append(try await fixture.cluster(name, of: "blue")) }
            let all = clusters
            let made = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<500 {
                    group.addTask { try await fixture.refusal("p\(index)", in: all[index % 3]) == nil }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(made == 10)
            #expect(fixture.quotas.book.used(byTeam: "blue")?[.memory] == 640 << 20)
            let stored = all.reduce(0) { $0 + $1.snapshot.count(prefix: Key.prefix(group: "", plural: "pods", namespace: nil)) }
            #expect(stored == 10)
            // One goes, one fits, in whichever cluster.
            let (cluster, pod) = try #require(
                all.lazy.compactMap { cluster in
                    cluster.snapshot.list(prefix: Key.prefix(group: "", plural: "pods", namespace: nil)).first.map {
                        (cluster, $0)
                    }
                }.first)
            try await fixture.delete(pod.metadata.name, in: cluster)
            #expect(try await fixture.refusal("next", in: all[2]) == nil)
            let message = try await fixture.refusal("more", in: all[0])
            #expect(
                message?.hasPrefix(
                    "pods \"more\" is forbidden: exceeded quota: team blue, requested: memory=64Mi, used: memory=640Mi, limited: memory=640Mi; used by "
                ) == true, "\(message ?? "")")
        }
    }

    @Test func aClustersLimitHoldsWhateverItsOwnObjectsSay() async throws {
        try await withPlatform { fixture in
            let cluster = try await fixture.cluster("small", of: "default", limits: ["pods": 2, "storage": "1Gi"])
            try await fixture.create("a", in: cluster)
            // One that isn't stored takes no room: a dry run, and a name that is taken.
            try await fixture.create("dry", in: cluster, dryRun: true)
            await #expect(throws: StatusError.self) { try await fixture.create("a", in: cluster) }
            try await fixture.create("b", in: cluster)
            let message = try await fixture.refusal("c", in: cluster)
            #expect(
                message
                    == "pods \"c\" is forbidden: exceeded quota: cluster small, requested: pods=1, used: pods=2, limited: pods=2; delete pods that aren't needed in the cluster, or have spec.limits.pods of its VirtualCluster raised"
            )
            // Saying that a pod is over doesn't make room.
            await #expect(throws: StatusError.self) {
                try await fixture.registry.mutate(
                    try fixture.registry.resource("pods"), namespace: "default", name: "a", subresource: "status",
                    fixture.admin(cluster)
                ) { $0[path: "status", "phase"] = "Succeeded" }
            }
            let node = RequestContext.node("n", in: cluster)
            try await fixture.registry.mutate(
                try fixture.registry.resource("pods"), namespace: "default", name: "a", subresource: "status", node
            ) { $0[path: "status", "phase"] = "Succeeded" }
            #expect(try await fixture.refusal("c", in: cluster) == nil)

            func claim(_ name: String, _ storage: String) async throws -> Int {
                do {
                    _ = try await fixture.registry.create(
                        [
                            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": .string(name)],
                            "spec": [
                                "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": .string(storage)]],
                            ],
                        ], try fixture.registry.resource("persistentvolumeclaims"), namespace: "default", CreateOptions(),
                        fixture.admin(cluster))
                    return 201
                } catch {
                    return error.code
                }
            }
            #expect(try await claim("one", "800Mi") == 201)
            #expect(try await claim("two", "300Mi") == 403)
            #expect(try await claim("three", "224Mi") == 201)
        }
    }

    @Test func whatSleepsDoesntCountUntilItWakes() async throws {
        try await withPlatform { fixture in
            try await fixture.team("blue", ["pods": 2])
            let early = try await fixture.cluster("early", of: "blue")
            let late = try await fixture.cluster("late", of: "blue")
            try await fixture.create("a", in: early)
            try await fixture.create("b", in: early)
            #expect(try await fixture.refusal("c", in: late) != nil)
            _ = try await fixture.cluster("early", of: "blue", isAwake: false)
            #expect(fixture.quotas.book.used(byTeam: "blue")?[.pods] == 0)
            try await fixture.create("c", in: late)

            let clusters = try #require(try Platform.schema().resource(Platform.virtualClusters))
            func wake(_ name: String) async throws -> String? {
                do {
                    try await fixture.registry.mutate(
                        clusters, namespace: "blue", name: name, subresource: "status", fixture.admin(fixture.root)
                    ) { tree in
                        var status = tree["status"] ?? [:]
                        SleepState(isAwake: true, since: 0, reason: "Requested", message: "").write(to: &status)
                        tree["status"] = status
                    }
                    return nil
                } catch  where error.code == 403 {
                    return error.message
                }
            }
            let message = try await wake("early")
            #expect(
                message?.contains("exceeded quota: team blue, requested: pods=2, used: pods=1, limited: pods=2; used by late 1;")
                    == true,
                "\(message ?? "")")
            try await fixture.delete("c", in: late)
            #expect(try await wake("early") == nil)
            #expect(fixture.quotas.book.used(byTeam: "blue")?[.pods] == 2)
            #expect(try await fixture.refusal("c", in: late) != nil)
        }
    }

    @Test func whatStillRunsInAClusterThatFellAsleepCounts() async throws {
        try await withPlatform { fixture in
            try await fixture.team("blue", ["pods": 2, "memory": "512Mi"])
            let early = try await fixture.cluster("early", of: "blue")
            let late = try await fixture.cluster("late", of: "blue")
            try await fixture.create("a", in: early)
            try await fixture.create("b", in: early)
            func set(_ state: JSON, of pod: String) async throws {
                let key = Key(group: "core", plural: "pods", namespace: "default", name: pod)
                var tree = try #require(early.snapshot.get(key)).tree
                tree["status"] = ["containerStatuses": [["name": "c", "state": state]]]
                _ = try await early.commit([.put(try Draft(tree), at: key)])
            }
            try await set(["running": [:]], of: "a")
            try await set(["waiting": [:]], of: "b")
            _ = try await fixture.cluster("early", of: "blue", isAwake: false)
            #expect(fixture.quotas.book.used(byTeam: "blue")?[.pods] == 1)
            #expect(fixture.quotas.book.used(byTeam: "blue")?[.memory] == 64 << 20)
            try await fixture.create("c", in: late)
            #expect(try await fixture.refusal("d", in: late) != nil)
            try await set(["waiting": [:]], of: "a")
            #expect(fixture.quotas.book.used(byTeam: "blue")?[.pods] == 1)
            try await fixture.create("d", in: late)
        }
    }

    @Test func quotasThatComeLaterCountWhatIsThere() async throws {
        try await withPlatform { fixture in
            try await fixture.team("blue", [:])
            let cluster = try await fixture.cluster("demo", of: "blue")
            for index in 0..<3 { try await fixture.create("p\(index)", in: cluster) }
            #expect(fixture.quotas.book.used(by: "blue--demo") == nil)
            try await fixture.team("blue", ["pods": 4])
            try await fixture.create("fourth", in: cluster)
            #expect(try await fixture.refusal("fifth", in: cluster) != nil)
            // A cluster that is made later is known from its beginning, and one that goes gives back what it had.
            let other = try await fixture.cluster("other", of: "blue")
            #expect(try await fixture.refusal("first", in: other) != nil)
            try await fixture.registry.store.deleteCluster("blue--demo")
            #expect(try await fixture.refusal("first", in: other) == nil)
            #expect(fixture.quotas.book.used(byTeam: "blue")?[.pods] == 1)
            await fixture.quotas.writeStatuses()
            #expect(fixture.root.snapshot.get(Team.key("blue"))?.tree[path: "status", "used", "pods"] == 1)
            try await fixture.team("blue", [:])
            await fixture.quotas.writeStatuses()
            #expect(fixture.root.snapshot.get(Team.key("blue"))?.tree[path: "status", "used"] == nil)
        }
    }
}
