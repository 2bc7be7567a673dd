import Synchronization

/// Chooses node ports for services that leave the choice to the server. Node ports are the machine's, shared by all clusters, and one that
/// another cluster's service has leads there; so the choice goes round the range, past those that are known to be held, and a port comes up
/// again as late as can be. (A service that asks for a port gets it all the same, and has it when the first one lets go.)
///
/// The first ports of the range are left to services that ask for one, as upstream does (KEP-3668).
///
/// Concurrency: any task may call any function.
public final class NodePortBook: Sendable {
    private struct State {
        var next: Int64
        var held: Set<Int64> = []
    }

    private static let range = ServiceRange.nodePorts
    private static let chosen = (range.lowerBound + 86)...range.upperBound
    private let state: Mutex<State>

    public convenience init() { self.init(first: .random(in: Self.chosen)) }

    init(first: Int64) { state = Mutex(State(next: first)) }

    /// Told by the network: a service on this machine has the port, or nobody has it any more.
    public func note(_ port: Int64, isHeld: Bool) {
        state.withLock { if isHeld { $0.held.insert(port) } else { $0.held.remove(port) } }
    }

    /// Whether a service on this machine is known to have the port.
    public func isHeld(_ port: Int64) -> Bool { state.withLock { $0.held.contains(port) } }

    /// A port that isn't taken in the service's own cluster; if it can be, one that nobody holds. Nil when all are taken.
    func choose(isTaken: (Int64) -> Bool) -> Int64? {
        state.withLock { state in
            let around = [state.next...Self.chosen.upperBound, Self.chosen.lowerBound...state.next, Self.range]
            let held = state.held
            let port =
                around.lazy.joined().first { !held.contains($0) && !isTaken($0) } ?? Self.range.first { !isTaken($0) }
            if let port, Self.chosen.contains(port) {
                state.next = port == Self.chosen.upperBound ? Self.chosen.lowerBound : port + 1
            }
            return port
        }
    }
}
