/// The nodes that a cluster may have on this machine: the first goes by the machine's name, the others have their number behind it. All of them
/// are the same machine, so what they say they have is there once.
public struct MachineNodes: Sendable, Equatable {
    /// How many a cluster may have.
    public static let allowed: ClosedRange<Int64> = 1...10

    /// The name of the first.
    public let first: String

    public init(first: String) { self.first = first }

    /// - Parameter number: from 1.
    public func name(_ number: Int64) -> String { number == 1 ? first : "\(first)-\(number)" }

    /// Whether a node of this name is this machine, in any cluster.
    public func contains(_ name: String) -> Bool { number(of: name) != nil }

    /// Nil for others' nodes.
    public func number(of name: String) -> Int64? {
        if name == first { return 1 }
        guard name.hasPrefix("\(first)-"), let number = Int64(name.dropFirst(first.count + 1)) else { return nil }
        return number > 1 && Self.allowed.contains(number) && self.name(number) == name ? number : nil
    }
}
