/// What is wrong with the text of an expression.
public struct CELIssues: Error, Sendable, CustomStringConvertible {
    /// One thing that is wrong.
    public struct Issue: Sendable, Hashable {
        public let message: String
        /// In code points from the start of the text; nil when it isn't one place.
        public let offset: Int?
    }

    static let maximum = 100
    /// Longer lines aren't shown.
    private static let maximumShown = 16_384

    private let source: String
    /// In the order of the text.
    public let issues: [Issue]

    init(_ issues: [Issue], in source: String) {
        self.source = source
        self.issues = issues.enumerated().sorted { left, right in
            let (a, b) = (left.element.offset ?? -1, right.element.offset ?? -1)
            return a == b ? left.offset < right.offset : a < b
        }.map(\.element)
    }

    init(_ error: CELError, in source: String) {
        self.init([Issue(message: error.description, offset: error.offset)], in: source)
    }

    /// Each with its line and a mark below it, as upstream shows them.
    public var description: String {
        let scalars = Array(source.unicodeScalars)
        var texts = issues.prefix(Self.maximum).map { Self.text(of: $0, in: scalars) }
        if issues.count > Self.maximum { texts.append("\(issues.count - Self.maximum) more errors were truncated") }
        return texts.joined(separator: "\n")
    }

    private static func text(of issue: Issue, in scalars: [Unicode.Scalar]) -> String {
        guard let offset = issue.offset else { return "ERROR: <input>:-1:0: \(issue.message)" }
        let place = min(offset, scalars.count)
        let before = scalars[..<place]
        let line = before.reduce(1) { $1 == "\n" ? $0 + 1 : $0 }
        let start = before.lastIndex(of: "\n").map { $0 + 1 } ?? 0
        let end = scalars[place...].firstIndex(of: "\n") ?? scalars.count
        let head = "ERROR: <input>:\(line):\(place - start + 1): \(issue.message)"
        guard end - start <= maximumShown else { return head }
        var shown = String.UnicodeScalarView()
        shown.append(contentsOf: scalars[start..<end].map { $0 == "\t" ? " " : $0 })
        // Characters that aren't ASCII are marked by as wide ones.
        let dots = scalars[start..<place].map { $0.isASCII ? "." : "\u{FF0E}" }.joined()
        let mark = place < end && !scalars[place].isASCII ? "\u{FF3E}" : "^"
        return "\(head)\n | \(String(shown))\n | \(dots)\(mark)"
    }
}
