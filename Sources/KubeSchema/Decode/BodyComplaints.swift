import KubeObject

/// What is wrong with a body's own form without making it unreadable.
public struct BodyComplaints: Sendable, ExpressibleByArrayLiteral {
    /// One text for each complaint.
    public var texts: [String]
    /// The paths of fields that stand twice in an object.
    public var duplicates: [String]
    /// The body in JSON, whose order is that of complaints; empty when there is none.
    public var text: [UInt8]

    public init(texts: [String] = [], duplicates: [String] = [], text: [UInt8] = []) {
        self.texts = texts
        self.duplicates = duplicates
        self.text = text
    }

    public init(arrayLiteral texts: String...) { self.init(texts: texts) }

    /// The complaints, and one for each field that a type doesn't have: of a type of upstream's own in the order of the text.
    func with(unknown: [String], isCustom: Bool) -> [String] {
        let doubled = duplicates.map { (path: $0, text: "duplicate field \(JSON.string($0).text)", place: 1) }
        let unknown = unknown.map { (path: $0, text: "unknown field \(JSON.string($0).text)", place: 0) }
        var all = doubled + unknown
        if all.count > 1, !text.isEmpty, !isCustom {
            let positions = JSON.positions(of: all.map(\.path), in: text)
            // What can't be found stays behind the others.
            func position(_ problem: (path: String, text: String, place: Int)) -> Int {
                let found = positions[problem.path] ?? []
                return problem.place < found.count ? found[problem.place] : text.count
            }
            let order = all.indices.sorted { (position(all[$0]), $0) < (position(all[$1]), $1) }
            all = order.map { all[$0] }
        }
        return texts + all.map(\.text)
    }
}
