public import KubeObject

/// Where a custom resource keeps what its `scale` subresource shows.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#scale-subresource
public struct ScalePaths: Sendable {
    public let specReplicas: SimplePath
    public let statusReplicas: SimplePath
    public let labelSelector: SimplePath?

    init?(_ json: JSON) {
        guard let spec = SimplePath(json["specReplicasPath"]?.string ?? ""),
            let status = SimplePath(json["statusReplicasPath"]?.string ?? "")
        else { return nil }
        specReplicas = spec
        statusReplicas = status
        labelSelector = SimplePath(json["labelSelectorPath"]?.string ?? "")
    }

    /// The `autoscaling/v1` Scale of an object.
    /// - Throws: an internal error when the object doesn't say how many it wants, as upstream does.
    public func scale(of object: JSON) throws(StatusError) -> JSON {
        guard let wanted = specReplicas.value(in: object) else {
            throw .internalError("the spec replicas field \".\(specReplicas.text)\" does not exist")
        }
        guard let count = wanted.int else {
            throw .internalError("the spec replicas field \".\(specReplicas.text)\" is not an integer")
        }
        let metadata = object["metadata"]
        var scale: JSON = [
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": [:],
            "spec": count == 0 ? [:] : ["replicas": .int(count)],
            "status": ["replicas": .int(statusReplicas.value(in: object)?.int ?? 0)],
        ]
        for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            if let value = metadata?[key] { scale[path: "metadata", key] = value }
        }
        if let selector = labelSelector?.value(in: object)?.string, !selector.isEmpty {
            scale[path: "status", "selector"] = .string(selector)
        }
        return scale
    }

    /// What is wrong with the numbers and the selector, where an object has them.
    func errors(in object: JSON) -> [FieldError] {
        var errors: [FieldError] = []
        func check(_ path: SimplePath?, _ wanted: String, _ isGood: (JSON) -> Bool) {
            guard let path, let value = path.value(in: object), !isGood(value) else { return }
            let type =
                switch value {
                case .null: "<nil>"
                case .bool: "bool"
                case .int: "int64"
                case .double: "float64"
                case .string: "string"
                case .array: "[]interface {}"
                case .object: "map[string]interface {}"
                }
            let bad: JSON = wanted == "string" ? "" : 0
            errors.append(
                .invalid(
                    ".\(path.text)", bad,
                    ".\(path.text) accessor error: \(value.goDescription) is of the type \(type), expected \(wanted)"))
        }
        func isInteger(_ value: JSON) -> Bool { if case .int = value { true } else { false } }
        for path in [specReplicas, statusReplicas] {
            check(path, "int64", isInteger)
            guard case .int(let number)? = path.value(in: object) else { continue }
            if number < 0 {
                errors.append(.invalid(".\(path.text)", .int(number), "should be a non-negative integer"))
            } else if number > Int64(Int32.max) {
                errors.append(
                    .invalid(".\(path.text)", .int(number), "should be less than or equal to \(Int32.max)"))
            }
        }
        check(labelSelector, "string") { $0.string != nil }
        return errors
    }

    /// Writes what a client wants into the object. The scale's resource version, when it has one, becomes the object's precondition.
    public func apply(_ scale: JSON, to object: inout JSON) {
        object[keys: specReplicas.keys[...]] = .int(scale[path: "spec", "replicas"]?.int ?? 0)
        if let version = scale[path: "metadata", "resourceVersion"]?.string, !version.isEmpty {
            object[path: "metadata", "resourceVersion"] = .string(version)
        }
    }
}
