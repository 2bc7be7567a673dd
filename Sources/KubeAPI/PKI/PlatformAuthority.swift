import Crypto
public import Foundation
import SwiftASN1
import X509

/// The platform's certificate authority, which signs the server's certificates: `ca.crt` and `ca.key` in a directory, and `bridges.crt` once
/// it has been changed.
///
/// A change takes effect at once, and nobody needs to know both: clients are given the new authority, and to those that still know the
/// former one the server also shows a bridge, which is the new authority's key certified by the former one.
public struct PlatformAuthority: Sendable {
    /// Why the authority's files can't be used.
    public struct Failure: Error, CustomStringConvertible {
        /// What was wrong, and what to do about it.
        public let description: String
    }

    /// What signs the server's certificates.
    public let current: CertificateAuthority
    /// The newest first: each certifies the next newer authority's key.
    let bridges: [Certificate]
    /// The current authority's certificate, for clients.
    public let pem: String

    /// More changes within the time that bridges are kept end the trust in the oldest authority: a handshake must stay small.
    private static let maximumBridges = 4

    init(_ current: CertificateAuthority, bridges: [Certificate] = []) throws {
        self.current = current
        self.bridges = bridges
        self.pem = try current.pem()
    }

    /// Until when clients that know only a former authority believe the server, if any does.
    public var formerTrustedUntil: Date? { self.bridges.first?.notValidAfter }

    /// Returns the authority kept in `directory`, which is created (mode 0700) when missing.
    ///
    /// Each file is written under a temporary name, synchronised and renamed, the key first: a crash in between leaves
    /// no certificate, and the pair is made again. A half pair made by somebody else is refused, never overwritten.
    public static func loadOrCreate(directory: String) throws -> PlatformAuthority {
        let files = PKIFiles(directory: directory)
        return try files.locked { try self.loadOrCreate(files) }
    }

    private static func loadOrCreate(_ files: PKIFiles) throws -> PlatformAuthority {
        try self.adopt(files)
        if let certificate = try files.read(.certificate), let key = try files.read(.key) {
            let authority = CertificateAuthority(
                certificate: try Certificate(pemEncoded: certificate), key: try P256.Signing.PrivateKey(pemRepresentation: key))
            guard Certificate.PublicKey(authority.key.publicKey) == authority.certificate.publicKey else {
                throw Failure(
                    description:
                        "\(files.path(.key)) is not the key of \(files.path(.certificate)): restore the pair from a backup, or remove both "
                        + "(every kubeconfig made before will then have to be made again)")
            }
            return try PlatformAuthority(authority, bridges: self.certificates(in: try files.read(.bridges) ?? ""))
        }
        guard try files.read(.certificate) == nil else {
            throw Failure(description: "\(files.path(.key)) is missing: restore it from a backup")
        }
        let authority = try CertificateAuthority.generate(commonName: "sampan-ca")
        try files.write(authority.key.pemRepresentation + "\n", to: .key)
        try files.write(authority.pem(), to: .certificate)
        return try PlatformAuthority(authority)
    }

    /// Gives `directory` a new authority. Clients that know only the former one are shown a bridge for `keep` seconds.
    ///
    /// All that it takes is in one file before the first of the others is touched: a crash leaves the old authority, or one that `loadOrCreate`
    /// makes whole.
    @discardableResult
    public static func rotate(directory: String, keep: TimeInterval, now: Date = Date()) throws -> PlatformAuthority {
        let files = PKIFiles(directory: directory)
        return try files.locked { try self.rotate(files, keep: keep, now: now) }
    }

    private static func rotate(_ files: PKIFiles, keep: TimeInterval, now: Date) throws -> PlatformAuthority {
        let former = try self.loadOrCreate(files)
        // A name of its own, for some clients look for a certificate's issuer by name alone.
        let current = try CertificateAuthority.generate(commonName: "sampan-ca@\(Int(now.timeIntervalSince1970))", now: now)
        let bridge = try former.current.bridge(to: current, until: now.addingTimeInterval(keep), now: now)
        let bridges = ([bridge] + former.bridges.filter { $0.notValidAfter > now }).prefix(Self.maximumBridges)
        let next = try PlatformAuthority(current, bridges: Array(bridges))
        let parts = [current.key.pemRepresentation + "\n", next.pem] + (try next.bridges.map { try $0.pem() })
        try files.write(parts.joined(), to: .next)
        try self.adopt(files)
        return next
    }

    /// Ends the trust in former authorities.
    public static func retireFormer(directory: String) throws {
        let files = PKIFiles(directory: directory)
        try files.locked {
            try self.adopt(files)
            try files.remove(.bridges)
        }
    }

    /// Finishes a change that has begun.
    private static func adopt(_ files: PKIFiles) throws {
        guard let next = try files.read(.next) else { return }
        let documents = try PEMDocument.parseMultiple(pemString: next)
        guard let key = documents.first, documents.count >= 2 else {
            throw Failure(description: "\(files.path(.next)) is damaged: remove it, and the authority stays what it was")
        }
        try files.write(key.pemString + "\n", to: .key)
        try files.write(documents[1].pemString + "\n", to: .certificate)
        try files.write(documents[2...].map { $0.pemString + "\n" }.joined(), to: .bridges)
        try files.remove(.next)
    }

    private static func certificates(in text: String) throws -> [Certificate] {
        text.isEmpty ? [] : try PEMDocument.parseMultiple(pemString: text).map { try Certificate(pemDocument: $0) }
    }
}
