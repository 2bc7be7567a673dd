/// What the engine has of a pod: its sandboxes and containers, as last read.
struct ObservedPod: Sendable, Equatable {
    /// Newest attempt first.
    var sandboxes: [ObservedSandbox] = []
    /// All attempts of all containers, newest first.
    var containers: [ObservedContainer] = []

    var sandbox: ObservedSandbox? { sandboxes.first }

    /// The newest attempt of a container in the newest sandbox.
    func current(_ name: String) -> ObservedContainer? {
        guard let sandbox else { return nil }
        return containers.first { $0.name == name && $0.sandboxID == sandbox.id }
    }

    /// The newest attempt in any sandbox.
    func newest(_ name: String) -> ObservedContainer? { containers.first { $0.name == name } }

    /// The attempt before the newest.
    func previous(_ name: String) -> ObservedContainer? { containers.filter { $0.name == name }.dropFirst().first }

    /// Those that may have a process.
    var alive: [ObservedContainer] { containers.filter { $0.state != .exited } }

    /// All that there is, by its ID, and whether it runs.
    var running: [String: Bool] {
        var running: [String: Bool] = [:]
        for container in containers { running[container.id] = container.state == .running }
        for sandbox in sandboxes { running[sandbox.id] = sandbox.isReady }
        return running
    }
}

struct ObservedSandbox: Sendable, Equatable {
    var id: String
    var attempt: UInt32
    var isReady: Bool
    /// Nanoseconds since 1970.
    var createdAt: Int64
    /// Empty on the host's network.
    var ips: [String] = []
}

struct ObservedContainer: Sendable, Equatable {
    enum State: Sendable { case created, running, exited, unknown }

    var id: String
    var sandboxID: String
    var name: String
    var attempt: UInt32
    var state: State
    /// Nanoseconds since 1970, 0 when it didn't happen.
    var createdAt: Int64 = 0
    var startedAt: Int64 = 0
    var finishedAt: Int64 = 0
    var exitCode: Int32 = 0
    var reason = ""
    var message = ""
    /// The image's name as the engine resolved it, and its digest or ID.
    var image = ""
    var imageRef = ""
    /// The image that the spec asked for when the container was made.
    var specImage = ""

    var finishedSeconds: Double { Double(finishedAt) / 1e9 }
}
