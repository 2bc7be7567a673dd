public import KubeObject

/// What a request would do, as authorization sees it.
public struct AccessAttributes: Sendable {
    public var user: UserInfo
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or a special one as `bind`; the lower-case
    /// HTTP method for a path.
    public var verb: String
    public var apiGroup: String
    public var apiVersion: String
    /// The plural; empty for a request to a path that is no resource.
    public var resource: String
    public var subresource: String
    /// Empty for the cluster scope.
    public var namespace: String
    public var name: String
    /// The field selector of a list, a watch or a deletion of many, as it was written; empty when there is none.
    public var fieldSelector = ""
    /// The path of a request that is no resource's, as `/healthz`.
    public var path: String

    /// A request for a resource.
    public init(
        user: UserInfo, verb: String, apiGroup: String, apiVersion: String = "", resource: String, subresource: String = "",
        namespace: String = "", name: String = ""
    ) {
        self.user = user
        self.verb = verb
        self.apiGroup = apiGroup
        self.apiVersion = apiVersion
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
        self.path = ""
    }

    /// A request for a path that is no resource's.
    public init(user: UserInfo, verb: String, path: String) {
        self.init(user: user, verb: verb, apiGroup: "", resource: "")
        self.path = path
    }

    public var isResourceRequest: Bool { !resource.isEmpty }

    /// `pods` or `pods/log`.
    var combinedResource: String { subresource.isEmpty ? resource : "\(resource)/\(subresource)" }

    /// The answer to a request that isn't allowed, in upstream's words.
    public func forbidden(reason: String = "") -> StatusError {
        var why: String
        if !isResourceRequest {
            why = "User \(quoted(user.name)) cannot \(verb) path \(quoted(path))"
        } else {
            why =
                "User \(quoted(user.name)) cannot \(verb) resource \(quoted(combinedResource)) in API group \(quoted(apiGroup))"
            why += namespace.isEmpty ? " at the cluster scope" : " in the namespace \(quoted(namespace))"
        }
        if !reason.isEmpty { why += ": \(reason)" }
        return .forbidden(GroupResource(group: apiGroup, resource: resource), name, why)
    }
}

/// A text in double quotes, with escapes as Go's `%q` gives them for printable text.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        default:
            if scalar.value < 0x20 || scalar.value == 0x7f {
                let digits = String(scalar.value, radix: 16)
                result += "\\x" + (digits.count == 1 ? "0" : "") + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }
    return result + "\""
}
