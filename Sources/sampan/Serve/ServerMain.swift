/// Wires the rooms and runs them until told to stop.
enum ServerMain {
    /// Runs in the foreground until SIGTERM or SIGINT. Containers keep running; the next start adopts them.
    static func run(configuration: Configuration) async throws {
        throw CommandFailure("The server isn't wired yet.")
    }
}
