public import NIOSSL

extension ClientConfiguration {
    /// TLS towards the server: whom to believe, and who the client is.
    ///
    /// - Throws: `KubeconfigError` when certificates or key can't be read.
    public func tls() throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if skipsVerification { tls.certificateVerification = .none }
        do {
            if let certificateAuthority {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(certificateAuthority))
            }
            if case .certificate(let chain, let key) = credentials {
                tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(chain).map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
            }
        } catch {
            throw KubeconfigError("its certificates or key aren't PEM: \(error)")
        }
        return tls
    }
}
