import KubeObject

/// Values with a text form of their own, read and written as Go's types do.
enum GoValue {
    /// Canonical, from a string or a number.
    static func quantity(_ value: JSON) throws(DecodeError) -> String {
        let text: String
        switch value {
        case .string(let string): text = string.trimmingPrefix(while: \.isWhitespace).description
        default: text = value.text
        }
        do { return try Quantity(text).description } catch { throw DecodeError(message: error.description) }
    }

    /// In UTC, with or without microseconds; the zero time is null.
    static func time(_ text: String, micro: Bool) throws(DecodeError) -> JSON {
        if let problem = GoTime.problem(text, micro: micro) { throw DecodeError(message: problem) }
        guard let seconds = Timestamp.parse(text) else { throw DecodeError(message: "parsing time \(JSON.string(text).text)") }
        if text == "0001-01-01T00:00:00Z" { return .null }
        return .string(micro ? Timestamp.formatMicro(seconds) : Timestamp.format(seconds))
    }

    /// The text without line breaks. Go's decoder reads standard base64 with padding.
    static func base64(_ text: String) throws(DecodeError) -> String {
        var inQuantum = 0
        var padding = 0
        var hasBreaks = false
        var offset = 0
        func corrupt(_ offset: Int) -> DecodeError { DecodeError(message: "illegal base64 data at input byte \(offset)") }
        for byte in text.utf8 {
            defer { offset += 1 }
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): hasBreaks = true
            case UInt8(ascii: "="):
                if padding == 0, inQuantum < 2 { throw corrupt(offset) }
                padding += 1
                inQuantum += 1
                if inQuantum > 4 { throw corrupt(offset) }
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                if padding > 0 { throw corrupt(offset) }
                inQuantum = inQuantum == 4 ? 1 : inQuantum + 1
            default: throw corrupt(offset)
            }
        }
        if inQuantum != 0, inQuantum != 4 { throw corrupt(padding > 0 ? offset : offset - inQuantum) }
        return hasBreaks ? String(decoding: text.utf8.filter { $0 != 10 && $0 != 13 }, as: UTF8.self) : text
    }
}
