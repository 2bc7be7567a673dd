import Crypto
import Foundation
public import KubeObject
import NIOSSL

/// By what an extension API server knows that a request comes from this server, and so may believe who it says the user is: a client
/// certificate of an authority that signs nothing else.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
public enum FrontProxy {
    /// The common name of the client certificate.
    static let clientName = "front-proxy-client"
    /// The annotation of the config map that names what the authorities in it are.
    public static let markKey = "sampan.dev/trust"
    /// What the config map says about whom to believe.
    public static let authorityMembers = ["client-ca-file", "requestheader-client-ca-file"]

    /// A cluster's authority. Its key follows from the key of the cluster's client authority, so that it needs no place of its own; two
    /// certificates made of it differ only in their signature and dates, and each verifies what the other's key has signed.
    static func authority(_ identity: ClusterIdentity) throws -> CertificateAuthority {
        let secret = SymmetricKey(data: identity.clientAuthority.key.rawRepresentation)
        // One in four thousand million is no key: then the next is taken.
        for attempt in UInt8.min...UInt8.max {
            let bytes = HKDF<SHA256>.deriveKey(
                inputKeyMaterial: secret, info: Data("front-proxy-ca".utf8) + [attempt], outputByteCount: 32
            ).withUnsafeBytes { Array($0) }
            let key: P256.Signing.PrivateKey
            do { key = try P256.Signing.PrivateKey(rawRepresentation: bytes) } catch { continue }
            return try .selfSigned(commonName: "front-proxy-ca", key: key)
        }
        throw NoKey()
    }

    private struct NoKey: Error, CustomStringConvertible {
        let description = "no key of the front proxy follows from the cluster's"
    }

    /// The config map `kube-system/extension-apiserver-authentication`, from which extension API servers learn whom to believe: while a
    /// former authority of the cluster is trusted, that one too.
    public static func configMap(_ identity: ClusterIdentity) throws -> JSON {
        let former = identity.former(at: Timestamp.seconds)
        let clients = try [identity.clientAuthority.pem()] + former.map { try $0.certificate.pem() }
        let proxies = try [self.authority(identity).pem()] + former.map(\.frontProxyAuthority)
        var configMap = self.configMap(clients: clients.joined(), proxies: proxies.joined())
        if let mark = identity.trustMark(now: Timestamp.seconds) {
            configMap[path: "metadata", "annotations"] = [self.markKey: .string(mark)]
        }
        return configMap
    }

    private static func configMap(clients: String, proxies: String) -> JSON {
        [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": ["name": "extension-apiserver-authentication", "namespace": "kube-system"],
            "data": [
                "client-ca-file": .string(clients),
                "requestheader-allowed-names": .string("[\"\(self.clientName)\"]"),
                "requestheader-client-ca-file": .string(proxies),
                "requestheader-extra-headers-prefix": "[\"X-Remote-Extra-\"]",
                "requestheader-group-headers": "[\"X-Remote-Group\"]", "requestheader-uid-headers": "[\"X-Remote-Uid\"]",
                "requestheader-username-headers": "[\"X-Remote-User\"]",
            ],
        ]
    }

    /// TLS towards an extension API server.
    /// - Parameter trust: PEM of the authorities that may vouch for it; nil to believe it anyhow.
    static func tls(_ identity: ClusterIdentity, trust: [UInt8]?) throws -> NIOSSLContext {
        let leaf = try self.authority(identity).issueClientCertificate(
            user: self.clientName, groups: [], lifetime: 365 * 86_400)
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["http/1.1"]
        configuration.certificateChain = [
            .certificate(try NIOSSLCertificate(bytes: Array(try leaf.certificatePEM().utf8), format: .pem))
        ]
        configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(leaf.keyPEM.utf8), format: .pem))
        if let trust {
            configuration.trustRoots = .certificates(trust.isEmpty ? [] : try NIOSSLCertificate.fromPEMBytes(trust))
        } else {
            configuration.certificateVerification = .none
        }
        return try NIOSSLContext(configuration: configuration)
    }
}
