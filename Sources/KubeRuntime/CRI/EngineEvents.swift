internal import GRPCCore
import Logging
internal import SwiftProtobuf

/// containerd's events, of which we want one: a container's process has ended. They come within milliseconds, and cost nothing
/// while nothing happens.
struct EngineEvents: Sendable {
    let services: PodServices

    /// Listens until cancelled; listens again when the stream breaks.
    func run() async throws {
        let request = ContainerdSubscribeRequest.with { $0.filters = ["topic==\"/tasks/exit\",namespace==k8s.io"] }
        while true {
            do {
                try await services.client.events.subscribe(request, options: .unlimited) { response in
                    for try await envelope in response.messages { handle(envelope) }
                }
            } catch {
                try Task.checkCancellation()
                services.logger.debug("containerd's events ended: listening again", metadata: ["error": "\(error)"])
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func handle(_ envelope: ContainerdEnvelope) {
        // The type's name in the envelope has no host before it, so it's decoded by its topic.
        guard let exit = try? ContainerdTaskExit(serializedBytes: envelope.event.value) else { return }
        // An exec's end names the exec; the container's own process has the container's ID.
        guard exit.id == exit.containerID || exit.id.isEmpty else { return }
        services.owners.owner(of: exit.containerID)?.post(.exited(id: exit.containerID))
    }
}
