import Dispatch
import KubeObject
import Synchronization

/// One thing for the writer to do.
enum Job: Sendable {
    case commit(LogicalCluster, [Write], Reply<[Object?]>)
    case record(LogicalCluster, JSON, Reply<Void>)
    case create(NewCluster, Reply<LogicalCluster>)
    /// Gives an id to a cluster that will be created after its objects were written in pieces.
    case begin(Reply<Int64>)
    /// Some of what such a cluster will have.
    case piece(Int64, [EngineBatch.Row], Reply<Void>)
    /// It isn't created after all.
    case abandon(Int64, Reply<Void>)
    case delete(LogicalCluster, Reply<Void>)
    case retire(LogicalCluster, Reply<Void>)
    case revive(Revival, Reply<LogicalCluster>)
    case discard(Int64, Reply<Void>)
    /// Runs after everything queued before it is durable and published.
    case barrier(Reply<Void>)

    /// Answers the caller that nothing was done.
    func fail(_ error: StoreError) {
        switch self {
        case .commit(_, _, let reply): reply(.failure(error))
        case .record(_, _, let reply): reply(.failure(error))
        case .create(_, let reply): reply(.failure(error))
        case .begin(let reply): reply(.failure(error))
        case .piece(_, _, let reply): reply(.failure(error))
        case .abandon(_, let reply): reply(.failure(error))
        case .delete(_, let reply): reply(.failure(error))
        case .retire(_, let reply): reply(.failure(error))
        case .revive(_, let reply): reply(.failure(error))
        case .discard(_, let reply): reply(.failure(error))
        case .barrier(let reply): reply(.failure(error))
        }
    }

    var weight: Weight {
        switch self {
        case .commit(_, let writes, _): Weight(of: writes)
        case .create(let new, _):
            Weight(of: new.writes) + Weight(writes: 2, bytes: 0) + (new.rest?.weight ?? Weight(writes: 0, bytes: 0))
        case .piece(_, let rows, _): Weight(writes: rows.count, bytes: rows.reduce(0) { $0 + $1.bytes })
        case .revive(let revival, _): revival.restored.weight
        case .record, .begin, .abandon, .delete, .retire, .discard, .barrier: Weight(writes: 1, bytes: 0)
        }
    }
}

/// How much work jobs are.
struct Weight: Sendable {
    var writes = 0
    var bytes = 0

    init(writes: Int, bytes: Int) {
        self.writes = writes
        self.bytes = bytes
    }

    init(of writes: [Write]) {
        self.writes = max(writes.count, 1)
        for write in writes {
            if case .put(let draft) = write.kind { bytes += draft.byteCount }
        }
    }

    static func + (left: Weight, right: Weight) -> Weight {
        Weight(writes: left.writes + right.writes, bytes: left.bytes + right.bytes)
    }

    static func - (left: Weight, right: Weight) -> Weight {
        Weight(writes: left.writes - right.writes, bytes: left.bytes - right.bytes)
    }

    func fits(in limit: Weight) -> Bool { writes <= limit.writes && bytes <= limit.bytes }
}

/// A cluster to create.
struct NewCluster: Sendable {
    var name: String
    var uid: String
    var record: JSON
    var base: Base
    /// What it has instead of its base's objects.
    var restored: (objects: RestoredObjects, laid: LaidObjects)?
    /// Its id, when those were written before.
    var begun: Int64?
    var writes: [Write]

    /// What is still to be written of what it begins with.
    var rest: LaidObjects? { begun == nil ? restored?.laid : nil }
}

/// A retired cluster that comes back.
struct Revival: Sendable {
    var retired: RetiredCluster
    var name: String
    var uid: String
    var restored: RestoredObjects
}

/// The suspended caller of a job.
struct Reply<Value: Sendable>: Sendable {
    fileprivate let continuation: CheckedContinuation<Result<Value, StoreError>, Never>

    func callAsFunction(_ result: Result<Value, StoreError>) { continuation.resume(returning: result) }
}

/// The bounded queue in front of the writer.
///
/// Concurrency: anyone adds; the writer's thread alone takes, and sleeps in `take` on a semaphore of its own, so that no
/// thread of the cooperative pool ever waits here.
final class CommitQueue: Sendable {
    private struct State {
        var jobs: [(job: Job, weight: Weight)] = []
        var weight = Weight(writes: 0, bytes: 0)
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let limit: Weight

    /// - Parameter limit: how much may wait.
    init(limit: Weight) { self.limit = limit }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Queues a job and waits for its outcome.
    func run<Value: Sendable>(_ job: (Reply<Value>) -> Job) async throws(StoreError) -> Value {
        let result = await withCheckedContinuation { continuation in
            let job = job(Reply(continuation: continuation))
            if let error = add(job) { job.fail(error) }
        }
        return try result.get()
    }

    /// Queues a job, or says why not. A job is taken however big it is when nothing waits before it.
    func add(_ job: Job) -> StoreError? {
        let weight = job.weight
        let (error, wasEmpty) = state.withLock { state -> (StoreError?, Bool) in
            guard !state.isClosed else { return (.closed, false) }
            let wasEmpty = state.jobs.isEmpty
            guard wasEmpty || (state.weight + weight).fits(in: limit) else { return (.overloaded, false) }
            state.jobs.append((job, weight))
            state.weight = state.weight + weight
            return (nil, wasEmpty)
        }
        if wasEmpty { wakeUp.signal() }
        return error
    }

    /// Refuses new jobs; those already queued are still done.
    func close() {
        state.withLock { $0.isClosed = true }
        wakeUp.signal()
    }

    /// Takes the next jobs, up to a weight but at least one.
    ///
    /// - Parameter wait: sleep until there is one or the queue is closed.
    /// - Returns: nil when the queue is closed and empty; nothing when there is nothing to do and `wait` is false.
    func take(upTo limit: Weight, wait: Bool) -> [Job]? {
        enum Taking {
            case jobs([Job])
            case finished, nothing
        }
        while true {
            let taking = state.withLock { state -> Taking in
                guard !state.jobs.isEmpty else { return state.isClosed ? .finished : .nothing }
                var count = 0
                var taken = Weight(writes: 0, bytes: 0)
                while count < state.jobs.count, count == 0 || (taken + state.jobs[count].weight).fits(in: limit) {
                    taken = taken + state.jobs[count].weight
                    count += 1
                }
                state.weight = state.weight - taken
                let jobs = state.jobs[..<count].map(\.job)
                if count == state.jobs.count { state.jobs = [] } else { state.jobs.removeFirst(count) }
                return .jobs(jobs)
            }
            switch taking {
            case .jobs(let jobs): return jobs
            case .finished: return nil
            case .nothing: if !wait { return [] }
            }
            wakeUp.wait()
        }
    }
}
