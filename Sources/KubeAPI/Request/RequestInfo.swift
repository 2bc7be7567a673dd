import HTTPTypes
import KubeRegistry

/// What a request's method and path mean, as upstream reads them.
/// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
struct RequestInfo: Sendable, Equatable {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for a path that is no resource's, the
    /// method in lower case.
    var verb: String
    var isResource = false
    /// Decoded.
    var path: String
    var group = ""
    var version = ""
    var resource = ""
    var subresource = ""
    var namespace = ""
    var name = ""
    /// Of a list, a watch or a deletion of many.
    var fieldSelector = ""
    /// What follows the subresource, as `/proxy/…` takes it.
    var rest: [String] = []

    init(method: HTTPRequest.Method, path rawPath: String, query: QueryItems) {
        let parts = rawPath.utf8.split(separator: UInt8(ascii: "/")).map { PercentCoding.decode(Substring($0)) }
        self.path = PercentCoding.decode(rawPath)
        self.verb = method.rawValue.lowercased()
        var left = parts[...]
        switch left.popFirst() {
        case "api":
            guard let version = left.popFirst() else { return }
            self.version = version
        case "apis":
            guard let group = left.popFirst(), let version = left.popFirst() else { return }
            self.group = group
            self.version = version
        default: return
        }
        guard !left.isEmpty else { return }
        self.isResource = true
        switch method {
        case .post: self.verb = "create"
        case .get, .head: self.verb = "get"
        case .put: self.verb = "update"
        case .patch: self.verb = "patch"
        case .delete: self.verb = "delete"
        default: break
        }
        // The old form, /api/v1/watch/…
        let isWatchPath = left.first == "watch" && left.count > 1 && self.verb == "get"
        if isWatchPath {
            left.removeFirst()
            self.verb = "watch"
        }
        if left.first == "namespaces", left.count > 1 {
            let namespace = left[left.startIndex + 1]
            self.namespace = namespace
            // `namespaces/x` is an object, as are its own subresources.
            if left.count > 2, !["status", "finalize"].contains(left[left.startIndex + 2]) { left = left.dropFirst(2) }
        }
        self.resource = left.popFirst() ?? ""
        self.name = left.popFirst() ?? ""
        self.subresource = left.popFirst() ?? ""
        self.rest = Array(left)

        if self.name.isEmpty, self.verb == "get" { self.verb = "list" }
        if self.name.isEmpty, self.verb == "delete" { self.verb = "deletecollection" }
        if ["list", "watch", "deletecollection"].contains(self.verb) { self.fieldSelector = query["fieldSelector"] ?? "" }
        if self.verb == "list" || self.verb == "watch" {
            if self.verb == "list", query.flag("watch") { self.verb = "watch" }
            // One object watched by its name is authorized by its name.
            if self.name.isEmpty, let selector = query["fieldSelector"], let name = Self.name(in: selector) { self.name = name }
        } else if self.verb == "get", self.subresource.isEmpty, query.flag("watch") {
            self.verb = "watch"
        }
    }

    /// The name that a selector as `metadata.name=x` asks for.
    private static func name(in selector: String) -> String? {
        for term in selector.split(separator: ",") {
            for prefix in ["metadata.name==", "metadata.name="] where term.hasPrefix(prefix) {
                let name = String(term.dropFirst(prefix.count))
                return name.isEmpty || name.contains("/") || name.contains("%") ? nil : name
            }
        }
        return nil
    }

    /// Watches and other requests without an end of their own: not counted among those in progress.
    var isLongRunning: Bool {
        self.verb == "watch" || (self.isResource && ["log", "exec", "attach", "portforward", "proxy"].contains(self.subresource))
    }

    func attributes(of user: UserInfo) -> AccessAttributes {
        guard self.isResource else { return AccessAttributes(user: user, verb: self.verb, path: self.path) }
        var attributes = AccessAttributes(
            user: user, verb: self.verb, apiGroup: self.group, apiVersion: self.version, resource: self.resource,
            subresource: self.subresource, namespace: self.namespace, name: self.name)
        attributes.fieldSelector = self.fieldSelector
        return attributes
    }
}
