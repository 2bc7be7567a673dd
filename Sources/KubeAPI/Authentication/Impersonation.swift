import HTTPTypes
import KubeObject
import KubeRegistry
import KubeStore

/// Acting as somebody else, by headers, as far as RBAC lets one.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
enum Impersonation {
    private static let extraPrefix = "impersonate-extra-"

    /// The user that the request is to be judged as.
    /// - Throws: 400 for groups without a user, 403 when the requester may not.
    static func user(
        for request: APIRequest, by requester: UserInfo, in cluster: LogicalCluster, authorizer: Authorizer
    ) throws(StatusError) -> UserInfo {
        let name = request.headers[.impersonateUser] ?? ""
        var groups = request.headers[values: .impersonateGroup].filter { !$0.isEmpty }
        let uid = request.headers[.impersonateUID] ?? ""
        var extra: [String: [String]] = [:]
        for field in request.headers where field.name.canonicalName.hasPrefix(self.extraPrefix) {
            let key = PercentCoding.decode(field.name.canonicalName.dropFirst(self.extraPrefix.count))
            extra[key, default: []].append(field.value)
        }
        guard !name.isEmpty else {
            guard groups.isEmpty, uid.isEmpty, extra.isEmpty else {
                throw .internalError(
                    "requested \(groups.isEmpty && uid.isEmpty ? "extra" : "groups") without impersonating a user name")
            }
            return requester
        }

        func require(_ group: String, _ resource: String, _ subresource: String = "", _ namespace: String = "", _ name: String)
            throws(StatusError)
        {
            try authorizer.require(
                AccessAttributes(
                    user: requester, verb: "impersonate", apiGroup: group, resource: resource, subresource: subresource,
                    namespace: namespace, name: name), in: cluster)
        }

        let account = Self.serviceAccount(name)
        if let account {
            try require("", "serviceaccounts", "", account.namespace, account.name)
        } else {
            try require("", "users", "", "", name)
        }
        for group in groups { try require("", "groups", "", "", group) }
        if !uid.isEmpty { try require("authentication.k8s.io", "uids", "", "", uid) }
        for (key, values) in extra {
            for value in values { try require("authentication.k8s.io", "userextras", key, "", value) }
        }

        if let account, groups.isEmpty {
            groups = ["system:serviceaccounts", "system:serviceaccounts:\(account.namespace)"]
        }
        if name == "system:anonymous" {
            if !groups.contains("system:unauthenticated") { groups.append("system:unauthenticated") }
        } else if !groups.contains("system:authenticated"), !groups.contains("system:unauthenticated") {
            groups.append("system:authenticated")
        }
        return UserInfo(name: name, uid: uid, groups: groups, extra: extra)
    }

    private static func serviceAccount(_ name: String) -> (namespace: String, name: String)? {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount", !parts[2].isEmpty, !parts[3].isEmpty else {
            return nil
        }
        return (parts[2], parts[3])
    }
}
