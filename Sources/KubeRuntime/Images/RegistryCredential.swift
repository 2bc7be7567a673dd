internal import Foundation
import Glibc
import KubeObject

/// A user name and password, or a token, for one image registry, from a pull secret.
///
/// The engine isn't told which server the secret named, as kubelet doesn't tell either: it would want a URL there, and leave the credential out for most that people write
/// (`registry.example.com:5000`).
struct RegistryCredential: Sendable, Equatable {
    var username = ""
    var password = ""
    var identityToken = ""

    /// The credentials of a secret (`.dockerconfigjson` or the older `.dockercfg`) that apply to an image, longest match first.
    static func find(in secrets: [JSON], for image: ImageName) -> [RegistryCredential] {
        var found: [(length: Int, credential: RegistryCredential)] = []
        for secret in secrets {
            for (server, entry) in entries(of: secret) where matches(server: server, image: image) {
                found.append((server.count, RegistryCredential(entry: entry)))
            }
        }
        return found.sorted { $0.length > $1.length }.map(\.credential)
    }

    private static func entries(of secret: JSON) -> [(String, JSON)] {
        func decoded(_ key: String) -> JSON? {
            guard let text = secret[path: "data", key]?.string, let data = Data(base64Encoded: text) else { return nil }
            return try? JSON(parsing: Array(data))  // an unreadable secret gives no credentials, as in kubelet
        }
        let auths = decoded(".dockerconfigjson")?["auths"] ?? decoded(".dockercfg")
        return auths?.object.map { $0.map { ($0.key, $0.value) } } ?? []
    }

    private init(entry: JSON) {
        username = entry["username"]?.string ?? ""
        password = entry["password"]?.string ?? ""
        identityToken = entry["identitytoken"]?.string ?? ""
        if let auth = entry["auth"]?.string, let data = Data(base64Encoded: auth) {
            let pair = String(decoding: data, as: UTF8.self)
            if let colon = pair.firstIndex(of: ":") {
                username = String(pair[..<colon])
                password = String(pair[pair.index(after: colon)...])
            }
        }
    }

    /// `https://index.docker.io/v1/` names docker.io, and any server's `/v1/` and `/v2/` the server; `*.example.com` matches one label; a path restricts to
    /// images below it.
    /// Source: https://kubernetes.io/docs/concepts/containers/images/#config-json
    static func matches(server: String, image: ImageName) -> Bool {
        var pattern = server[...]
        for scheme in ["https://", "http://"] where pattern.hasPrefix(scheme) { pattern = pattern.dropFirst(scheme.count) }
        let parts = pattern.split(separator: "/", maxSplits: 1)
        guard var host = parts.first.map(String.init) else { return false }
        var path = parts.count > 1 ? String(parts[1]) : ""
        if host == "index.docker.io" || host == "docker.io" {
            host = "docker.io"
            if path == "v1" { path = "" }
        }
        if path.hasPrefix("v1/") || path.hasPrefix("v2/") { path.removeFirst(3) }
        let wanted = host.split(separator: ".", omittingEmptySubsequences: false)
        let actual = image.registry.split(separator: ".", omittingEmptySubsequences: false)
        guard wanted.count == actual.count, zip(wanted, actual).allSatisfy({ fnmatch(String($0), String($1), 0) == 0 }) else {
            return false
        }
        while path.hasSuffix("/") { path.removeLast() }
        return path.isEmpty || image.repository.dropFirst(image.registry.count + 1).hasPrefix(path)
    }
}
