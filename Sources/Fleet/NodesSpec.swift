import KubeObject
import KubeRegistry

/// How many nodes a virtual cluster has: `spec.nodes`.
enum NodesSpec {
    static func count(_ spec: JSON) -> Int64 {
        guard let count = spec["nodes"]?.int, MachineNodes.allowed.contains(count) else { return 1 }
        return count
    }

    /// - Parameter old: what was stored before; nil for a new cluster.
    static func errors(in spec: JSON, old: JSON?) -> [FieldError] {
        var errors: [FieldError] = []
        if let count = spec["nodes"]?.int, !MachineNodes.allowed.contains(count) {
            let (least, most) = (MachineNodes.allowed.lowerBound, MachineNodes.allowed.upperBound)
            errors.append(.invalid("spec.nodes", .int(count), "must be between \(least) and \(most), inclusive"))
        }
        if let old, count(old) != count(spec) {
            errors.append(.invalid("spec.nodes", spec["nodes"] ?? .null, "field is immutable"))
        }
        return errors
    }
}
