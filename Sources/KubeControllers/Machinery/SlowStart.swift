/// Does the same thing many times in batches of 1, 2, 4, ... at once, so that what can't succeed (a quota is used up) is tried once and not
/// five hundred times.
enum SlowStart {
    /// - Throws: the first error; what its batch began is finished, further batches aren't begun.
    static func run(_ count: Int, limit: Int = 64, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        var done = 0
        var batch = 1
        while done < count {
            let size = min(batch, count - done)
            try await concurrently(done..<(done + size), limit: limit, body)
            done += size
            batch *= 2
        }
    }
}
