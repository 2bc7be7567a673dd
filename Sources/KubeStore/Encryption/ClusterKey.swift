import Crypto
import Foundation

/// The key that encrypts one cluster's secrets and its private record (AES-256-GCM).
///
/// What is sealed begins with a byte that no JSON begins with, so that what was stored before there were keys is told apart.
struct ClusterKey: Sendable {
    private static let marker: UInt8 = 1

    private let key: SymmetricKey

    static func fresh() -> ClusterKey { ClusterKey(SymmetricKey(size: .bits256)) }

    private init(_ key: SymmetricKey) { self.key = key }

    /// - Parameter place: what is sealed for one place can't be opened in another.
    func sealed(_ bytes: [UInt8], at place: String) throws(StoreError) -> Data {
        do {
            let box = try AES.GCM.seal(bytes, using: key, authenticating: Array(place.utf8))
            guard let combined = box.combined else { throw StoreError.unavailable("encrypting \(place) failed") }
            return Data([Self.marker]) + combined
        } catch {
            throw .unavailable("encrypting \(place): \(error)")
        }
    }

    func opened(_ data: Data, at place: String) throws(StoreError) -> [UInt8] {
        guard data.first == Self.marker else { return [UInt8](data) }
        do {
            let box = try AES.GCM.SealedBox(combined: data.dropFirst())
            return [UInt8](try AES.GCM.open(box, using: key, authenticating: Array(place.utf8)))
        } catch {
            throw .unavailable("\(place) can't be decrypted: its key is another one, or the file is damaged")
        }
    }

    /// Whether something was sealed.
    static func isSealed(_ data: Data) -> Bool { data.first == marker }

    // MARK: Wrapping

    /// The key as it is stored: encrypted with the platform's.
    func wrapped(with platformKey: SymmetricKey, cluster: Int64) throws(StoreError) -> Data {
        try ClusterKey(platformKey).sealed(key.withUnsafeBytes { [UInt8]($0) }, at: "key/\(cluster)")
    }

    init(unwrapping data: Data, with platformKey: SymmetricKey, cluster: Int64) throws(StoreError) {
        guard Self.isSealed(data) else { throw .unavailable("the key of cluster \(cluster) is damaged") }
        self.init(SymmetricKey(data: try ClusterKey(platformKey).opened(data, at: "key/\(cluster)")))
    }
}

/// What is encrypted, and the places that it is encrypted for.
enum EncryptedRows {
    static let secrets = "core/secrets/"

    static func isSecret(_ key: String) -> Bool { key.utf8.starts(with: secrets.utf8) }
    static func place(_ cluster: Int64, _ key: String) -> String { "\(cluster)/\(key)" }
    static func place(recordOf cluster: Int64) -> String { "record/\(cluster)" }
}
