import FoundationEssentials
import KubeObject

/// Where a Kubernetes API is, how it proves itself, and as whom it is asked.
public struct ClientConfiguration: Sendable, Equatable {
    /// How requests are authenticated.
    public enum Credentials: Sendable, Equatable {
        case anonymous
        /// PEM texts.
        case certificate(chain: [UInt8], key: [UInt8])
        case token(String)
        /// Read again for every request, because it is rotated under us.
        case tokenFile(String)
        /// What a program says when it is run.
        case exec(CredentialCommand)
    }

    /// Scheme, host, port and an optional path, such as `https://127.0.0.1:6443/clusters/demo`; no trailing slash.
    public var server: String
    /// PEM certificates that the server's chain must end in; nil trusts the system's.
    public var certificateAuthority: [UInt8]?
    /// The name that the server's certificate must carry when it isn't the host of ``server``.
    public var serverName: String?
    public var skipsVerification = false
    public var credentials: Credentials
    public var namespace: String

    public init(server: String, certificateAuthority: [UInt8]?, credentials: Credentials, namespace: String = "default") {
        self.server = server
        self.certificateAuthority = certificateAuthority
        self.credentials = credentials
        self.namespace = namespace
    }

    /// What `context`, or the current one, of a kubeconfig says.
    ///
    /// - Parameter directory: against which the file's relative paths are read.
    public init(_ config: Kubeconfig, context: String? = nil, directory: String = "") throws {
        let (contextBody, cluster, user) = try config.resolve(context: context)
        guard var server = cluster["server"]?.string, server.hasPrefix("https://") || server.hasPrefix("http://") else {
            throw KubeconfigError("the cluster's server isn't an http or https URL")
        }
        while server.hasSuffix("/") { server.removeLast() }
        self.server = server
        certificateAuthority = try Self.material("certificate-authority", in: cluster, directory)
        serverName = cluster["tls-server-name"]?.string
        skipsVerification = cluster["insecure-skip-tls-verify"]?.bool ?? false
        namespace = contextBody["namespace"]?.string ?? "default"
        credentials = try Self.credentials(user, directory)
    }

    /// What the file at `path` says.
    public init(kubeconfig path: String, context: String? = nil) throws {
        guard let config = try Kubeconfig.load(path) else { throw KubeconfigError("no such file", path: path) }
        let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        do {
            try self.init(config, context: context, directory: directory)
        } catch let error as KubeconfigError {
            throw KubeconfigError(error.reason, path: path)
        }
    }

    private static func credentials(_ user: JSON, _ directory: String) throws -> Credentials {
        if let chain = try material("client-certificate", in: user, directory) {
            guard let key = try material("client-key", in: user, directory) else {
                throw KubeconfigError("the user has a client certificate without a client key")
            }
            return .certificate(chain: chain, key: key)
        }
        if let token = user["token"]?.string, !token.isEmpty { return .token(token) }
        if let file = user["tokenFile"]?.string, !file.isEmpty { return .tokenFile(resolve(file, directory)) }
        if let exec = user["exec"] { return .exec(try CredentialCommand(exec, directory)) }
        for unsupported in ["auth-provider", "username"] where user[unsupported] != nil {
            throw KubeconfigError("the user's \(unsupported) isn't supported; use a client certificate or a token")
        }
        return .anonymous
    }

    /// `NAME-data` (base64), or else the contents of the file that `NAME` gives.
    private static func material(_ name: String, in body: JSON, _ directory: String) throws -> [UInt8]? {
        if let text = body["\(name)-data"]?.string, !text.isEmpty {
            guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters) else {
                throw KubeconfigError("\(name)-data isn't base64")
            }
            return Array(data)
        }
        guard let file = body[name]?.string, !file.isEmpty else { return nil }
        let path = resolve(file, directory)
        guard let bytes = try AtomicFile.read(path) else { throw KubeconfigError("\(name): there is no file \(path)") }
        return bytes
    }

    static func resolve(_ file: String, _ directory: String) -> String {
        file.hasPrefix("/") || directory.isEmpty ? file : "\(directory)/\(file)"
    }
}
