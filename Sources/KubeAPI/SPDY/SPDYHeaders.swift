/// A block of names and values: their number, and each with its length before it, in four bytes.
/// Source: SPDY draft 3.1, section 2.6.10
package enum SPDYHeaders {
    package static func encode(_ headers: [(name: String, value: String)]) -> [UInt8] {
        var bytes = headers.count.bigEndianBytes
        for (name, value) in headers {
            bytes += name.utf8.count.bigEndianBytes + Array(name.lowercased().utf8)
            bytes += value.utf8.count.bigEndianBytes + Array(value.utf8)
        }
        return bytes
    }

    /// The first value of each name.
    /// - Throws: for a block that ends early, has bytes left over, or names that are empty, not in lower case, or come twice.
    static func decode(_ block: [UInt8]) throws(SPDYError) -> [String: String] {
        var rest = block[...]
        func number() throws(SPDYError) -> Int {
            guard rest.count >= 4 else { throw .headers("a block of headers ends early") }
            defer { rest = rest.dropFirst(4) }
            return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        }
        func text() throws(SPDYError) -> ArraySlice<UInt8> {
            let count = try number()
            guard rest.count >= count else { throw .headers("a block of headers ends early") }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        var headers: [String: String] = [:]
        for _ in 0..<(try number()) {
            let name = String(decoding: try text(), as: UTF8.self)
            let value = try text()
            guard !name.isEmpty, name.lowercased() == name else { throw .headers("the name of a header isn't in lower case") }
            guard headers[name] == nil else { throw .headers("the header \(name) comes twice") }
            // Several values are set apart by a zero byte.
            headers[name] = String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard rest.isEmpty else { throw .headers("a block of headers is followed by something") }
        return headers
    }
}

extension Int {
    /// The lowest four bytes, the highest of them first.
    var bigEndianBytes: [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self >> $0) }
    }
}
