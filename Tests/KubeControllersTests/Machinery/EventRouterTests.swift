import KubeObject
import KubeRegistry
import Synchronization
import Testing

@testable import KubeControllers
@testable import KubeStore

/// What clusters share is gone through once, and work comes of it in each of them all the same.
@Suite struct EventRouterTests {
    /// Wants to work on one of the base's roles, and counts what it's asked about.
    private final class Picky: Reconciler {
        let asked = Mutex<[String]>([])
        let watched = [Key.prefix(group: "rbac.authorization.k8s.io", plural: "clusterroles")]
        let name = "picky"

        func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
            asked.withLock { $0.append(event.key.name) }
            return event.key.name == "view" ? [ObjectName(name: "view")] : []
        }

        func reconcile(_ work: Work) async throws -> Outcome { .done }
    }

    @Test func everyNewClusterGetsTheWorkOfItsBaseAndOnlyTheFirstIsAskedAboutAllOfIt() async throws {
        try await Fixture.run(controllers: false) { fixture in
            let picky = Picky()
            let queue = WorkQueue(name: "test", timer: DelayTimer(clock: ManualClock().controllerClock))
            let router = EventRouter([.init(reconciler: picky, queue: queue)])
            let other = try await fixture.registry.createCluster("other", record: [:], certificateAuthority: "CA")

            router.route(CommitBatch(cluster: fixture.cluster, lifecycle: .created, events: []))
            let all = picky.asked.withLock { $0.count }
            #expect(all > 50)
            #expect(queue.count == 1)

            router.route(CommitBatch(cluster: other, lifecycle: .created, events: []))
            #expect(picky.asked.withLock { Array($0[all...]) } == ["view"])
            #expect(queue.count == 2)
            let keys = [await queue.next(), await queue.next()]
            #expect(Set(keys.compactMap { $0?.cluster.name }) == ["demo", "other"])
            #expect(keys.allSatisfy { $0?.name == "view" })
        }
    }
}
