import KubeStore
import NIOCore
import Synchronization

/// What the keeper of the rules is asked to do, in the order in which it was asked.
enum RuleOrder: Sendable {
    typealias Waiter = CheckedContinuation<Void, any Error>

    case attach(IPAddress, NetworkModel.Pod, Waiter)
    case detach(IPAddress, uid: String, Waiter)
    case changes(cluster: Int64, [ServiceChange])
    case policies(cluster: Int64, [PolicyChange])
    /// DNS is about to answer a question of a cluster's pod for this name.
    case learn(cluster: Int64, DNSName, [IPAddress: UInt32], EventLoopPromise<Void>)
    /// What is said of where clusters' pods may go, and who may come, is to be read again.
    case allowlists
    /// A cluster has fallen asleep, or woken.
    case sleep(LogicalCluster, Waiter)
    case wake(cluster: Int64)
    /// Its time to wake is over.
    case settle(cluster: Int64)
    /// It was deleted.
    case forget(cluster: Int64)
    case findHolder(port: UInt16, AddressFamily, CheckedContinuation<(cluster: Int64, service: ServiceName)?, Never>)
    case findPods(cluster: Int64, CheckedContinuation<[IPAddress: Double], Never>)
    /// Say what becomes of a connection within a cluster, on a machine with these addresses.
    case explain(NetworkQuestion, LogicalCluster, machine: Set<IPAddress>, CheckedContinuation<NetworkAnswer?, Never>)
    /// Look whether the table is still there, and try again what failed.
    case check

    var waiter: Waiter? {
        switch self {
        case .attach(_, _, let waiter), .detach(_, _, let waiter), .sleep(_, let waiter): waiter
        case .changes, .policies, .learn, .allowlists, .check, .wake, .settle, .forget, .findHolder, .findPods, .explain:
            nil
        }
    }

    /// Somebody waits until the kernel knows it.
    var isUrgent: Bool { if case .learn = self { true } else { waiter != nil } }
}

extension RuleOrder {
    /// Nobody carries it out any more.
    fileprivate func refuse() {
        switch self {
        case .findHolder(_, _, let asker): asker.resume(returning: nil)
        case .findPods(_, let asker): asker.resume(returning: [:])
        case .learn(_, _, _, let asker): asker.fail(NetworkStopped())
        case .explain(_, _, _, let asker): asker.resume(returning: nil)
        default: waiter?.resume(throwing: NetworkStopped())
        }
    }
}

/// The keeper's inbox. Any thread may post; nothing waits.
final class RuleOrders: Sendable {
    let wakeups: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation
    private let state = Mutex<(orders: [RuleOrder], isClosed: Bool)>(([], false))

    init() {
        (wakeups, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func post(_ order: RuleOrder) {
        let isTaken = state.withLock { state in
            guard !state.isClosed else { return false }
            state.orders.append(order)
            return true
        }
        if isTaken { bell.yield() } else { order.refuse() }
    }

    func take() -> [RuleOrder] {
        state.withLock { state in
            defer { state.orders = [] }
            return state.orders
        }
    }

    /// Nothing is taken any more; who still waits is told so.
    func close() {
        let left = state.withLock { state in
            defer { state = ([], true) }
            return state.orders
        }
        for order in left { order.refuse() }
    }
}

/// The pod network isn't running any more.
struct NetworkStopped: Error, CustomStringConvertible {
    var description: String { "the pod network is shutting down" }
}
