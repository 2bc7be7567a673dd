import Foundation
import KubeObject
import Logging
import Synchronization

/// The one who changes things: takes what is queued, makes it durable in one transaction, publishes it, answers.
///
/// Concurrency: everything runs on one thread of its own, which alone may block on the disk. Order of a batch: checked and
/// staged; durable; visible in snapshots; offered to watchers; told to observers; answered to callers. When making it
/// durable fails, all callers of the batch get the error and nothing else happens.
final class Writer: Sendable {
    private let engine: any StoreEngine
    private let queue: CommitQueue
    private let directory: ClusterDirectory
    private let catalog: BaseCatalog
    private let options: StoreOptions
    private let logger: Logger
    private let observers = Mutex<[@Sendable (CommitBatch) -> Void]>([])

    init(
        engine: any StoreEngine, queue: CommitQueue, directory: ClusterDirectory, catalog: BaseCatalog,
        options: StoreOptions, logger: Logger
    ) {
        self.engine = engine
        self.queue = queue
        self.directory = directory
        self.catalog = catalog
        self.options = options
        self.logger = logger
    }

    func observe(_ observer: @escaping @Sendable (CommitBatch) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    /// Starts the thread, which ends when the queue is closed and empty; then `finished` is called.
    func start(nextCluster: Int64, hasGarbage: Bool, finished: @escaping @Sendable () -> Void) {
        let thread = Thread { [self] in
            run(nextCluster: nextCluster, hasGarbage: hasGarbage)
            finished()
        }
        thread.name = "store-writer"
        thread.stackSize = 2 << 20
        thread.start()
    }

    private func run(nextCluster: Int64, hasGarbage: Bool) {
        var nextCluster = nextCluster
        var coming: Set<Int64> = []
        var hasGarbage = hasGarbage
        var batchesSincePurge = 0
        let limit = Weight(writes: options.batchWrites, bytes: options.batchBytes)
        while let jobs = queue.take(upTo: limit, wait: !hasGarbage) {
            if !jobs.isEmpty {
                let deleted = perform(jobs, &nextCluster, &coming)
                hasGarbage = hasGarbage || deleted
                batchesSincePurge += 1
            }
            // Rows of deleted clusters go when there is nothing else to do, and slowly when there always is.
            if hasGarbage, jobs.isEmpty || batchesSincePurge >= 16 {
                hasGarbage = purge(limit: jobs.isEmpty ? 1_000 : 200, sparing: coming)
                batchesSincePurge = 0
            }
        }
    }

    private func purge(limit: Int, sparing coming: Set<Int64>) -> Bool {
        do {
            return try engine.purge(limit: limit, sparing: coming)
        } catch {
            // The rows are found again after the next deletion or at the next start.
            logger.warning("removing the rows of deleted clusters failed", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Does a batch of jobs; returns whether there are rows to purge after it.
    ///
    /// - Parameter coming: clusters that are being written in pieces.
    private func perform(_ jobs: [Job], _ nextCluster: inout Int64, _ coming: inout Set<Int64>) -> Bool {
        var stage = Stage(
            nextCluster: nextCluster, coming: coming, directory: directory, catalog: catalog, queue: queue, options: options)
        var answers: [(StoreError?) -> Void] = []
        answers.reserveCapacity(jobs.count)
        for job in jobs { answers.append(stage.perform(job)) }

        var failure: StoreError?
        let batch = stage.batch
        if !batch.isEmpty {
            do { try engine.commit(batch) } catch { failure = error }
        }
        if let failure {
            logger.error(
                "a commit failed, and nothing of it was written",
                metadata: ["error": "\(failure)", "writes": "\(batch.rows.count)"])
        } else {
            nextCluster = stage.nextCluster
            coming.formUnion(stage.begun)
            coming.subtract(stage.arrived)
            publish(stage)
        }
        // Nobody goes on with them, whether that could be written or not.
        coming.subtract(stage.abandoned)
        for answer in answers { answer(failure) }
        if engine.needsCheckpoint { checkpoint() }
        return !stage.abandoned.isEmpty || failure == nil && !(stage.deleted.isEmpty && stage.discarded.isEmpty)
    }

    private func checkpoint() {
        do {
            try engine.checkpoint()
        } catch {
            logger.warning("a checkpoint failed; the log goes on growing", metadata: ["error": "\(error)"])
        }
    }

    private func publish(_ stage: Stage) {
        for (id, base) in stage.bases { catalog.add(base, id: id) }
        let observers = observers.withLock { $0 }
        var batches: [CommitBatch] = []
        for id in stage.order {
            guard let staged = stage.clusters[id] else { continue }
            let cluster = staged.cluster
            if let record = staged.record { cluster.publish(record: record) }
            guard staged.isCreated || !staged.events.isEmpty else { continue }
            cluster.publish(
                map: staged.map, revision: staged.revision, events: staged.past + staged.events, ownBytes: staged.ownBytes)
            // Last, so that whoever finds a new cluster finds all of it.
            if staged.isCreated, !staged.isDeleted { directory.insert(cluster) }
            batches.append(
                CommitBatch(
                    cluster: cluster, lifecycle: staged.isCreated ? .created : .unchanged,
                    events: staged.restored + staged.events))
        }
        for id in stage.discarded { directory.discard(id) }
        for id in stage.deleted + stage.retired {
            directory.remove(id, isRetired: stage.retired.contains(id))
            guard let cluster = stage.clusters[id]?.cluster else { continue }
            cluster.markDeleted()
            cluster.endWatches(.clusterDeleted)
            batches.append(CommitBatch(cluster: cluster, lifecycle: .deleted, events: []))
        }
        guard !observers.isEmpty else { return }
        for batch in batches {
            for observer in observers { observer(batch) }
        }
    }
}

extension Stage {
    /// Stages a job and returns how to answer it once it is known whether the batch is durable. A refusal isn't answered
    /// before that either: it may rest on a change of the same batch.
    fileprivate mutating func perform(_ job: Job) -> (StoreError?) -> Void {
        switch job {
        case .commit(let cluster, let writes, let reply):
            return answer(reply) { (stage) throws(StoreError) in try stage.commit(cluster, writes) }
        case .record(let cluster, let record, let reply):
            return answer(reply) { (stage) throws(StoreError) in try stage.setRecord(cluster, record) }
        case .create(let new, let reply):
            return answer(reply) { (stage) throws(StoreError) in try stage.create(new) }
        case .begin(let reply):
            return answer(reply) { (stage) throws(StoreError) in stage.begin() }
        case .piece(let id, let rows, let reply):
            return answer(reply) { (stage) throws(StoreError) in try stage.add(rows, of: id) }
        case .abandon(let id, let reply):
            return answer(reply) { (stage) throws(StoreError) in stage.abandon(id) }
        case .delete(let cluster, let reply):
            return answer(reply) { (stage) throws(StoreError) in try stage.delete(cluster) }
        case .retire(let cluster, let reply):
            return answer(reply) { (stage) throws(StoreError) in try stage.retire(cluster) }
        case .revive(let revival, let reply):
            return answer(reply) { (stage) throws(StoreError) in try stage.revive(revival) }
        case .discard(let id, let reply):
            return answer(reply) { (stage) throws(StoreError) in try stage.discard(id) }
        case .barrier(let reply):
            return answer(reply) { (_) throws(StoreError) in }
        }
    }

    private mutating func answer<Value>(
        _ reply: Reply<Value>, _ work: (inout Stage) throws(StoreError) -> Value
    ) -> (StoreError?) -> Void {
        let result: Result<Value, StoreError>
        do { result = .success(try work(&self)) } catch { result = .failure(error) }
        return { failure in reply(failure.map { .failure($0) } ?? result) }
    }
}
