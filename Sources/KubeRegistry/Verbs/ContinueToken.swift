import KubeObject

/// Where the next page of a list starts, and in which revision: opaque to clients.
struct ContinueToken: Sendable, Hashable {
    /// The revision that the pages show; nil to go on in whatever is there now.
    var revision: UInt64?
    /// `NAMESPACE/NAME`, or `NAME`, of the last object that was given.
    var after: String

    init(revision: UInt64?, after: String) {
        self.revision = revision
        self.after = after
    }

    /// - Throws: 400.
    init(_ text: String) throws(StatusError) {
        guard let bytes = Base64.decode(text) else { throw .badRequest("continue key is not valid: illegal base64 data") }
        guard let tree = Result(catching: { try JSON(parsing: bytes) }).value else {
            throw .badRequest("continue key is not valid: it holds no JSON")
        }
        guard tree["v"]?.string == "meta.k8s.io/v1" else {
            throw .badRequest(
                "continue key is not valid: server does not recognize this encoded version \(quoted(tree.text("v")))")
        }
        guard let revision = tree["rv"]?.int, revision != 0 else {
            throw .badRequest("continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        }
        guard let start = tree["start"]?.string, start.hasSuffix("\u{0}") else {
            throw .badRequest("continue key is not valid: encoded start key empty (version meta.k8s.io/v1)")
        }
        self.init(revision: revision < 0 ? nil : UInt64(revision), after: String(start.dropLast()))
    }

    var text: String {
        let tree: JSON = [
            "v": "meta.k8s.io/v1", "rv": .int(revision.map { Int64(clamping: $0) } ?? -1), "start": .string("\(after)\u{0}"),
        ]
        let padded = Base64.encode(tree.encoded())
        return String(
            padded.compactMap { (letter: Character) -> Character? in
                switch letter {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: letter
                }
            })
    }
}
