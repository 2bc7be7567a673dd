import KubeObject

/// What is checked of a pod's containers.
enum ContainerValidation {
    static func validate(
        _ spec: JSON, volumes: Set<String>, path: String, isTemplate: Bool, _ errors: inout FieldErrors
    ) {
        let containers = spec["containers"]?.elements ?? []
        if containers.isEmpty { errors.required("\(path).containers") }
        var names: Set<String> = []
        var hostPorts: Set<String> = []
        for key in ["containers", "initContainers", "ephemeralContainers"] {
            for (index, container) in (spec[key]?.elements ?? []).enumerated() {
                let path = "\(path).\(key)[\(index)]"
                let name = container.text("name")
                if name.isEmpty {
                    errors.required("\(path).name")
                } else {
                    errors.invalid("\(path).name", name, Names.label(name))
                    if !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
                }
                validate(container, path, volumes, &errors)
                validatePorts(container, path, usesHostNetwork: spec["hostNetwork"]?.bool == true, &hostPorts, &errors)
                validateLifecycle(container, key, path, &errors)
            }
        }
        EphemeralContainers.validate(spec, path: path, &errors)
    }

    private static func validate(_ container: JSON, _ path: String, _ volumes: Set<String>, _ errors: inout FieldErrors) {
        let image = container.text("image")
        if image.isEmpty {
            errors.required("\(path).image")
        } else if image.first?.isWhitespace ?? false || image.last?.isWhitespace ?? false {
            errors.invalid("\(path).image", .string(image), "must not have leading or trailing whitespace")
        }
        errors.oneOf(
            container["imagePullPolicy"], ["Always", "IfNotPresent", "Never"], "\(path).imagePullPolicy", isRequired: true)
        errors.oneOf(
            container["terminationMessagePolicy"], ["FallbackToLogsOnError", "File"], "\(path).terminationMessagePolicy",
            isRequired: true)
        validateEnvironment(container, path, &errors)
        var mountPaths: Set<String> = []
        for (index, mount) in (container["volumeMounts"]?.elements ?? []).enumerated() {
            let path = "\(path).volumeMounts[\(index)]"
            let name = mount.text("name")
            if name.isEmpty {
                errors.required("\(path).name")
            } else if !volumes.contains(name) {
                errors.add(.notFound("\(path).name", .string(name)))
            }
            let target = mount.text("mountPath")
            if target.isEmpty {
                errors.required("\(path).mountPath")
            } else if !mountPaths.insert(target).inserted {
                errors.invalid("\(path).mountPath", .string(target), "must be unique")
            }
            let sub = mount.text("subPath")
            if sub.hasPrefix("/") { errors.invalid("\(path).subPath", .string(sub), "must be a relative path") }
            if sub.split(separator: "/").contains("..") {
                errors.invalid("\(path).subPath", .string(sub), "must not contain '..'")
            }
        }
        validateResources(container["resources"] ?? [:], "\(path).resources", &errors)
        for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
            if let probe = container[key], !probe.isNull { validateProbe(probe, key, "\(path).\(key)", &errors) }
        }
    }

    private static func validateLifecycle(_ container: JSON, _ key: String, _ path: String, _ errors: inout FieldErrors) {
        let isSidecar = key == "initContainers" && container.text("restartPolicy") == "Always"
        if key == "initContainers", !isSidecar {
            for probe in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"]
            where container[probe].map({ !$0.isNull }) ?? false {
                errors.forbidden("\(path).\(probe)", "may not be set for init containers without restartPolicy=Always")
            }
        }
        for hook in ["postStart", "preStop"] {
            guard let handler = container["lifecycle"]?[hook], !handler.isNull else { continue }
            validateHandler(handler, ["exec", "httpGet", "tcpSocket", "sleep"], "\(path).lifecycle.\(hook)", &errors)
        }
    }

    private static func validatePorts(
        _ container: JSON, _ path: String, usesHostNetwork: Bool, _ hostPorts: inout Set<String>, _ errors: inout FieldErrors
    ) {
        var names: Set<String> = []
        for (index, port) in (container["ports"]?.elements ?? []).enumerated() {
            let path = "\(path).ports[\(index)]"
            let name = port.text("name")
            if !name.isEmpty {
                errors.invalid("\(path).name", name, Names.port(name))
                if !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
            }
            let number = port["containerPort"]?.int ?? 0
            if number == 0 {
                errors.required("\(path).containerPort")
            } else {
                for problem in Names.portNumber(number) { errors.invalid("\(path).containerPort", .int(number), problem) }
            }
            let proto = port.text("protocol")
            errors.oneOf(.string(proto), ["SCTP", "TCP", "UDP"], "\(path).protocol", isRequired: true)
            if let host = port["hostPort"]?.int, host != 0 {
                for problem in Names.portNumber(host) { errors.invalid("\(path).hostPort", .int(host), problem) }
                if usesHostNetwork, host != number {
                    errors.invalid("\(path).containerPort", .int(number), "must match `hostPort` when `hostNetwork` is true")
                }
                let claim = "\(proto)/\(port.text("hostIP"))/\(host)"
                if !hostPorts.insert(claim).inserted { errors.duplicate("\(path).hostPort", .string(claim)) }
            }
        }
    }

    private static func validateEnvironment(_ container: JSON, _ path: String, _ errors: inout FieldErrors) {
        for (index, variable) in (container["env"]?.elements ?? []).enumerated() {
            let path = "\(path).env[\(index)]"
            let name = variable.text("name")
            if name.isEmpty {
                errors.required("\(path).name")
            } else {
                errors.invalid("\(path).name", name, Names.environmentVariable(name))
            }
            guard let source = variable["valueFrom"], !source.isNull else { continue }
            let kinds = (source.object ?? [:]).filter { !$1.isNull }
            if kinds.isEmpty {
                errors.invalid(
                    "\(path).valueFrom", .string(""),
                    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`")
            }
            if variable.has("value") {
                errors.invalid("\(path).valueFrom", .string(""), "may not be specified when `value` is not empty")
            } else if kinds.count > 1 {
                errors.invalid("\(path).valueFrom", .string(""), "may not have more than one field specified at a time")
            }
            for key in ["configMapKeyRef", "secretKeyRef"] {
                guard let reference = source[key], !reference.isNull else { continue }
                if reference.text("name").isEmpty { errors.required("\(path).valueFrom.\(key).name") }
                if reference.text("key").isEmpty {
                    errors.required("\(path).valueFrom.\(key).key")
                } else {
                    errors.invalid("\(path).valueFrom.\(key).key", reference.text("key"), Names.configKey(reference.text("key")))
                }
            }
            if let field = source["fieldRef"], !field.isNull { validateField(field, "\(path).valueFrom.fieldRef", &errors) }
        }
        for (index, source) in (container["envFrom"]?.elements ?? []).enumerated() {
            for key in ["configMapRef", "secretRef"] {
                guard let reference = source[key], !reference.isNull, reference.text("name").isEmpty else { continue }
                errors.required("\(path).envFrom[\(index)].\(key).name")
            }
        }
    }

    private static let fields: Set<String> = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
        "status.hostIPs", "status.podIP", "status.podIPs",
    ]

    private static func validateField(_ reference: JSON, _ path: String, _ errors: inout FieldErrors) {
        let field = reference.text("fieldPath")
        if field.isEmpty { return errors.required("\(path).fieldPath") }
        if fields.contains(field) { return }
        if field.hasPrefix("metadata.labels['") || field.hasPrefix("metadata.annotations['") { return }
        if field.hasPrefix("metadata.") || field.hasPrefix("spec.") || field.hasPrefix("status.") {
            errors.notSupported(
                "\(path).fieldPath", .string(field), fields.sorted())
        } else {
            errors.invalid("\(path).fieldPath", .string(field), "error converting fieldPath: field label not supported: \(field)")
        }
    }

    static func validateResources(_ resources: JSON, _ path: String, _ errors: inout FieldErrors) {
        var parsed: [String: [String: Quantity]] = [:]
        for list in ["limits", "requests"] {
            for (name, value) in resources[list]?.object ?? [:] {
                errors.invalid("\(path).\(list)[\(name)]", name, Names.qualified(name))
                guard let text = quantityText(value), let quantity = Result(catching: { try Quantity(text) }).value else {
                    continue
                }
                parsed[list, default: [:]][name] = quantity
                if quantity < Quantity(0) {
                    errors.invalid("\(path).\(list)[\(name)]", .string(text), "must be greater than or equal to 0")
                }
            }
        }
        for (name, request) in (parsed["requests"] ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let limit = parsed["limits"]?[name] else { continue }
            if request > limit {
                errors.invalid(
                    "\(path).requests", .string(request.description),
                    "must be less than or equal to \(name) limit of \(limit.description)")
            }
        }
    }

    private static func validateProbe(_ probe: JSON, _ kind: String, _ path: String, _ errors: inout FieldErrors) {
        validateHandler(probe, ["exec", "httpGet", "tcpSocket", "grpc"], path, &errors)
        for key in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
            errors.nonnegative(probe[key], "\(path).\(key)")
        }
        if kind != "readinessProbe", let threshold = probe["successThreshold"]?.int, threshold != 1 {
            errors.invalid("\(path).successThreshold", .int(threshold), "must be 1")
        }
        if let seconds = probe["terminationGracePeriodSeconds"]?.int {
            if kind == "readinessProbe" {
                errors.invalid("\(path).terminationGracePeriodSeconds", .int(seconds), "must not be set for readinessProbes")
            } else if seconds <= 0 {
                errors.invalid("\(path).terminationGracePeriodSeconds", .int(seconds), "must be greater than 0")
            }
        }
    }

    private static func validateHandler(_ handler: JSON, _ kinds: [String], _ path: String, _ errors: inout FieldErrors) {
        let present = kinds.filter { handler[$0].map { !$0.isNull } ?? false }
        if present.isEmpty { errors.required(path, "must specify a handler type") }
        for extra in present.dropFirst() { errors.forbidden("\(path).\(extra)", "may not specify more than 1 handler type") }
        if let exec = handler["exec"], !exec.isNull, !exec.has("command") { errors.required("\(path).exec.command") }
        for key in ["httpGet", "tcpSocket", "grpc"] {
            guard let action = handler[key], !action.isNull else { continue }
            switch action["port"] {
            case .int(let number)?:
                for problem in Names.portNumber(number) { errors.invalid("\(path).\(key).port", .int(number), problem) }
            case .string(let name)?: errors.invalid("\(path).\(key).port", name, Names.port(name))
            default: errors.required("\(path).\(key).port")
            }
        }
        if let action = handler["httpGet"], !action.isNull {
            if action.text("path").isEmpty { errors.required("\(path).httpGet.path") }
            errors.oneOf(action["scheme"], ["HTTP", "HTTPS"], "\(path).httpGet.scheme", isRequired: true)
        }
    }
}
