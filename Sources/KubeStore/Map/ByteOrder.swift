#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Orders two strings by their UTF-8 bytes: negative, zero or positive as `memcmp`.
///
/// Swift's own string order is by canonical equivalence, in which two different byte sequences can be equal.
func compareBytes(_ left: String, _ right: String) -> Int {
    withBytes(left, right) { left, right in
        let order = compare(left, right, min(left.count, right.count))
        return order != 0 ? order : left.count - right.count
    }
}

/// Whether `text` starts with the bytes of `prefix`.
func hasBytePrefix(_ text: String, _ prefix: String) -> Bool {
    comparePrefix(text, prefix) == 0
}

/// Orders the first bytes of `text`, as many as `prefix` has, against `prefix`.
func comparePrefix(_ text: String, _ prefix: String) -> Int {
    withBytes(text, prefix) { text, prefix in
        let order = compare(text, prefix, min(text.count, prefix.count))
        return order != 0 || text.count >= prefix.count ? order : -1
    }
}

@inline(__always)
private func compare(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>, _ count: Int) -> Int {
    guard count > 0, let left = left.baseAddress, let right = right.baseAddress else { return 0 }
    return Int(memcmp(left, right, count))
}

@inline(__always)
private func withBytes(
    _ left: String, _ right: String, _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Int
) -> Int {
    let fast = left.utf8.withContiguousStorageIfAvailable { left in
        right.utf8.withContiguousStorageIfAvailable { right in body(left, right) }
    }
    if let result = fast ?? nil { return result }
    return Array(left.utf8).withUnsafeBufferPointer { left in
        Array(right.utf8).withUnsafeBufferPointer { right in body(left, right) }
    }
}
