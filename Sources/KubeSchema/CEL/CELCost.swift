/// The least and the most of something: steps of an evaluation, or elements of a value. Everything saturates.
struct CELRange: Sendable, Equatable {
    var least: UInt64
    var most: UInt64

    init(_ least: UInt64, _ most: UInt64) {
        self.least = least
        self.most = most
    }

    init(exactly value: UInt64) { self.init(value, value) }

    static let unknown = CELRange(0, .max)

    static func + (left: CELRange, right: CELRange) -> CELRange {
        CELRange(add(left.least, right.least), add(left.most, right.most))
    }

    static func * (left: CELRange, right: CELRange) -> CELRange {
        CELRange(multiply(left.least, right.least), multiply(left.most, right.most))
    }

    static func * (left: CELRange, factor: Double) -> CELRange {
        CELRange(multiply(left.least, by: factor), multiply(left.most, by: factor))
    }

    func union(_ other: CELRange) -> CELRange { CELRange(min(least, other.least), max(most, other.most)) }

    static func add(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    static func multiply(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? .max : product
    }

    private static func multiply(_ value: UInt64, by factor: Double) -> UInt64 {
        let product = (Double(value) * factor).rounded(.up)
        return product.isNaN || product <= 0 ? 0 : product >= 0x1p64 ? .max : UInt64(product)
    }

    /// What reading a text of this length once costs.
    var traversal: CELRange { self * 0.1 }
    /// What one step of a pattern of this length costs.
    var pattern: CELRange { self * 0.25 }
}

/// How large the values of a declared type can be, for estimates of what expressions on them can cost.
public final class CELSizes: Sendable {
    public let type: CELType
    /// By the names that expressions write.
    public let fields: [String: CELSizes]
    public let key: CELSizes?
    public let element: CELSizes?
    /// Of a text its length, of lists and maps their elements; 0 for what has no size.
    public let most: UInt64
    /// In bytes of JSON.
    public let leastBytes: UInt64

    public init(
        _ type: CELType, fields: [String: CELSizes] = [:], key: CELSizes? = nil, element: CELSizes? = nil, most: UInt64 = 0,
        leastBytes: UInt64
    ) {
        self.type = type
        self.fields = fields
        self.key = key
        self.element = element
        self.most = most
        self.leastBytes = leastBytes
    }
}

extension CELCheckedProgram {
    /// The most that one evaluation can cost, in the units of `CELBudget`.
    ///
    /// - Parameter sizes: of the value that every variable has.
    public func cost(_ sizes: CELSizes) -> UInt64 {
        var estimator = CELCostEstimator(self, sizes)
        return estimator.cost(tree.root).most
    }
}
