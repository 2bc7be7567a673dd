import Glibc
import KubeClient
import KubeObject
import KubeRuntime
import Synchronization

/// What a contest takes of the machine: the server, its containerd, the pods, and the benchmark itself, which in life is on others' machines.
final class ContestUse: Sendable {
    private struct State {
        var began = ContinuousClock.now
        var server = 0.0
        var pods = 0.0
        var client = 0.0
        var machine = 0.0
        /// Each process' at the beginning, and what was last seen of it: shims come and go.
        var engineAtFirst: [Int32: Double] = [:]
        var engine: [Int32: Double] = [:]
        var peak = Memory()
        var podRange: ClosedRange<Int>?
    }

    private struct Memory {
        var server: Int64 = 0
        var engine: Int64 = 0
        var pods: Int64 = 0
    }

    private let server: ServerLoad
    private let engine: ContainerEngine
    private let state = Mutex(State())

    init(server: ServerLoad, engine: ContainerEngine) {
        (self.server, self.engine) = (server, engine)
    }

    /// Counts from now on.
    func begin() throws {
        let use = engine.use()
        let (server, machine) = (try server.processorMilliseconds(), try Self.machineMilliseconds())
        state.withLock {
            $0 = State(
                server: server, pods: use.podMilliseconds, client: Self.ownMilliseconds(), machine: machine,
                engineAtFirst: use.engineMilliseconds)
        }
    }

    /// Looks once a second until cancelled.
    func watch() async throws {
        while true {
            try look()
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func look() throws {
        let use = engine.use()
        let resident = try server.residentKilobytes()
        state.withLock { state in
            state.engine.merge(use.engineMilliseconds) { $1 }
            state.peak.server = max(state.peak.server, resident)
            state.peak.engine = max(state.peak.engine, use.engineKilobytes)
            state.peak.pods = max(state.peak.pods, use.podKilobytes)
            let seen = state.podRange
            state.podRange = min(seen?.lowerBound ?? use.pods, use.pods)...max(seen?.upperBound ?? use.pods, use.pods)
        }
    }

    /// Since `begin`, one object for each.
    func trees() throws -> [JSON] {
        try look()
        let (server, machine) = (try server.processorMilliseconds(), try Self.machineMilliseconds())
        let pods = engine.use().podMilliseconds
        return state.withLock { state in
            let seconds = (ContinuousClock.now - state.began).milliseconds / 1000
            let engine = state.engine.reduce(0) { $0 + $1.value - (state.engineAtFirst[$1.key] ?? 0) }
            func row(_ of: String, _ milliseconds: Double, _ kilobytes: Int64?) -> JSON {
                var row: JSON = [
                    "name": "use", "of": .string(of), "cores": .double(milliseconds / 1000 / seconds),
                    "seconds": .double(seconds),
                ]
                if let kilobytes { row["megabytes"] = .double(Double(kilobytes) / 1024) }
                return row
            }
            let running: JSON = [
                "name": "pods", "least": .int(Int64(state.podRange?.lowerBound ?? 0)),
                "most": .int(Int64(state.podRange?.upperBound ?? 0)),
            ]
            return [
                row("server", server - state.server, state.peak.server),
                row("containerd, its shims and runc", engine, state.peak.engine),
                row("pods", pods - state.pods, state.peak.pods),
                row("the benchmark and its kubectl", Self.ownMilliseconds() - state.client, nil),
                row("the whole machine", machine - state.machine, nil),
                running,
            ]
        }
    }

    private static func ownMilliseconds() -> Double {
        func milliseconds(_ time: timeval) -> Double { Double(time.tv_sec) * 1000 + Double(time.tv_usec) / 1000 }
        var sum = 0.0
        for who in [RUSAGE_SELF, RUSAGE_CHILDREN] {
            var usage = rusage()
            getrusage(__rusage_who_t(who.rawValue), &usage)
            sum += milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime)
        }
        return sum
    }

    /// Processor time that was not spent idle or waiting for disks, by anybody (proc(5), /proc/stat).
    private static func machineMilliseconds() throws -> Double {
        let text = String(decoding: try AtomicFile.read("/proc/stat") ?? [], as: UTF8.self)
        let fields = text.split(separator: "\n").first?.split(separator: " ") ?? []
        guard fields.count > 7 else { throw CommandFailure("/proc/stat isn't as it should be.") }
        // user, nice, system, then idle and iowait, then irq and softirq.
        return [1, 2, 3, 6, 7].reduce(0) { $0 + (Double(fields[$1]) ?? 0) } * 1000 / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
