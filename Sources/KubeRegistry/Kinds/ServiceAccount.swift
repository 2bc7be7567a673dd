import KubeObject

/// ServiceAccount.
struct ServiceAccountRules: KindRules {
    var returnsDeletedObject: Bool { true }
}
