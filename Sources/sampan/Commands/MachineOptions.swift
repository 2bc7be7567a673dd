import ArgumentParser
import KubeObject

/// Limits of what clusters take of the machine, as people write them: `memory=4Gi`, or `memory=none` for no limit.
enum MachineOptions {
    static let names = ["pods", "cpu", "memory", "storage", "exposures"]
    /// Those that are counted in ones.
    private static let counts = ["pods", "exposures", "clusters", "awakeClusters"]

    /// `memory=4Gi` as its two parts.
    static func split(_ text: String) throws -> (String, String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, names.contains(parts[0]) else {
            throw ValidationError("\(text): write RESOURCE=AMOUNT, with one of \(names.joined(separator: ", ")).")
        }
        return (parts[0], parts[1])
    }

    /// Amounts as the API has them; nil takes a limit away.
    ///
    /// - Parameter option: how a resource's amount was given, for what is said about a wrong one.
    static func parse(
        _ amounts: [(String, String)], option: (_ name: String, _ text: String) -> String
    ) throws -> [(String, JSON?)] {
        try amounts.map { name, text in
            if text == "none" { return (name, nil) }
            if counts.contains(name) {
                guard let count = Int64(text), count >= 0 else {
                    throw ValidationError("\(option(name, text)): must be a number of 0 or more, or none.")
                }
                return (name, .int(count))
            }
            let amount: Quantity?
            do { amount = try Quantity(text) } catch { amount = nil }
            guard let amount, amount >= Quantity(0) else {
                let what = amount == nil ? "give a quantity" : "must be 0 or more,"
                throw ValidationError(
                    "\(option(name, text)): \(what) such as \(name == "cpu" ? "4 or 500m" : "8Gi"), or none.")
            }
            return (name, .string(text))
        }
    }
}
