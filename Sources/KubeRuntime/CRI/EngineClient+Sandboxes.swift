internal import Crypto
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
    func removeShimSocket(of sandbox: String) { unlink(shimSocket(of: sandbox)) }

    /// Where the shim of a sandbox listens: containerd names it by a digest, in a folder that all containerds share.
    func shimSocket(of sandbox: String) -> String {
        let digest = SHA256.hash(data: Array("\(socket)/k8s.io/\(sandbox)".utf8))
        return "/run/containerd/s/" + digest.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }
}
