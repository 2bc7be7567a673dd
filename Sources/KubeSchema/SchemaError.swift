/// A schema declaration that can't be read.
public struct SchemaError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}
