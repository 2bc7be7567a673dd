import KubeObject
import Testing

@testable import Fleet

@Suite struct TeamTests {
    @Test(arguments: [("default", "demo", "demo"), ("blue", "demo", "blue--demo"), ("a-b", "c-d", "a-b--c-d")])
    func clusterNamesTellTheirTeam(namespace: String, name: String, logical: String) {
        #expect(ClusterName.logical(namespace: namespace, name: name) == logical)
        let parts = ClusterName.parts(of: logical)
        #expect(parts.namespace == namespace)
        #expect(parts.name == name)
    }

    @Test(arguments: [
        "default", "root", "kube-system", "kube-x", "a--b", "a.b", "A", "", "-a", String(repeating: "a", count: 41),
    ])
    func refusesNames(name: String) { #expect(TeamAdmission.nameError(name) != nil) }

    @Test(arguments: ["blue", "a", "0-1", String(repeating: "a", count: 40)])
    func takesNames(name: String) { #expect(TeamAdmission.nameError(name) == nil) }

    @Test func everythingWrongWithATeamIsSaid() {
        let spec: JSON = [
            "quota": ["clusters": -1], "clusterLifetime": ["default": "9h", "maximum": "8h"],
            "members": [
                ["user": "alice", "role": "owner"], ["user": "alice", "role": "viewer"],
                ["user": "bob", "group": "b", "role": "viewer"],
                ["role": "viewer"], ["user": "carol", "role": "king"], ["group": "system:masters", "role": "owner"],
                ["user": "system:serviceaccount:ci:robot", "role": "developer"],
            ],
        ]
        #expect(
            TeamAdmission.errors(of: spec).map(\.path) == [
                "spec.quota.clusters", "spec.clusterLifetime.default", "spec.members[1].user", "spec.members[2]",
                "spec.members[3]",
                "spec.members[4].role", "spec.members[5].group",
            ])
        #expect(
            TeamAdmission.errors(of: ["clusterLifetime": ["default": "soon"]]).map(\.path) == ["spec.clusterLifetime.default"])
        #expect(TeamAdmission.errors(of: ["clusterLifetime": ["maximum": "-1h"]]).map(\.path) == ["spec.clusterLifetime.maximum"])
        #expect(TeamAdmission.errors(of: [:]).isEmpty)
        let blank: JSON = [
            "members": [["user": " ", "role": "owner"], ["group": "a ", "role": "viewer"], ["user": "a b", "role": "viewer"]]
        ]
        #expect(TeamAdmission.errors(of: blank).map(\.path) == ["spec.members[0].user", "spec.members[1].group"])
        for (maximum, isRight) in [("59m", false), ("1h", true), ("soon", false)] {
            #expect(TeamAdmission.errors(of: ["credentialLifetime": ["maximum": .string(maximum)]]).isEmpty == isRight)
        }
        let many = JSON.array((0..<1001).map { ["user": .string("u\($0)"), "role": "viewer"] })
        #expect(TeamAdmission.errors(of: ["members": many]).map(\.path) == ["spec.members"])
    }

    /// now: 1000 seconds after the cluster was made.
    @Test(
        arguments: [
            ("8h", nil, true), ("1001s", nil, true), ("999s", nil, false), ("0s", nil, false), ("-1h", nil, false),
            ("8 hours", nil, false),
            ("", nil, false), ("1h", 3600.0, true), ("4600s", 3600.0, true), ("4700s", 3600.0, false),
        ] as [(String, Double?, Bool)])
    func timesToLiveAreJudged(text: String, maximum: Double?, isRight: Bool) {
        #expect((Lifetime.error(text, created: 5000, now: 6000, maximum: maximum) == nil) == isRight)
    }

    @Test func aClustersEndFollowsFromItsCreation() {
        let cluster: JSON = ["metadata": ["creationTimestamp": "1970-01-01T01:00:00Z"], "spec": ["timeToLive": "1h30m"]]
        #expect(Lifetime.end(of: cluster) == 9000)
        #expect(Lifetime.end(of: ["metadata": ["creationTimestamp": "1970-01-01T01:00:00Z"], "spec": [:]]) == nil)
        #expect(Lifetime.warning(timeToLive: 100) == 20)
        #expect(Lifetime.warning(timeToLive: 1_000_000) == 3600)
        func deletion(_ timeToLive: Double, warned: Double?, now: Double) -> Double {
            Lifetime.deletion(end: 10_000, timeToLive: timeToLive, warned: warned, now: now)
        }
        #expect(deletion(100, warned: 9980, now: 9990) == 10_000)
        #expect(deletion(9000, warned: 8200, now: 8200) == 10_000)
        // The server was away, or the clock jumped.
        #expect(deletion(100, warned: nil, now: 1_000_000) == 1_000_020)
        #expect(deletion(9000, warned: nil, now: 1_000_000) == 1_000_300)
        #expect(deletion(9000, warned: 1_000_000, now: 1_000_200) == 1_000_300)
    }

    private static func team(_ members: JSON) throws -> Team {
        Team(
            try Draft([
                "apiVersion": "sampan.dev/v1alpha1", "kind": "Team", "metadata": ["name": "blue", "uid": "u1"],
                "spec": ["members": members],
            ]).sealed(resourceVersion: 7))
    }

    @Test func membersAreBoundByTheirRoles() throws {
        let team = try Self.team([
            ["user": "alice", "role": "owner"], ["group": "devs", "role": "developer"],
            ["user": "system:serviceaccount:ci:robot", "role": "developer"],
        ])
        let wanted = TeamObjects.access(team)
        func subjects(_ name: String) -> [String]? {
            wanted.first { $0.name == name && $0.object["subjects"] != nil }?.object["subjects"]?.elements.map {
                "\($0["kind"]?.string ?? "")/\($0["name"]?.string ?? "")"
            }
        }
        #expect(subjects("sampan:owner") == ["User/alice"])
        #expect(subjects("sampan:developer") == ["Group/devs", "ServiceAccount/robot"])
        #expect(subjects("sampan:viewer") == [])
        #expect(subjects("sampan:team:blue:member")?.count == 3)
        #expect(subjects("sampan:team:blue:owner") == ["User/alice"])
        // Whoever is bound sees no other team, and the objects go with the team.
        for role in wanted where role.resource == TeamObjects.clusterRoles {
            #expect(role.object["rules"]?.elements.allSatisfy { $0["resourceNames"] == ["blue"] } == true)
        }
        #expect(wanted.allSatisfy { $0.object["metadata"]?["ownerReferences"]?.elements.first?["uid"]?.string == "u1" })
        #expect(wanted.filter { !$0.namespace.isEmpty }.allSatisfy { $0.namespace == "blue" })
    }

    @Test func noRoleMayMakeCredentialsOrQuotas() {
        for role in TeamObjects.roles {
            for rule in role["rules"]?.elements ?? [] {
                let resources = rule["resources"]?.strings ?? []
                #expect(!resources.contains("*") && !resources.contains { $0.hasPrefix("teams") })
                #expect(rule["verbs"]?.strings.contains("*") == false)
            }
        }
    }
}
