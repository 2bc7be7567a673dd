/// Rewrites the links in an HTML page's tags while it passes by, in pieces of any size. Holds no more than one tag.
struct HTMLRewriter {
    private enum State {
        case text
        /// Within `<!-- -->`.
        case comment
        /// Within an element whose content is no HTML, until its end tag.
        case raw(element: [UInt8])
    }

    /// A tag longer than this passes unchanged.
    private static let tagLimit = 64 << 10

    /// The attributes that are links, by element.
    private static let links: [String: Set<String>] = [
        "a": ["href"], "applet": ["codebase"], "area": ["href"], "audio": ["src"], "base": ["href"], "blockquote": ["cite"],
        "body": ["background"], "button": ["formaction"], "command": ["icon"], "del": ["cite"], "embed": ["src"],
        "form": ["action"], "frame": ["longdesc", "src"], "head": ["profile"], "html": ["manifest"],
        "iframe": ["longdesc", "src"], "img": ["longdesc", "src", "usemap"], "input": ["src", "usemap", "formaction"],
        "ins": ["cite"], "link": ["href"], "object": ["classid", "codebase", "data", "usemap"], "q": ["cite"],
        "script": ["src"], "source": ["src"], "video": ["poster", "src"],
    ]
    private static let rawElements: Set<String> = [
        "script", "style", "textarea", "title", "iframe", "noembed", "noframes", "noscript", "plaintext", "xmp",
    ]

    private static let commentStart = Array("<!--".utf8)
    private static let commentEnd = Array("-->".utf8)

    let links: ProxyLinks
    private var state = State.text
    /// What can't be passed on yet: a tag that hasn't ended.
    private var pending: [UInt8] = []
    private var quote: UInt8?
    private var isInTag = false

    init(links: ProxyLinks) {
        self.links = links
    }

    mutating func rewrite(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + 256)
        for byte in bytes { self.take(byte, &output) }
        return output
    }

    /// What is left at the page's end.
    mutating func finish() -> [UInt8] {
        defer { self.pending = [] }
        return self.pending
    }

    private mutating func take(_ byte: UInt8, _ output: inout [UInt8]) {
        switch self.state {
        case .text where !self.isInTag:
            guard byte == UInt8(ascii: "<") else { return output.append(byte) }
            self.isInTag = true
            self.pending = [byte]
        case .text:
            self.pending.append(byte)
            if self.pending == Self.commentStart {
                self.leaveTag(&output, as: self.pending)
                self.state = .comment
            } else if self.pending.count > Self.tagLimit {
                self.leaveTag(&output, as: self.pending)
            } else if let open = self.quote {
                if byte == open { self.quote = nil }
            } else if (byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")) && self.isBeforeValue {
                self.quote = byte
            } else if byte == UInt8(ascii: ">") {
                self.endTag(&output)
            }
        case .comment:
            output.append(byte)
            self.pending.append(byte)
            if self.pending.count > 3 { self.pending.removeFirst() }
            if self.pending == Self.commentEnd {
                self.pending = []
                self.state = .text
            }
        case .raw(let element):
            // The end tag's name is all that matters; its `>` is text.
            output.append(byte)
            self.pending.append(byte | 0x20)
            if self.pending.count > element.count { self.pending.removeFirst() }
            if self.pending == element {
                self.pending = []
                self.state = .text
            }
        }
    }

    /// A quote begins a value only after an equals sign; elsewhere it is part of a name.
    private var isBeforeValue: Bool {
        self.pending.dropLast().last { !HTMLTag.isSpace($0) } == UInt8(ascii: "=")
    }

    private mutating func leaveTag(_ output: inout [UInt8], as bytes: [UInt8]) {
        output += bytes
        self.pending = []
        self.quote = nil
        self.isInTag = false
    }

    private mutating func endTag(_ output: inout [UInt8]) {
        let tag = HTMLTag(self.pending)
        guard !tag.name.isEmpty else { return self.leaveTag(&output, as: self.pending) }
        let wanted = Self.links[tag.name] ?? []
        let links = self.links
        self.leaveTag(&output, as: tag.rewritten { name, value in wanted.contains(name) ? links.rewrite(value) : value })
        if Self.rawElements.contains(tag.name) {
            // In the form in which it is looked for: lower case, by setting a bit that `<` and `/` have set already.
            self.state = .raw(element: Array("</\(tag.name)".utf8).map { $0 | 0x20 })
        }
    }
}

/// A start tag's bytes, and where its attributes' values are.
struct HTMLTag {
    /// In lower case; empty for what is no start tag.
    let name: String
    private let bytes: [UInt8]
    private let values: [(name: String, range: Range<Int>)]

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    /// - Parameter bytes: from `<` to `>`.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var index = 1
        let end = max(bytes.count - 1, 1)
        func word(_ isEnd: (UInt8) -> Bool) -> String {
            let start = index
            while index < end, !Self.isSpace(bytes[index]), !isEnd(bytes[index]) { index += 1 }
            return String(decoding: bytes[start..<index], as: UTF8.self).lowercased()
        }
        func skip(_ isSkipped: (UInt8) -> Bool) {
            while index < end, isSkipped(bytes[index]) { index += 1 }
        }
        let name = word { $0 == UInt8(ascii: "/") }
        self.name = name.first?.isLetter == true ? name : ""
        var values: [(String, Range<Int>)] = []
        while index < end {
            skip { Self.isSpace($0) || $0 == UInt8(ascii: "/") }
            let start = index
            let attribute = word { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "/") }
            skip(Self.isSpace)
            guard index < end, bytes[index] == UInt8(ascii: "=") else {
                if index == start { index += 1 }
                continue
            }
            index += 1
            skip(Self.isSpace)
            guard index < end else { break }
            if bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "'") {
                let quote = bytes[index]
                index += 1
                let first = index
                skip { $0 != quote }
                values.append((attribute, first..<index))
                index += 1
            } else {
                let first = index
                skip { !Self.isSpace($0) }
                values.append((attribute, first..<index))
            }
        }
        self.values = values
    }

    /// The tag with other values.
    func rewritten(_ change: (_ name: String, _ value: String) -> String) -> [UInt8] {
        var result: [UInt8] = []
        var copied = 0
        for (name, range) in self.values {
            let value = String(decoding: self.bytes[range], as: UTF8.self)
            let changed = change(name, value)
            guard changed != value else { continue }
            result += self.bytes[copied..<range.lowerBound] + Array(changed.utf8)
            copied = range.upperBound
        }
        return result + self.bytes[copied...]
    }
}
