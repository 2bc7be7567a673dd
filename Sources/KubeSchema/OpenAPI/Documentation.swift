/// What the rows say about types and fields. Read when an OpenAPI document is made, and not kept.
struct Documentation {
    /// By `package.Type`, then by field; the type's own text is under "".
    private var texts: [Substring: [Substring: [Substring: Substring]]] = [:]

    /// Reads the texts of those packages only.
    init(packages: Set<Substring>, added: [String]) {
        for text in SchemaText.allDocs {
            // The first line names the package.
            let start = text.string.prefix { $0 != "\n" }.dropFirst()
            if packages.contains(start) { read(text.string) }
        }
        for text in added { read(text) }
    }

    private mutating func read(_ text: String) {
        var package: Substring = ""
        var type: Substring = ""
        var fields: [Substring: Substring] = [:]
        func split(_ line: Substring) -> (Substring, Substring) {
            let name = line.prefix { $0 != " " }
            return (name, line.dropFirst(name.count + 1))
        }
        func finish() -> [Substring: Substring] {
            defer { fields = [:] }
            return fields
        }
        for line in TextLines(text[...]) {
            switch line.utf8.first {
            case UInt8(ascii: "@"):
                if !type.isEmpty { texts[package, default: [:]][type] = finish() }
                package = line.dropFirst()
                type = ""
            case UInt8(ascii: "+"):
                if !type.isEmpty { texts[package, default: [:]][type] = finish() }
                let (name, text) = split(line.dropFirst())
                type = name
                if !text.isEmpty { fields[""] = text }
            default:
                let (name, text) = split(line)
                fields[name] = text
            }
        }
        if !type.isEmpty { texts[package, default: [:]][type] = finish() }
    }

    /// The texts of a type's fields, and of the type itself under "".
    func fields(of type: TypeSchema) -> [Substring: Substring] {
        guard let dot = type.rowName.lastIndex(of: ".") else { return [:] }
        return texts[type.rowName[..<dot]]?[type.rowName[type.rowName.index(after: dot)...]] ?? [:]
    }

    /// The text of one field; nil unless its package was read.
    func text(_ package: Substring, _ type: Substring, _ field: Substring) -> String? {
        texts[package]?[type]?[field].map(Documentation.unescaped)
    }

    /// With the line breaks that are written as `\n` in the rows.
    static func unescaped(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                result.append(character == "n" ? "\n" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                result.append(character)
            }
        }
        return result
    }
}
