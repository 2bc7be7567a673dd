import Crypto
import Foundation
import SwiftASN1
import X509

/// Loads the platform's certificate authority from `ca.crt` and `ca.key` in a directory, or makes it there the first time.
public enum PlatformAuthority {
    /// Why the authority's files can't be used.
    public struct Failure: Error, CustomStringConvertible {
        /// What was wrong, and what to do about it.
        public let description: String
    }

    /// Returns the authority kept in `directory`, which is created (mode 0700) when missing.
    ///
    /// Each file is written under a temporary name, synchronised and renamed, the key first: a crash in between leaves
    /// no certificate, and the pair is made again. A half pair made by somebody else is refused, never overwritten.
    public static func loadOrCreate(directory: String) throws -> CertificateAuthority {
        let certificatePath = directory + "/ca.crt"
        let keyPath = directory + "/ca.key"
        let files = FileManager.default
        if files.fileExists(atPath: certificatePath) {
            let certificate = try Certificate(pemEncoded: String(contentsOfFile: certificatePath, encoding: .utf8))
            let key = try P256.Signing.PrivateKey(pemRepresentation: String(contentsOfFile: keyPath, encoding: .utf8))
            guard Certificate.PublicKey(key.publicKey) == certificate.publicKey else {
                throw Failure(
                    description:
                        "\(keyPath) is not the key of \(certificatePath): restore the pair from a backup, or remove both "
                        + "(every kubeconfig made before will then have to be made again)")
            }
            return CertificateAuthority(certificate: certificate, key: key)
        }
        try files.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let authority = try CertificateAuthority.generate(commonName: "sampan-ca")
        try write(authority.key.pemRepresentation + "\n", to: keyPath, permissions: 0o600)
        try write(authority.pem(), to: certificatePath, permissions: 0o644)
        return authority
    }

    private static func write(_ text: String, to path: String, permissions: mode_t) throws {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw failure("open", temporary) }
        defer { close(descriptor) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard written >= 0 else { throw failure("write", temporary) }
            bytes = bytes.dropFirst(written)
        }
        guard fsync(descriptor) == 0 else { throw failure("synchronise", temporary) }
        guard rename(temporary, path) == 0 else { throw failure("rename", temporary) }
    }

    private static func failure(_ doing: String, _ path: String) -> Failure {
        Failure(description: "could not \(doing) \(path): \(String(cString: strerror(errno)))")
    }
}
