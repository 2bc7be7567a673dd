import KubeObject

/// Where the next page of a list starts, and in which revision: opaque to clients.
struct ContinueToken: Sendable, Hashable {
    /// The revision that the pages show; nil to go on in whatever is there now.
    var revision: UInt64?
    /// `NAMESPACE/NAME`, or `NAME`, of the last object that was given.
    var after: String
    /// When the list began, in seconds since 1970.
    var began: Int64

    /// So many seconds a list can be gone on with as it was. Upstream keeps old revisions for five minutes, and clients must be able to
    /// start again; who only ever saw lists that last for ever never learns it.
    static let lifetime: Int64 = 300

    init(revision: UInt64?, after: String, began: Int64 = Int64(Timestamp.seconds)) {
        self.revision = revision
        self.after = after
        self.began = began
    }

    /// Whether the list is too old to be gone on with as it was.
    var isExpired: Bool { revision != nil && Int64(Timestamp.seconds) - Self.lifetime > began }

    /// - Throws: 400.
    init(_ text: String) throws(StatusError) {
        func refuse(_ why: String) -> StatusError { .badRequest("invalid continue token: continue key is not valid: \(why)") }
        guard let bytes = Base64.decode(text) else {
            throw refuse("illegal base64 data at input byte \(Self.illegalByte(in: text))")
        }
        let tree: JSON
        do { tree = try JSON(parsing: bytes) } catch { throw refuse(error.description) }
        guard tree["v"]?.string == "meta.k8s.io/v1" else {
            throw refuse("server does not recognize this encoded version \(tree.text("v"))")
        }
        guard let revision = tree["rv"]?.int, revision != 0 else {
            throw refuse("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        }
        guard let start = tree["start"]?.string, !start.isEmpty else {
            throw refuse("encoded start key empty (version meta.k8s.io/v1)")
        }
        // A place is `NAMESPACE/NAME` or `NAME`: nothing that leads out of the resource.
        let steps = start.split(separator: "/", omittingEmptySubsequences: false)
        guard start.hasSuffix("\u{0}"), !steps.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
            throw refuse(start)
        }
        self.init(
            revision: revision < 0 ? nil : UInt64(revision), after: String(start.dropLast()),
            began: max(0, tree["began"]?.int ?? 0))
    }

    private static func illegalByte(in text: String) -> Int {
        text.utf8.enumerated().first {
            !(0x30...0x39).contains($1) && !(0x41...0x5A).contains($1) && !(0x61...0x7A).contains($1) && $1 != 0x2D && $1 != 0x5F
        }?.offset ?? text.utf8.count
    }

    var text: String {
        let tree: JSON = [
            "v": "meta.k8s.io/v1", "rv": .int(revision.map { Int64(clamping: $0) } ?? -1), "start": .string("\(after)\u{0}"),
            "began": .int(began),
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
