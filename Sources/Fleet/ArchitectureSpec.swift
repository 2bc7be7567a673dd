import KubeObject
import KubeRegistry

/// Which processors the pods of a virtual cluster are to have: `spec.architecture`.
enum ArchitectureSpec {
    /// - Parameters:
    ///   - old: what was stored before; nil for a new cluster.
    ///   - machine: the architecture of the machines that there are.
    static func errors(in spec: JSON, old: JSON?, machine: String = MachineArchitecture.name) -> [FieldError] {
        let wanted = spec["architecture"]?.string ?? ""
        guard wanted != old?["architecture"]?.string ?? "", !wanted.isEmpty, wanted != machine else { return [] }
        return [.notSupported("spec.architecture", .string(wanted), [machine])]
    }
}
