import HTTPTypes
import KubeRegistry
import Testing

@testable import KubeAPI

@Suite struct ClusterUseTests {
    private static let alice = UserInfo(name: "alice", groups: ["system:masters"])

    private func use(
        _ method: HTTPRequest.Method, _ path: String, query: String = "", user: UserInfo = alice, isFromPod: Bool = false
    ) -> ClusterUse? {
        let items = QueryItems(query)
        return ClusterUse(
            RequestInfo(method: method, path: path, query: items), user: user, isFromPod: isFromPod,
            follows: items.flag("follow"), changesNothing: items["dryRun"]?.isEmpty == false)
    }

    @Test(
        arguments: [
            (.post, "/api/v1/namespaces/a/pods", "create by alice of pods a"),
            (.delete, "/api/v1/namespaces/a/pods/b", "delete by alice of pods a/b"),
            (.patch, "/apis/apps/v1/namespaces/a/deployments/b/scale", "patch by alice of deployments a/b"),
            (.put, "/api/v1/nodes/n", "update by alice of nodes n"),
            (.get, "/api/v1/namespaces/a/pods/b/exec", "exec by alice in pods a/b"),
            (.post, "/api/v1/namespaces/a/pods/b/portforward", "portforward by alice in pods a/b"),
            (.get, "/api/v1/namespaces/a/services/b:80/proxy/x", "proxy by alice in services a/b:80"),
        ] as [(HTTPRequest.Method, String, String)])
    func usesNeedPods(method: HTTPRequest.Method, path: String, text: String) {
        #expect(use(method, path)?.text == text)
        #expect(use(method, path)?.needsPods == true)
        #expect(use(method, path, isFromPod: true) == nil)
        #expect(use(method, path, user: UserInfo(name: "system:node:n", groups: ["system:nodes"])) == nil)
    }

    @Test(
        arguments: [
            (.get, "/api/v1/namespaces/a/pods", ""), (.get, "/api/v1/pods", "watch=1"), (.get, "/version", ""),
            (.post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", ""),
            (.put, "/apis/coordination.k8s.io/v1/namespaces/a/leases/b", ""), (.post, "/api/v1/namespaces/a/events", ""),
            (.post, "/api/v1/namespaces/a/pods", "dryRun=All"),
        ] as [(HTTPRequest.Method, String, String)])
    func lookingIsNoUse(method: HTTPRequest.Method, path: String, query: String) {
        #expect(use(method, path, query: query) == nil)
    }

    @Test func aLogIsThereWithoutPodsUnlessItIsFollowed() {
        #expect(use(.get, "/api/v1/namespaces/a/pods/b/log")?.needsPods == false)
        #expect(use(.get, "/api/v1/namespaces/a/pods/b/log", query: "follow=true")?.needsPods == true)
    }

    @Test(
        arguments: [
            (.get, "/apis/fruit.example.com/v1/namespaces/a/apples", "list by alice of apples.fruit.example.com a"),
            (.get, "/apis/fruit.example.com/v1/namespaces/a/apples/b", "get by alice of apples.fruit.example.com a/b"),
            (.get, "/openapi/v3/apis/fruit.example.com/v1", "get by alice of /openapi/v3/apis/fruit.example.com/v1"),
        ] as [(HTTPRequest.Method, String, String)])
    func whateverAnExtensionServerIsAskedNeedsIt(method: HTTPRequest.Method, path: String, text: String) {
        let info = RequestInfo(method: method, path: path, query: QueryItems(""))
        let use = ClusterUse(extension: info, path: path, user: Self.alice, isFromPod: false)
        #expect(use == ClusterUse(.extension, text))
        #expect(ClusterUse(extension: info, path: path, user: Self.alice, isFromPod: true) == nil)
    }
}
