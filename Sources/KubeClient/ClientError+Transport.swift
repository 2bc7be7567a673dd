import AsyncHTTPClient
import KubeObject
import NIOCore
import NIOPosix
import NIOSSL

extension ClientError {
    /// What a failure below HTTP means to the caller. Errors that explain themselves, and cancellation, pass through.
    static func translating(_ error: any Error, request: String) -> any Error {
        switch error {
        case is StatusError, is ClientError, is CancellationError, is KubeconfigError:
            return error
        case let error as NIOConnectionError:
            let reasons = error.connectionErrors.map { "\($0.error)" }
            let reason = reasons.first ?? error.dnsAError.map { "\($0)" } ?? "no address"
            return ClientError(.unreachable, request: request, message: "can't connect to \(error.host):\(error.port): \(reason)")
        case let error as IOError:
            return ClientError(.unreachable, request: request, message: "\(error)")
        case let error as NIOSSLError:
            return ClientError(.tls, request: request, message: "TLS failed: \(error)")
        case let error as NIOSSLExtraError:
            return ClientError(.tls, request: request, message: "TLS failed: \(error)")
        case let error as HTTPClientError:
            switch error {
            case .cancelled: return CancellationError()
            case .connectTimeout, .deadlineExceeded, .readTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout:
                return ClientError(.timeout, request: request, message: "no answer in time (\(error.shortDescription))")
            case .remoteConnectionClosed:
                return ClientError(.unreachable, request: request, message: "the server closed the connection")
            default:
                return ClientError(.other, request: request, message: error.shortDescription)
            }
        default:
            return ClientError(.other, request: request, message: "\(error)")
        }
    }
}
