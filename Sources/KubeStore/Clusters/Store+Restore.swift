import Logging

// Clusters that begin with what others had.
extension Store {
    /// How long pieces wait for room in the queue, together, before the cluster is given up.
    private static let patience: Duration = .seconds(30)
    private static let pause: Duration = .milliseconds(20)

    /// Makes a cluster of what was laid over its base: in one transaction if that is little, otherwise in pieces, between which others write.
    ///
    /// What the pieces wrote is nobody's until the last transaction makes it the cluster's: for the engine they are the rows of a cluster that is
    /// gone, and go as those do, at the next start too, unless the cluster comes.
    func create(_ new: NewCluster, _ laid: LaidObjects) async throws(StoreError) -> LogicalCluster {
        let piece = Weight(writes: options.pieceWrites, bytes: options.pieceBytes)
        guard !laid.weight.fits(in: piece) else { return try await queue.run { .create(new, $0) } }
        guard directory.id(of: new.name) == nil else { throw .clusterExists }
        let id = try await queue.run { .begin($0) }
        do throws(StoreError) {
            for rows in laid.pieces(of: piece, for: id) { try await write(rows, of: id) }
            var new = new
            new.begun = id
            return try await queue.run { [new] in .create(new, $0) }
        } catch {
            await abandon(id)
            throw error
        }
    }

    /// Writes a piece when there is room for it.
    private func write(_ rows: [EngineBatch.Row], of id: Int64) async throws(StoreError) {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            do throws(StoreError) { return try await queue.run { .piece(id, rows, $0) } } catch {
                guard case .overloaded = error, ContinuousClock.now < deadline else { throw error }
                do { try await Task.sleep(for: Self.pause) } catch { throw .overloaded }
            }
        }
    }

    private func abandon(_ id: Int64) async {
        do { try await queue.run { .abandon(id, $0) } } catch {
            logger.warning("what was written of a cluster that isn't made goes later", metadata: ["error": "\(error)"])
        }
    }
}
