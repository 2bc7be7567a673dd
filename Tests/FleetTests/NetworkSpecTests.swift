import KubeObject
import KubeSchema
import Testing

@testable import Fleet

@Suite struct NetworkSpecTests {
    @Test(
        arguments: [
            [:], ["network": .null], ["network": ["egress": [], "ingress": []]],
            ["network": ["egress": [["cidrs": ["203.0.113.0/24", "0.0.0.0/0"]]]]],
            ["network": ["egress": [["names": ["git.example.org", "*.example.org"]]]]],
            [
                "network": [
                    "ingress": [
                        ["cidrs": ["10.0.0.7/32"], "ports": [["port": 80], ["protocol": "UDP"], ["port": 1, "endPort": 65535]]]
                    ]
                ]
            ],
        ] as [JSON])
    func takesLists(spec: JSON) { #expect(NetworkSpec.errors(in: spec) == []) }

    @Test(
        arguments: [
            ([:], "cidrs", "cidrs or names are needed; 0.0.0.0/0 is everywhere, and ::/0 by IPv6"),
            (
                ["cidrs": ["203.0.113.7"]], "cidrs[0]",
                "must be a range of IP addresses, such as 203.0.113.0/24 or 2001:db8::/48, or 203.0.113.7/32 for one"
            ),
            (
                ["cidrs": ["10.0.0.0/8", "10.0.0.0/33"]], "cidrs[1]",
                "must be a range of IP addresses, such as 203.0.113.0/24 or 2001:db8::/48, or 203.0.113.7/32 for one"
            ),
            (["cidrs": ["fd00::1/8"]], "cidrs[0]", "must not have bits set after the prefix; did you mean fd00::/8?"),
            (["cidrs": ["203.0.113.7/24"]], "cidrs[0]", "must not have bits set after the prefix; did you mean 203.0.113.0/24?"),
            (["names": [""]], "names[0]", "must be a domain name, such as git.example.org, or *.example.org for all below it"),
            (["names": ["*"]], "names[0]", "must be a domain name, such as git.example.org, or *.example.org for all below it"),
            (
                ["names": ["a.*.org"]], "names[0]",
                "must be a domain name, such as git.example.org, or *.example.org for all below it"
            ),
            (["cidrs": ["10.0.0.0/8"], "ports": [["port": 0]]], "ports[0].port", "must be between 1 and 65535, inclusive"),
            (
                ["cidrs": ["10.0.0.0/8"], "ports": [["port": 9, "endPort": 70000]]], "ports[0].endPort",
                "must be between 1 and 65535, inclusive"
            ),
            (
                ["cidrs": ["10.0.0.0/8"], "ports": [["port": 9, "endPort": 8]]], "ports[0].endPort",
                "must be greater than or equal to `port`"
            ),
            (
                ["cidrs": ["10.0.0.0/8"], "ports": [["endPort": 8]]], "ports[0].endPort",
                "may not be specified when `port` is not specified"
            ),
            (
                ["cidrs": ["10.0.0.0/8"], "ports": [["protocol": "ICMP"]]], "ports[0].protocol",
                #"supported values: "SCTP", "TCP", "UDP""#
            ),
        ] as [(JSON, String, String)])
    func saysWhatIsWrong(entry: JSON, path: String, detail: String) {
        let errors = NetworkSpec.errors(in: ["network": ["egress": [["cidrs": ["10.0.0.0/8"]], entry]]])
        #expect(errors.map(\.path) == ["spec.network.egress[1].\(path)"])
        #expect(errors.map(\.detail) == [detail])
    }

    @Test func listsAreBounded() {
        let entry: JSON = ["cidrs": ["10.0.0.0/8"]]
        let many = JSON.array(Array(repeating: entry, count: 65))
        #expect(NetworkSpec.errors(in: ["network": ["ingress": many]]).map(\.path) == ["spec.network.ingress"])
        let wide: JSON = ["cidrs": JSON(Array(repeating: "10.0.0.0/8", count: 1001))]
        #expect(NetworkSpec.errors(in: ["network": ["egress": [wide]]]).map(\.detail) == ["must have at most 1000 cidrs in all"])
        let ports = JSON.array(Array(repeating: ["port": 80], count: 33))
        #expect(
            NetworkSpec.errors(in: ["network": ["egress": [["cidrs": ["10.0.0.0/8"], "ports": ports]]]]).map(\.path)
                == ["spec.network.egress[0].ports"])
    }

    @Test func whoComesInHasNoName() {
        let errors = NetworkSpec.errors(in: ["network": ["ingress": [["names": ["example.org"]]]]])
        #expect(errors.map(\.body) == ["Forbidden: who comes in is known by their address only"])
    }

    @Test func listsAreThePlatformsToChange() {
        let some: JSON = ["network": ["egress": []]]
        #expect(ClusterPolicyGrant.changed(from: [:], to: some) == "spec.network")
        #expect(ClusterPolicyGrant.changed(from: some, to: [:]) == "spec.network")
        #expect(ClusterPolicyGrant.changed(from: some, to: some) == nil)
        #expect(TeamAdmission.errors(of: ["network": ["egress": [[:]]]]).map(\.path) == ["spec.network.egress[0].cidrs"])
    }
}

extension NetworkSpecTests {
    /// An empty list shuts a direction, a missing one doesn't.
    @Test func anEmptyListIsKept() throws {
        let schema = try Platform.schema()
        for (resource, kind) in [(Platform.teams, "Team"), (Platform.virtualClusters, "VirtualCluster")] {
            let type = try #require(schema.resource(resource)?.type)
            let body: JSON = [
                "apiVersion": "sampan.dev/v1alpha1", "kind": .string(kind), "metadata": ["name": "x"],
                "spec": ["network": ["egress": []]],
            ]
            #expect(try type.decode(body).tree[path: "spec", "network"] == ["egress": []])
        }
    }
}
