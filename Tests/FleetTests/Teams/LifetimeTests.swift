import KubeObject
import Testing

@testable import Fleet

@Suite struct LifetimeTests {
    /// What people are told is when it will be, also when the end went by while nobody could warn them.
    @Test func tellsWhenAClusterWillBeDeleted() {
        var cluster: JSON = ["metadata": ["creationTimestamp": "1970-01-01T00:00:00Z"], "spec": [:]]
        #expect(Lifetime.deletion(of: cluster, now: 10) == nil)
        cluster[path: "spec", "timeToLive"] = "1h"
        #expect(Lifetime.deletion(of: cluster, now: 10) == 3600)
        #expect(Lifetime.deletion(of: cluster, now: 10_000) == 10_300)
        func condition(_ status: String) -> JSON {
            ["type": "Expiring", "status": .string(status), "lastTransitionTime": "1970-01-01T02:46:40Z"]
        }
        cluster["status"] = ["conditions": [condition("True")]]
        #expect(Lifetime.warned(of: cluster) == 10_000)
        #expect(Lifetime.deletion(of: cluster, now: 10_200) == 10_300)
        cluster["status"] = ["conditions": [condition("False")]]
        #expect(Lifetime.warned(of: cluster) == nil)
    }
}
