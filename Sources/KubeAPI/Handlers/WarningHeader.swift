/// `Warning` headers (RFC 7234, section 5.5), within upstream's limits.
enum WarningHeader {
    /// In Unicode scalars, over all warnings of an answer.
    private static let maximumLength = 4 * 1024
    /// What is left of each when all of them together are too long.
    private static let truncatedLength = 256

    /// The header's values for some texts: each text once, in order; the last are left out when there are too many.
    static func values(_ texts: [String]) -> [String] {
        var seen: Set<String> = []
        let texts = texts.filter { !$0.isEmpty && self.isPrintable($0) && seen.insert($0).inserted }
        let isTooLong = texts.reduce(0) { $0 + $1.unicodeScalars.count } > self.maximumLength
        var values: [String] = []
        var length = 0
        for text in texts where length < self.maximumLength {
            var text = text
            if isTooLong, text.unicodeScalars.count > self.truncatedLength {
                text = String(String.UnicodeScalarView(text.unicodeScalars.prefix(self.truncatedLength)))
            }
            length += text.unicodeScalars.count
            values.append("299 - \"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\"")
        }
        return values
    }

    /// A text with control characters can't stand in a header.
    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }
}
