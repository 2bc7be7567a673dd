import KubeObject

/// ServiceAccount.
struct ServiceAccountRules: KindRules {
    var returnsDeletedObject: Bool { true }

    func warnings(_ object: JSON, old: JSON?) -> [String] {
        let key = "kubernetes.io/enforce-mountable-secrets"
        guard let value = object[path: "metadata", "annotations", key], old?[path: "metadata", "annotations", key] != value
        else { return [] }
        return [
            "metadata.annotations[\(key)]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        ]
    }
}
