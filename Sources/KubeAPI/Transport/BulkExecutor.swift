import Foundation
import Glibc
import Synchronization

/// Runs what goes through a great deal, such as the encoding of a long list, on threads of its own, which offer the processor to
/// others after each job, that is, whenever a task waits or yields. The kernel lets a busy thread run until its next tick, some
/// milliseconds away; a write has several threads wake one another, and would wait that long for each.
///
/// Concurrency: anyone enqueues; the threads, as many as processors, sleep on the semaphore and live as long as the process.
final class BulkExecutor: TaskExecutor {
    static let shared = BulkExecutor(threads: max(ProcessInfo.processInfo.activeProcessorCount, 1))

    private struct State {
        /// In reverse order, to take from; refilled from `added`.
        var next: [UnownedJob] = []
        var added: [UnownedJob] = []
    }

    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)

    private init(threads: Int) {
        for index in 0..<threads {
            let thread = Thread { self.run() }
            thread.name = "bulk-\(index)"
            thread.stackSize = 2 << 20
            thread.start()
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.state.withLock { $0.added.append(job) }
        self.wakeUp.signal()
    }

    private func run() {
        while true {
            self.wakeUp.wait()
            let job = self.state.withLock { state in
                if state.next.isEmpty {
                    state.next = state.added.reversed()
                    state.added.removeAll(keepingCapacity: true)
                }
                return state.next.popLast()
            }
            job?.runSynchronously(on: self.asUnownedTaskExecutor())
            sched_yield()
        }
    }
}
