import KubeStore
import Testing

struct KeyTests {
    @Test(arguments: [
        (Key(group: "", plural: "pods", namespace: "default", name: "web-1"), "core/pods/default/web-1"),
        (Key(group: "core", plural: "namespaces", name: "default"), "core/namespaces/_/default"),
        (Key(group: "apps", plural: "deployments", namespace: "a", name: "b"), "apps/deployments/a/b"),
        (
            Key(group: "rbac.authorization.k8s.io", plural: "clusterroles", name: "system:a/b"),
            "rbac.authorization.k8s.io/clusterroles/_/system:a/b"
        ),
    ])
    func hasFourParts(key: Key, text: String) {
        #expect(key.text == text)
        let again = Key(text)
        #expect(again == key)
        #expect(
            Key(group: again.group, plural: again.plural, namespace: again.namespace, name: again.name) == key)
        #expect(key.group != "core" && key.namespace != "_")
        #expect(text.hasPrefix(key.resourcePrefix))
    }

    @Test func prefixesEndWithASlash() {
        #expect(Key.prefix(group: "", plural: "pods") == "core/pods/")
        #expect(Key.prefix(group: "apps", plural: "deployments", namespace: "a") == "apps/deployments/a/")
        #expect(Key.prefix(group: "", plural: "nodes", namespace: "") == "core/nodes/_/")
    }

    @Test func areOrderedByBytes() {
        #expect(Key("a/b/c/Z") < Key("a/b/c/a"))
        #expect(Key("a/b/c-d/x") < Key("a/b/c/x"))
        #expect(!(Key("a") < Key("a")))
    }
}
