extension LogicalCluster {
    /// Waits until something is true of the cluster, for a bounded time.
    ///
    /// - Parameters:
    ///   - prefix: of the keys whose changes may make it true. It is looked at after each.
    ///   - end: when to give up.
    /// - Returns: whether it was true in the end; also when the task is cancelled, or the cluster deleted, before.
    public func wait(
        forChangesOf prefix: String, end: ContinuousClock.Instant, until isTrue: @escaping @Sendable () -> Bool
    ) async -> Bool {
        if isTrue() { return true }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    let watch = try self.watch(prefix: prefix)
                    if isTrue() { return true }
                    while try await watch.next() != nil { if isTrue() { return true } }
                } catch {
                    // The cluster is gone, or changes faster than it is followed: the clock decides.
                    try? await Task.sleep(until: end)
                }
                return isTrue()
            }
            group.addTask {
                try? await Task.sleep(until: end)
                return isTrue()
            }
            let result = await group.next() ?? false
            group.cancelAll()
            return result
        }
    }
}
