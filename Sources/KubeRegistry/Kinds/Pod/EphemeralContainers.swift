import KubeObject

/// Ephemeral containers: added to a pod that runs, and neither changed nor taken away again.
/// Source: https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/
enum EphemeralContainers {
    /// What they can't have.
    private static let forbidden = [
        "ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources", "resizePolicy", "restartPolicy",
    ]

    /// What is wrong with those of a pod's spec, beyond what is checked of every container.
    static func validate(_ spec: JSON, path: String, _ errors: inout FieldErrors) {
        let others = Set(["containers", "initContainers"].flatMap { spec[$0]?.elements ?? [] }.map { $0.text("name") })
        for (index, container) in (spec["ephemeralContainers"]?.elements ?? []).enumerated() {
            let path = "\(path).ephemeralContainers[\(index)]"
            let target = container.text("targetContainerName")
            if !target.isEmpty, !others.contains(target) { errors.add(.notFound("\(path).targetContainerName", .string(target))) }
            for key in self.forbidden where container[key].map({ !$0.isNull && !$0.isEmpty }) ?? false {
                errors.forbidden("\(path).\(key)", "cannot be set for an Ephemeral Container")
            }
            for (index, mount) in (container["volumeMounts"]?.elements ?? []).enumerated() {
                for key in ["subPath", "subPathExpr"] where !mount.text(key).isEmpty {
                    errors.forbidden("\(path).volumeMounts[\(index)].\(key)", "cannot be set for an Ephemeral Container")
                }
            }
        }
    }

    /// What an update may not do to those that are there.
    static func validateUpdate(_ new: JSON, old: JSON, _ errors: inout FieldErrors) {
        let wanted = Dictionary(
            (new["ephemeralContainers"]?.elements ?? []).map { ($0.text("name"), $0) }, uniquingKeysWith: { first, _ in first })
        for container in old["ephemeralContainers"]?.elements ?? [] {
            let name = container.text("name")
            guard let now = wanted[name] else {
                errors.forbidden("spec.ephemeralContainers", "existing ephemeral containers \(quoted(name)) may not be removed\n")
                continue
            }
            if !FieldErrors.isSame(now, container) {
                errors.forbidden("spec.ephemeralContainers", "existing ephemeral containers \(quoted(name)) may not be changed\n")
            }
        }
    }
}
