import KubeObject

extension JSON {
    /// A member's text, empty when there is none.
    func text(_ key: String) -> String { self[key]?.string ?? "" }
}
