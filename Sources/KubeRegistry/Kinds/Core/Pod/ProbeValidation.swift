import KubeObject

/// What is checked of probes and of the handlers of a container's lifecycle.
enum ProbeValidation {
    /// The handlers and probes of a container that may have them.
    static func validateAll(_ container: JSON, gracePeriod: Int64?, _ path: String, _ errors: inout FieldErrors) {
        if let lifecycle = container.present("lifecycle") {
            for hook in ["postStart", "preStop"] {
                guard let handler = lifecycle.present(hook) else { continue }
                validateHandler(
                    handler, ["exec", "httpGet", "tcpSocket", "sleep"], gracePeriod, "\(path).lifecycle.\(hook)", &errors)
            }
        }
        for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
            if let probe = container.present(kind) { validate(probe, kind, gracePeriod, "\(path).\(kind)", &errors) }
        }
    }

    private static func validate(
        _ probe: JSON, _ kind: String, _ gracePeriod: Int64?, _ path: String, _ errors: inout FieldErrors
    ) {
        validateHandler(probe, ["exec", "httpGet", "tcpSocket", "grpc"], gracePeriod, path, &errors)
        errors.nonnegative(
            probe, ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"], path)
        let grace = probe["terminationGracePeriodSeconds"]?.int
        if let grace, grace <= 0 {
            errors.invalid("\(path).terminationGracePeriodSeconds", .int(grace), "must be greater than 0")
        }
        if kind == "readinessProbe" {
            if let grace {
                errors.invalid("\(path).terminationGracePeriodSeconds", .int(grace), "must not be set for readinessProbes")
            }
        } else if let threshold = probe["successThreshold"]?.int, threshold != 1 {
            errors.invalid("\(path).successThreshold", .int(threshold), "must be 1")
        }
    }

    private static func validateHandler(
        _ handler: JSON, _ kinds: [String], _ gracePeriod: Int64?, _ path: String, _ errors: inout FieldErrors
    ) {
        let present = kinds.filter { handler.present($0) != nil }
        guard let first = present.first, let action = handler[first] else {
            return errors.required(path, "must specify a handler type")
        }
        validateAction(action, first, gracePeriod, "\(path).\(first)", &errors)
        for extra in present.dropFirst() { errors.forbidden("\(path).\(extra)", "may not specify more than 1 handler type") }
    }

    private static func validateAction(
        _ action: JSON, _ kind: String, _ gracePeriod: Int64?, _ path: String, _ errors: inout FieldErrors
    ) {
        switch kind {
        case "exec": if !action.has("command") { errors.required("\(path).command") }
        case "httpGet":
            if !action.has("path") { errors.required("\(path).path") }
            errors.port(action["port"], "\(path).port")
            let scheme = action.text("scheme")
            if scheme != "HTTP", scheme != "HTTPS" { errors.notSupported("\(path).scheme", .string(scheme), ["HTTP", "HTTPS"]) }
            for header in action["httpHeaders"]?.elements ?? [] {
                errors.invalid("\(path).httpHeaders", header.text("name"), Names.httpHeader(header.text("name")))
            }
        case "sleep":
            let seconds = action["seconds"]?.int ?? 0
            if let gracePeriod, seconds < 0 || seconds > gracePeriod {
                errors.invalid(
                    path, .int(seconds), "must be non-negative and less than terminationGracePeriodSeconds (\(gracePeriod))")
            }
        default: errors.port(action["port"], "\(path).port")
        }
    }
}
