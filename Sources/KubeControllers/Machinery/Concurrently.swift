/// Does something for each element, at most `limit` at a time, and throws the first error after all that were begun have ended.
///
/// After an error nothing new is begun.
func concurrently<Element: Sendable>(
    _ elements: some Collection<Element>, limit: Int = 32, _ body: @escaping @Sendable (Element) async throws -> Void
) async throws {
    if elements.count == 1, let only = elements.first { return try await body(only) }
    try await withThrowingTaskGroup(of: Void.self) { group in
        var firstError: (any Error)?
        var running = 0
        func join() async {
            do { try await group.next() } catch { firstError = firstError ?? error }
            running -= 1
        }
        for element in elements where firstError == nil {
            if running == limit { await join() }
            guard firstError == nil else { break }
            running += 1
            group.addTask { try await body(element) }
        }
        while running > 0 { await join() }
        if let firstError { throw firstError }
    }
}
