public import KubeObject

/// One change in a transaction.
public struct Write: Sendable {
    public enum Kind: Sendable {
        /// Creates or replaces the object.
        case put(Draft)
        /// Removes the object.
        case delete
        /// Changes nothing and takes no revision: only the expectation is checked.
        case check
    }

    /// What must be true of the key just before this write, the transaction's earlier writes included.
    public enum Expectation: Sendable, Hashable {
        case any
        case absent
        case present
        /// Present with this resourceVersion.
        case revision(UInt64)
    }

    public var key: Key
    public var kind: Kind
    public var expect: Expectation

    public init(key: Key, kind: Kind, expect: Expectation = .any) {
        self.key = key
        self.kind = kind
        self.expect = expect
    }

    public static func put(_ draft: Draft, at key: Key, expect: Expectation = .any) -> Write {
        Write(key: key, kind: .put(draft), expect: expect)
    }

    public static func delete(_ key: Key, expect: Expectation = .any) -> Write {
        Write(key: key, kind: .delete, expect: expect)
    }

    public static func check(_ key: Key, expect: Expectation) -> Write {
        Write(key: key, kind: .check, expect: expect)
    }
}
