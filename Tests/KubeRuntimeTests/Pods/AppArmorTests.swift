import KubeObject
import Testing

@testable import KubeRuntime

struct AppArmorTests {
    private func pod(_ spec: JSON) throws -> Pod {
        Pod(
            tree: ["metadata": ["name": "p", "namespace": "d"], "spec": spec],
            metadata: try Metadata(of: ["metadata": ["name": "p", "namespace": "d"]]))
    }

    @Test(arguments: [
        ("RuntimeDefault", true), ("Localhost", true), ("Unconfined", false),
    ])
    func aProfileIsRefusedWhereNobodyEnforcesIt(_ type: String, _ isRefused: Bool) throws {
        let context: JSON = ["appArmorProfile": ["type": .string(type), "localhostProfile": "x"]]
        for pod in [
            try pod(["securityContext": context, "containers": [["name": "a"]]]),
            try pod(["containers": [["name": "a"], ["name": "b", "securityContext": context]]]),
            try pod(["initContainers": [["name": "i", "securityContext": context]], "containers": [["name": "a"]]]),
        ] {
            let rejection = AppArmor.rejection(of: pod, isEnforced: false)
            #expect((rejection != nil) == isRefused)
            if let rejection {
                #expect(rejection.reason == "AppArmor")
                #expect(rejection.message == "Cannot enforce AppArmor: AppArmor is not enabled on the host")
            }
            #expect(AppArmor.rejection(of: pod, isEnforced: true) == nil)
        }
    }

    @Test func whoAsksForNothingIsLetIn() throws {
        #expect(AppArmor.rejection(of: try pod(["containers": [["name": "a"]]]), isEnforced: false) == nil)
    }

    @Test func theEngineIsToldTheContainersProfileOverThePods() throws {
        let pod = try pod([
            "securityContext": ["appArmorProfile": ["type": "RuntimeDefault"]],
            "containers": [
                ["name": "a"],
                ["name": "b", "securityContext": ["appArmorProfile": ["type": "Localhost", "localhostProfile": "k8s-tight"]]],
                ["name": "c", "securityContext": ["appArmorProfile": ["type": "Unconfined"]]],
            ],
        ])
        func built(_ index: Int, _ usesAppArmor: Bool) throws -> CRILinuxContainerSecurityContext {
            try SecurityContext(
                pod: pod, container: pod.containers[index], imageUser: (0, ""), target: nil, usesAppArmor: usesAppArmor
            ).build()
        }
        #expect(try built(0, true).apparmor.profileType == .runtimeDefault)
        let local = try built(1, true).apparmor
        #expect(local.profileType == .localhost)
        #expect(local.localhostRef == "k8s-tight")
        #expect(try built(2, true).apparmor.profileType == .unconfined)
        let without = try built(2, false)
        #expect(!without.hasApparmor)
    }
}
