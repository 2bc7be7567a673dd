import Synchronization

/// What the keeper of the rules is asked to do, in the order in which it was asked.
enum RuleOrder: Sendable {
    typealias Waiter = CheckedContinuation<Void, any Error>

    case attach(IPv4Address, NetworkModel.Pod, Waiter)
    case detach(IPv4Address, uid: String, Waiter)
    case changes(cluster: Int64, [ServiceChange])
    case policies(cluster: Int64, [PolicyChange])
    /// Look whether the table is still there, and try again what failed.
    case check

    var waiter: Waiter? {
        switch self {
        case .attach(_, _, let waiter), .detach(_, _, let waiter): waiter
        case .changes, .policies, .check: nil
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
        if isTaken { bell.yield() } else { order.waiter?.resume(throwing: NetworkStopped()) }
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
        for order in left { order.waiter?.resume(throwing: NetworkStopped()) }
    }
}

/// The pod network isn't running any more.
struct NetworkStopped: Error, CustomStringConvertible {
    var description: String { "the pod network is shutting down" }
}
