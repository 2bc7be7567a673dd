/// An error that clients get as a `Status` object, with upstream's code, reason and wording.
/// Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
public struct StatusError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The HTTP status code.
    public var code: Int
    /// `NotFound`, `Invalid`, ...
    public var reason: String
    public var message: String
    /// `details` of the Status, or nil.
    public var details: JSON?
    /// `metadata.continue` of the Status: where a list can go on that can't go on as it began.
    public var continueToken = ""
    /// Texts for `Warning` headers: a client is told of them although its request failed.
    public var warnings: [String] = []

    public init(code: Int, reason: String, message: String, details: JSON? = nil) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
    }

    public var description: String { message }

    /// The same with more to warn of.
    public func warning(_ warnings: [String]) -> StatusError {
        var error = self
        error.warnings = warnings + error.warnings
        return error
    }

    /// Seconds to wait before trying again, for the `Retry-After` header.
    public var retryAfterSeconds: Int? {
        get { (details?["retryAfterSeconds"]?.int).map { Int($0) } }
        set {
            if newValue != nil, details == nil { details = [:] }
            details?["retryAfterSeconds"] = newValue.map { .int(Int64($0)) }
        }
    }

    /// The `Status` object.
    public var status: JSON {
        var status: JSON = [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
            "code": .int(Int64(code)),
        ]
        if !reason.isEmpty { status["reason"] = .string(reason) }
        if !continueToken.isEmpty { status["metadata"] = ["continue": .string(continueToken)] }
        if let details { status["details"] = details }
        return status
    }

    /// An error as another API server sent it.
    public init?(status: JSON) {
        guard status["kind"]?.string == "Status" else { return nil }
        self.init(
            code: Int(status["code"]?.int ?? 500), reason: status["reason"]?.string ?? "",
            message: status["message"]?.string ?? "",
            details: status["details"])
    }
}

extension StatusError {
    private static func details(_ resource: GroupResource, _ name: String = "") -> JSON {
        var details: JSON = [:]
        if !name.isEmpty { details["name"] = .string(name) }
        if !resource.group.isEmpty { details["group"] = .string(resource.group) }
        if !resource.resource.isEmpty { details["kind"] = .string(resource.resource) }
        return details
    }

    public static func notFound(_ resource: GroupResource, _ name: String) -> StatusError {
        StatusError(code: 404, reason: "NotFound", message: "\(resource) \"\(name)\" not found", details: details(resource, name))
    }

    /// No such path.
    public static func unknownPath() -> StatusError {
        StatusError(
            code: 404, reason: "NotFound", message: "the server could not find the requested resource", details: [:])
    }

    public static func alreadyExists(_ resource: GroupResource, _ name: String) -> StatusError {
        StatusError(
            code: 409, reason: "AlreadyExists", message: "\(resource) \"\(name)\" already exists",
            details: details(resource, name))
    }

    public static func conflict(_ resource: GroupResource, _ name: String, _ why: String) -> StatusError {
        StatusError(
            code: 409, reason: "Conflict", message: "Operation cannot be fulfilled on \(resource) \"\(name)\": \(why)",
            details: details(resource, name))
    }

    /// The resourceVersion of an update isn't the stored one.
    public static func modified(_ resource: GroupResource, _ name: String) -> StatusError {
        conflict(
            resource, name, "the object has been modified; please apply your changes to the latest version and try again")
    }

    public static func invalid(_ kind: GroupKind, _ name: String, _ causes: [FieldError]) -> StatusError {
        var details: JSON = ["kind": .string(kind.kind)]
        if !name.isEmpty { details["name"] = .string(name) }
        if !kind.group.isEmpty { details["group"] = .string(kind.group) }
        if !causes.isEmpty { details["causes"] = .array(causes.map(\.cause)) }
        // The text says the same thing once.
        var said: Set<String> = []
        let problems = causes.map(\.description).filter { said.insert($0).inserted }
        let list =
            switch problems.count {
            case 0: ""
            case 1: ": \(problems[0])"
            default: ": [\(problems.joined(separator: ", "))]"
            }
        return StatusError(code: 422, reason: "Invalid", message: "\(kind) \"\(name)\" is invalid\(list)", details: details)
    }

    public static func badRequest(_ message: String) -> StatusError {
        StatusError(code: 400, reason: "BadRequest", message: message)
    }

    public static func unauthorized() -> StatusError {
        StatusError(code: 401, reason: "Unauthorized", message: "Unauthorized")
    }

    public static func forbidden(_ resource: GroupResource, _ name: String, _ why: String) -> StatusError {
        var subject = name.isEmpty ? "\(resource) is forbidden" : "\(resource) \"\(name)\" is forbidden"
        // A path that is no resource's.
        if resource.resource.isEmpty { subject = "forbidden" }
        return StatusError(code: 403, reason: "Forbidden", message: "\(subject): \(why)", details: details(resource, name))
    }

    public static func methodNotSupported(_ resource: GroupResource, _ action: String) -> StatusError {
        StatusError(
            code: 405, reason: "MethodNotAllowed", message: "\(action) is not supported on resources of kind \"\(resource)\"",
            details: details(resource))
    }

    /// No handler for this method on this path.
    public static func methodNotAllowed() -> StatusError {
        StatusError(
            code: 405, reason: "MethodNotAllowed", message: "the server does not allow this method on the requested resource",
            details: [:])
    }

    public static func notAcceptable(_ supported: [String]) -> StatusError {
        StatusError(
            code: 406, reason: "NotAcceptable",
            message: "only the following media types are accepted: \(supported.joined(separator: ", "))")
    }

    public static func unsupportedMediaType(_ sent: String, _ supported: [String]) -> StatusError {
        StatusError(
            code: 415, reason: "UnsupportedMediaType",
            message:
                "the body of the request was in an unknown format - accepted media types include: \(supported.joined(separator: ", "))"
        )
    }

    public static func requestEntityTooLarge(_ message: String) -> StatusError {
        StatusError(code: 413, reason: "RequestEntityTooLarge", message: message)
    }

    /// A resourceVersion or continue token that the server doesn't remember any more.
    public static func expired(_ message: String) -> StatusError {
        StatusError(code: 410, reason: "Expired", message: message)
    }

    public static func tooManyRequests(_ message: String, retryAfterSeconds: Int) -> StatusError {
        StatusError(
            code: 429, reason: "TooManyRequests", message: message, details: ["retryAfterSeconds": .int(Int64(retryAfterSeconds))]
        )
    }

    public static func timeout(_ message: String) -> StatusError {
        StatusError(code: 504, reason: "Timeout", message: message)
    }

    public static func serviceUnavailable(_ message: String) -> StatusError {
        StatusError(code: 503, reason: "ServiceUnavailable", message: message)
    }

    /// For what upstream has no words: `message` says what was being done, what was wrong and what to do.
    public static func internalError(_ message: String) -> StatusError {
        StatusError(
            code: 500, reason: "InternalError", message: "Internal error occurred: \(message)",
            details: ["causes": [["message": .string(message)]]])
    }
}
