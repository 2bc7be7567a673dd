import KubeObject
import KubeRegistry
import Testing

@testable import Fleet

@Suite struct TeamIsolationTests {
    private static let gvisorOnly: JSON = ["isolation": ["allowed": ["gvisor"]]]
    private static let sharedOnly: JSON = ["isolation": ["allowed": ["shared"]]]

    @Test(
        arguments: [
            ([:], nil), (gvisorOnly, .gvisor), (sharedOnly, nil), (["isolation": ["default": "gvisor"]], .gvisor),
            (["isolation": ["allowed": ["gvisor", "shared"]]], nil),
            (["isolation": ["allowed": ["gvisor", "shared"], "default": "gvisor"]], .gvisor),
        ] as [(JSON, ClusterPolicy.Isolation?)])
    func clustersThatSayNothingGetWhatIsAllowed(team: JSON, standing: ClusterPolicy.Isolation?) {
        #expect(TeamIsolation(team).standing == standing)
    }

    @Test(
        arguments: [
            ([:], ["isolation": "gvisor"], nil, true), (gvisorOnly, ["isolation": "gvisor"], nil, true),
            (gvisorOnly, ["isolation": "shared"], nil, false), (gvisorOnly, [:], nil, false),
            (sharedOnly, [:], nil, true), (sharedOnly, ["isolation": "gvisor"], nil, false),
            // What there is stays.
            (gvisorOnly, ["isolation": "shared"], [:], true), (gvisorOnly, [:], [:], true),
            (sharedOnly, ["isolation": "gvisor"], ["isolation": "gvisor"], true),
            (sharedOnly, ["isolation": "gvisor"], ["isolation": "shared"], false),
        ] as [(JSON, JSON, JSON?, Bool)])
    func clustersMayBeWhatTheirTeamAllows(team: JSON, new: JSON, old: JSON?, isAllowed: Bool) {
        let refusal = TeamIsolation(team).refusal(of: new, old: old, team: "blue")
        #expect((refusal == nil) == isAllowed)
        if let refusal { #expect(refusal.contains("the team blue") && refusal.contains("spec.isolation.allowed")) }
    }

    @Test(
        arguments: [
            (gvisorOnly, []), (["isolation": ["allowed": ["vm", "shared"]]], ["spec.isolation.allowed[0]"]),
            (["isolation": ["allowed": ["shared", "shared"]]], ["spec.isolation.allowed[1]"]),
            (["isolation": ["default": "vm"]], ["spec.isolation.default"]), (["isolation": ["default": "gvisor"]], []),
            (["isolation": ["allowed": ["shared"], "default": "gvisor"]], ["spec.isolation.default"]),
        ] as [(JSON, [String])])
    func whatIsWrongIsSaid(team: JSON, paths: [String]) {
        #expect(TeamAdmission.errors(of: team).map(\.path) == paths)
    }
}

@Suite struct CredentialLifetimeTests {
    private static let day = KubeconfigHandler.MemberLimit(seconds: 86_400, why: "for members of the team blue")
    private static let hour = KubeconfigHandler.MemberLimit(seconds: 3600, why: "for members of the team blue")

    @Test func credentialsAreValidAsLongAsTheyMayBe() throws {
        #expect(try KubeconfigHandler.lifetime([:], "demo") == 12 * 3600)
        #expect(try KubeconfigHandler.lifetime([:], "demo", most: Self.hour) == 3600)
        #expect(try KubeconfigHandler.lifetime(["expirationSeconds": 86_400], "demo", most: Self.day) == 86_400)
        #expect(try KubeconfigHandler.lifetime(["expirationSeconds": 315_360_000], "demo") == 315_360_000)
        let error = #expect(throws: StatusError.self) {
            try KubeconfigHandler.lifetime(["expirationSeconds": 86_401], "demo", most: Self.day)
        }
        #expect(error?.message.contains("must be between 600 and 86400 (24h0m0s) for members of the team blue") == true)
        #expect(throws: StatusError.self) { try KubeconfigHandler.lifetime(["expirationSeconds": 1], "demo") }
    }
}
