import Crypto
import Foundation
import KubeObject

/// The keys that wrap the clusters' own. The first is used for whatever is wrapped; the others only for what was wrapped with them.
///
/// They are kept in a file beside the database, and nowhere in it, so that a copy of the database gives no secret away. To rotate, put a
/// new key in front (`PlatformKeys.rotate`): at the next start every cluster's key is wrapped anew, and the old ones may go. A key that
/// renews the clusters' own gives each a fresh one then instead, with which all its rows are encrypted again.
struct PlatformKeys: Sendable {
    struct Named: Sendable {
        var id: String
        var key: SymmetricKey
        var renewsClusterKeys = false
    }

    let all: [Named]

    var current: Named { all[0] }

    func key(_ id: String) -> SymmetricKey? { all.first { $0.id == id }?.key }

    /// Whether a cluster's key that is wrapped with the given one is to be replaced, and not only wrapped anew.
    func renewClusterKeys(wrappedWith id: String) -> Bool {
        all.prefix { $0.id != id }.contains(where: \.renewsClusterKeys)
    }

    private init(_ all: [Named]) { self.all = all }

    static func path(in directory: String) -> String { directory + "/keys.json" }

    /// Reads the keys of a directory, or makes the first one.
    ///
    /// - Throws: `.unavailable` when the file can't be read, isn't one, or can't be written.
    static func loadOrCreate(directory: String) throws(StoreError) -> (keys: PlatformKeys, isNew: Bool) {
        let path = path(in: directory)
        if FileManager.default.fileExists(atPath: path) { return (try load(path), false) }
        let keys = PlatformKeys([fresh()])
        try keys.write(to: path)
        return (keys, true)
    }

    /// Puts a new key in front of a directory's keys. The server must not run, or be started anew afterwards.
    ///
    /// - Parameter clusterKeys: whether the clusters' own keys are replaced too.
    static func rotate(directory: String, clusterKeys: Bool = false) throws(StoreError) {
        let path = path(in: directory)
        var new = fresh()
        new.renewsClusterKeys = clusterKeys
        let keys = PlatformKeys([new] + (try load(path).all))
        try keys.write(to: path)
    }

    private static func fresh() -> Named {
        Named(id: UUID().uuidString.lowercased(), key: SymmetricKey(size: .bits256))
    }

    /// Reads the keys in a file.
    static func load(_ path: String) throws(StoreError) -> PlatformKeys {
        let tree: JSON
        do {
            tree = try JSON(parsing: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
        } catch {
            throw .unavailable("reading the encryption keys in \(path): \(error)")
        }
        var keys: [Named] = []
        for entry in tree["keys"]?.elements ?? [] {
            guard let id = entry["id"]?.string, let text = entry["key"]?.string, let bytes = Data(base64Encoded: text),
                bytes.count == 32
            else { throw .unavailable("\(path) isn't a file of encryption keys; restore it from a backup") }
            keys.append(
                Named(id: id, key: SymmetricKey(data: bytes), renewsClusterKeys: entry["renewsClusterKeys"]?.bool ?? false))
        }
        guard !keys.isEmpty else { throw .unavailable("\(path) has no encryption key; restore it from a backup") }
        return PlatformKeys(keys)
    }

    /// All or nothing, whatever happens in between: under another name first, on the disk before it gets its own.
    private func write(to path: String) throws(StoreError) {
        let entries = all.map { named -> JSON in
            var entry: JSON = [
                "id": .string(named.id), "key": .string(named.key.withUnsafeBytes { Data($0) }.base64EncodedString()),
            ]
            if named.renewsClusterKeys { entry["renewsClusterKeys"] = true }
            return entry
        }
        let bytes = JSON(dictionaryLiteral: ("keys", .array(entries))).encoded()
        let temporary = path + ".new"
        func failure(_ doing: String) -> StoreError { .unavailable("\(doing) \(temporary): \(String(cString: strerror(errno)))") }
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("opening") }
        defer { close(descriptor) }
        guard bytes.withUnsafeBytes({ Foundation.write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else {
            throw failure("writing")
        }
        guard fsync(descriptor) == 0 else { throw failure("synchronising") }
        guard rename(temporary, path) == 0 else { throw failure("renaming") }
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("opening the folder of") }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure("synchronising the folder of") }
    }
}
