public import KubeObject

/// Validation of where a webhook is (`clientConfig`), in upstream's words.
public enum WebhookConfigRules {
    private static let form = "desired format: https://host[/path]"

    public static func errors(in config: JSON, _ path: String) -> [FieldError] {
        let url = config["url"]?.string
        let service = config["service"]
        let hasService = service?.object != nil
        guard (url != nil) != hasService else { return [.required(path, "exactly one of url or service is required")] }
        if let url { return self.url(url, "\(path).url") }
        return self.service(service ?? [:], "\(path).service")
    }

    private static func url(_ url: String, _ path: String) -> [FieldError] {
        guard let colon = url.firstRange(of: "://") else {
            return [
                .invalid(
                    path, .string(url.prefix { $0 != ":" && $0 != "/" }.description),
                    "'https' is the only allowed URL scheme; \(form)")
            ]
        }
        var errors: [FieldError] = []
        let scheme = String(url[..<colon.lowerBound])
        if scheme != "https" {
            errors.append(.invalid(path, .string(scheme), "'https' is the only allowed URL scheme; \(form)"))
        }
        var rest = url[colon.upperBound...]
        var fragment = ""
        var query = ""
        if let hash = rest.firstIndex(of: "#") {
            fragment = String(rest[rest.index(after: hash)...])
            rest = rest[..<hash]
        }
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        var host = rest.prefix { $0 != "/" }
        var user: String?
        if let at = host.lastIndex(of: "@") {
            user = String(host[..<at])
            host = host[host.index(after: at)...]
        }
        if host.isEmpty { errors.append(.invalid(path, .string(""), "host must be specified; \(form)")) }
        if let user { errors.append(.invalid(path, .string(user), "user information is not permitted in the URL")) }
        if !fragment.isEmpty { errors.append(.invalid(path, .string(fragment), "fragments are not permitted in the URL")) }
        if !query.isEmpty { errors.append(.invalid(path, .string(query), "query parameters are not permitted in the URL")) }
        return errors
    }

    private static func service(_ service: JSON, _ path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for key in ["name", "namespace"] where service[key]?.string?.isEmpty ?? true {
            errors.append(.required("\(path).\(key)", ""))
        }
        if let port = service["port"]?.int, !(1...65_535).contains(port) {
            errors.append(
                .invalid("\(path).port", .int(port), "port is not valid: must be between 1 and 65535, inclusive"))
        }
        guard let given = service["path"]?.string, given != "/" else { return errors }
        func refuse(_ detail: String) { errors.append(.invalid("\(path).path", .string(given), detail)) }
        if !given.hasPrefix("/") { refuse("must start with a '/'") }
        var segments = given.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if segments.last?.isEmpty ?? false { segments.removeLast() }
        for (index, segment) in segments.enumerated() {
            if segment.isEmpty {
                refuse("segment[\(index)] may not be empty")
            } else if let problem = ObjectNames.subdomainProblem(String(segment)) {
                refuse("segment[\(index)]: \(problem)")
            }
        }
        return errors
    }
}
