extension Object {
    /// The same object at another resourceVersion: what a deletion's event carries.
    public func resealed(resourceVersion: UInt64) -> Object {
        let old = Array("\"resourceVersion\":\"\(metadata.resourceVersion)\"".utf8)
        let new = Array("\"resourceVersion\":\"\(resourceVersion)\"".utf8)
        // Sorted keys put little that could hold the same text before the metadata; where it is there twice, the long way
        // round is the sure one.
        if let only = bytes.onlyRange(of: old) {
            var bytes = bytes
            bytes.replaceSubrange(only, with: new)
            var metadata = metadata
            metadata.resourceVersion = resourceVersion
            return Object(bytes: bytes, metadata: metadata, apiVersion: apiVersion, kind: kind)
        }
        // An object's own tree always makes a draft again.
        return (try? Draft(tree).sealed(resourceVersion: resourceVersion)) ?? self
    }
}

extension [UInt8] {
    /// Where a pattern occurs, when it occurs exactly once.
    fileprivate func onlyRange(of pattern: [UInt8]) -> Range<Int>? {
        withUnsafeBufferPointer { bytes in
            var found: Range<Int>?
            var start = 0
            while start + pattern.count <= bytes.count {
                var matched = 0
                while matched < pattern.count, bytes[start + matched] == pattern[matched] { matched += 1 }
                if matched == pattern.count {
                    guard found == nil else { return nil }
                    found = start..<(start + matched)
                }
                start += matched == pattern.count ? matched : 1
            }
            return found
        }
    }
}
