public import KubeObject

/// Merges what a mutating policy wants into an object: as server-side apply does, but nobody keeps books of it.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
public enum ApplyConfiguration {
    /// Why a configuration can't be merged.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public var description: String
    }

    /// - Parameters:
    ///   - wanted: with `apiVersion` and `kind` of `live`.
    ///   - type: nil when it isn't known.
    /// - Throws: when it hasn't the shape of its type, or would replace something as a whole without saying so.
    public static func merge(_ wanted: JSON, into live: JSON, type: TypeSchema?) throws(Failure) -> JSON {
        if let type, let problem = ApplyCheck.problem(of: wanted, type: type) {
            throw Failure(description: "failed to convert patch object to typed object: \(problem)")
        }
        let shape = ApplyShape(type)
        var found: [String] = []
        findAtomics(wanted, shape, "", &found)
        if !found.isEmpty {
            throw Failure(
                description:
                    "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: \(found.joined(separator: ", "))")
        }
        return ApplyMerge.merge(live, wanted, shape) ?? live
    }

    private static func findAtomics(_ value: JSON, _ shape: ApplyShape, _ path: String, _ found: inout [String]) {
        switch (value, shape) {
        case (.array, .atomic), (.object, .atomic): found.append(path)
        case (.object(let members), .map(let known)):
            for (name, member) in members {
                findAtomics(member, ApplyShape.member(name, of: known, value: member).shape, "\(path).\(name)", &found)
            }
        case (.array(let elements), .keyedList), (.array(let elements), .set):
            for (index, element) in elements.enumerated() {
                findAtomics(element, shape.element(element), "\(path)[\(index)]", &found)
            }
        default: break
        }
    }
}
