/// A request's turn: it may be worked on. Over with ``end()``, or when the last reference is gone.
public final class Turn: Sendable {
    /// The turn of the request that the task works on.
    @TaskLocal static var current: Turn?

    private let queue: FairQueue
    private let ticket: Ticket

    init(_ queue: FairQueue, _ ticket: Ticket) {
        self.queue = queue
        self.ticket = ticket
    }

    deinit { self.queue.end(self.ticket) }

    /// Lets others work until ``resume()``: what follows waits for somebody.
    func rest() { self.queue.rest(self.ticket) }

    /// Waits until it is the request's turn again.
    func resume() async { await self.queue.resume(self.ticket) }

    /// The request counts no more.
    func end() { self.queue.end(self.ticket) }

    /// Works on a request whose turn it is.
    static func take<Value: Sendable, Failure>(
        _ turn: Turn?, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        guard let turn else { return try await body() }
        return try await Turn.$current.withValue(turn) { () async -> Result<Value, Failure> in
            do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
        }.get()
    }

    /// Waits for somebody else without keeping others from working. Does just that where no request is being worked on.
    public static func resting<Value, Failure>(_ body: () async throws(Failure) -> Value) async throws(Failure) -> Value {
        guard let turn = Turn.current else { return try await body() }
        turn.rest()
        let result: Result<Value, Failure>
        do throws(Failure) { result = .success(try await body()) } catch { result = .failure(error) }
        await turn.resume()
        return try result.get()
    }
}
