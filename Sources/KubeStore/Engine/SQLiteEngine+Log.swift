import GRDB
import Synchronization

// The write-ahead log.
extension SQLiteEngine {
    /// A background checkpoint begins when about this much was appended.
    private static let checkpointBytes = 4 << 20
    /// When the log has more frames than this, the writer itself finishes the checkpoint, so that the log starts over:
    /// flushing what overwrites an old log takes half the time of flushing what makes it longer.
    private static let restartFrames = 2_048

    /// Begins a background checkpoint when enough was appended.
    func noteAppended(_ bytes: Int) {
        let begins = log.withLock { log in
            log.appended += bytes
            // Two checkpoints at once are refused by SQLite: the writer's comes first.
            let isFree = !log.isCheckpointing && !log.mustRestart && !log.isClosed
            guard log.appended >= SQLiteEngine.checkpointBytes, isFree else { return false }
            log.appended = 0
            log.isCheckpointing = true
            return true
        }
        guard begins else { return }
        checkpointer.asyncWriteWithoutTransaction { [self] db in
            let result = Result { try db.checkpoint(.passive) }
            log.withLock { log in
                log.isCheckpointing = false
                switch result {
                case .success(let (frames, _)): log.mustRestart = frames > SQLiteEngine.restartFrames
                // Nothing is lost, it is all in the log; the writer tries again, and tells of it.
                case .failure: log.mustRestart = true
                }
            }
        }
    }

    var needsCheckpoint: Bool { log.withLock { $0.mustRestart } }

    func checkpoint() throws(StoreError) {
        log.withLock { $0.mustRestart = false }
        do {
            // Most is already copied by the background checkpoints; after the rest, the log starts over.
            try writer.inDatabase { db in _ = try db.checkpoint(.passive) }
        } catch {
            throw StoreError(storage: error)
        }
    }
}
