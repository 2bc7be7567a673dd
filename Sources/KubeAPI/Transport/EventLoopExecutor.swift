import NIOCore

/// Runs tasks on an event loop, beside its connections: what a connection's task does then needs no change of threads, neither when
/// something was read nor when something is written.
///
/// Only for what takes less than a millisecond and never blocks; the rest belongs on `globalConcurrentExecutor`.
final class EventLoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Runs a body where it holds up nobody's connections. Where it does so already, this costs nothing.
func offEventLoop<Result, Failure>(_ body: () async throws(Failure) -> Result) async throws(Failure) -> Result {
    try await withTaskExecutorPreference(globalConcurrentExecutor, operation: body)
}
