internal import GRPCCore
import Glibc
internal import SwiftProtobuf

extension EngineClient {
    /// Ends a sandbox with all its containers, and takes away what it leaves in /run. Gone already is fine. Throws what containerd answers.
    func removeSandbox(_ id: String, limit: Duration = .seconds(60)) async throws {
        _ = try await runtime.stopPodSandbox(.with { $0.podSandboxID = id }, options: .within(limit))
        _ = try await runtime.removePodSandbox(.with { $0.podSandboxID = id }, options: .within(limit))
        removeShimSocket(of: id)
    }

    /// A shim that was killed leaves its socket, and now and then one that ended in order does: it reads the socket's name from a file
    /// that its parent may not have written yet.
    func removeShimSocket(of sandbox: String) { unlink(ShimSockets.path(of: sandbox, engine: socket)) }
}
