import Dispatch
import KubeObject
import Synchronization

/// One thing for the writer to do.
enum Job: Sendable {
    case commit(LogicalCluster, [Write], Reply<[Object?]>)
    case record(LogicalCluster, JSON, Reply<Void>)
    case create(NewCluster, Reply<LogicalCluster>)
    case delete(LogicalCluster, Reply<Void>)
    /// Runs after everything queued before it is durable and published.
    case barrier(Reply<Void>)
    /// Copies most of the write-ahead log's rest into the database file.
    case checkpoint

    /// Answers the caller that nothing was done.
    func fail(_ error: StoreError) {
        switch self {
        case .commit(_, _, let reply): reply(.failure(error))
        case .record(_, _, let reply): reply(.failure(error))
        case .create(_, let reply): reply(.failure(error))
        case .delete(_, let reply): reply(.failure(error))
        case .barrier(let reply): reply(.failure(error))
        case .checkpoint: break
        }
    }

    /// How many writes the job counts as.
    var weight: Int {
        switch self {
        case .commit(_, let writes, _): max(writes.count, 1)
        case .create(let new, _): new.writes.count + 2
        case .record, .delete, .barrier, .checkpoint: 1
        }
    }
}

/// A cluster to create.
struct NewCluster: Sendable {
    var name: String
    var uid: String
    var record: JSON
    var base: Base
    var writes: [Write]
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
        var jobs: [Job] = []
        var weight = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let limit: Int

    /// - Parameter limit: how many writes may wait.
    init(limit: Int) { self.limit = limit }

    /// Queues a job and waits for its outcome.
    func run<Value: Sendable>(weight: Int, _ job: (Reply<Value>) -> Job) async throws(StoreError) -> Value {
        let result = await withCheckedContinuation { continuation in
            let job = job(Reply(continuation: continuation))
            if let error = add(job) { job.fail(error) }
        }
        return try result.get()
    }

    /// Queues a job, or says why not. A job is taken however big it is when nothing waits before it.
    func add(_ job: Job) -> StoreError? {
        let (error, wasEmpty) = state.withLock { state -> (StoreError?, Bool) in
            guard !state.isClosed else { return (.closed, false) }
            let weight = job.weight
            guard state.jobs.isEmpty || state.weight + weight <= limit else { return (.overloaded, false) }
            let wasEmpty = state.jobs.isEmpty
            state.jobs.append(job)
            state.weight += weight
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
    func take(upTo weight: Int, wait: Bool) -> [Job]? {
        while true {
            let taken = state.withLock { state -> [Job]?? in
                guard !state.jobs.isEmpty else { return state.isClosed ? .some(nil) : nil }
                var count = 0
                var taken = 0
                while count < state.jobs.count, count == 0 || taken + state.jobs[count].weight <= weight {
                    taken += state.jobs[count].weight
                    count += 1
                }
                state.weight -= taken
                if count == state.jobs.count {
                    defer { state.jobs = [] }
                    return .some(state.jobs)
                }
                defer { state.jobs.removeFirst(count) }
                return .some(Array(state.jobs[..<count]))
            }
            if let taken { return taken }
            guard wait else { return [] }
            wakeUp.wait()
        }
    }
}
