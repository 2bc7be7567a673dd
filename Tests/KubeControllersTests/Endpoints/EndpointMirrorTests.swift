import KubeObject
import Testing

@testable import KubeControllers

@Suite struct EndpointMirrorTests {
    func endpoints(_ subsets: JSON, labels: JSON = [:]) throws -> Object {
        try Samples.object([
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": ["name": "ext", "namespace": "default", "uid": "e", "labels": labels], "subsets": subsets,
        ])
    }

    let subsets: JSON = [
        [
            "addresses": [["ip": "10.0.0.1"], ["ip": "fd00::1"]], "notReadyAddresses": [["ip": "10.0.0.2"]],
            "ports": [["port": 80, "protocol": "TCP"]],
        ]
    ]

    @Test func eachFamilyHasASlice() throws {
        let plan = try EndpointMirror.plan(endpoints(subsets), existing: [])
        #expect(plan.create.map { $0["addressType"] } == ["IPv4", "IPv6"])
        #expect(plan.create.first?["endpoints"]?.elements.map { $0[path: "conditions", "ready"] } == [true, false])
        #expect(plan.create.first?["ports"] == [["name": "", "port": 80, "protocol": "TCP"]])
    }

    @Test func whatIsThereIsKeptOrChanged() throws {
        var tree = try #require(EndpointMirror.plan(endpoints([subsets[0] ?? [:]]), existing: []).create.first)
        tree[path: "metadata", "name"] = "ext-1"
        let slice = try Samples.object(tree)
        let same = try EndpointMirror.plan(endpoints(subsets), existing: [slice])
        #expect(same.update.isEmpty && same.delete.isEmpty && same.create.count == 1)
        let other = try EndpointMirror.plan(endpoints([["addresses": [["ip": "10.0.0.9"]]]]), existing: [slice])
        #expect(other.update.keys.sorted() == ["ext-1"])
        #expect(try EndpointMirror.plan(endpoints([]), existing: [slice]).delete == ["ext-1"])
    }

    @Test func onlyHandWrittenOnesAreMirrored() throws {
        let service = try Samples.object(["kind": "Service", "metadata": ["name": "ext"], "spec": [:]])
        let selecting = try Samples.object(["kind": "Service", "metadata": ["name": "ext"], "spec": ["selector": ["a": "b"]]])
        #expect(try EndpointMirror.isMirrored(endpoints([]), service: service))
        #expect(try !EndpointMirror.isMirrored(endpoints([]), service: selecting))
        #expect(try !EndpointMirror.isMirrored(endpoints([]), service: nil))
        #expect(try !EndpointMirror.isMirrored(endpoints([], labels: JSON([EndpointMirror.skipLabel: "true"])), service: service))
    }
}
