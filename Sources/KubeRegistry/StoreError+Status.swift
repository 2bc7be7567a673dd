import KubeObject
import KubeSchema
import KubeStore

extension StatusError {
    /// What a client is told when the store couldn't do what a verb on an object asked of it.
    init(_ error: StoreError, _ resource: GroupResource, _ name: String) {
        switch error {
        case .conflict: self = .modified(resource, name)
        case .alreadyExists: self = .alreadyExists(resource, name)
        case .notFound: self = .notFound(resource, name)
        case .expired(let oldest): self = .expired("too old resource version: the oldest known is \(oldest)")
        case .tooLarge(let current): self = .timeout("Too large resource version; the current one is \(current)")
        case .noSuchCluster, .clusterExists: self = .unknownPath()
        case .diskFull(let why):
            self = StatusError(
                code: 507, reason: "InsufficientStorage",
                message:
                    "nothing was written, because the server has no space left (\(why)); reading goes on. Free space, then try again"
            )
        case .unavailable(let why): self = .serviceUnavailable("nothing was written, because storage failed: \(why)")
        case .overloaded: self = .tooManyRequests("too many writes are waiting, please try again later", retryAfterSeconds: 1)
        case .closed: self = .serviceUnavailable("the server is shutting down")
        }
    }
}
