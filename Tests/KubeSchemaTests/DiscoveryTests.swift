import Foundation
import KubeObject
import Testing

@testable import KubeSchema

/// Compared with what upstream answers, where that is at hand (it isn't part of the repository).
@Suite("Discovery")
struct DiscoveryTests {
    /// Beside the package's root.
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../../shared/kubernetes-1.36/discovery"
    ).standardizedFileURL.path
    static let isHere = FileManager.default.fileExists(atPath: folder)
    let schema = Schema.builtin

    private func reference(_ name: String) throws -> JSON {
        try JSON(parsing: [UInt8](Data(contentsOf: URL(filePath: "\(Self.folder)/\(name).json"))))
    }

    @Test(.enabled(if: isHere, "upstream's discovery documents are not in ../shared/kubernetes-1.36/discovery"))
    func `the resource lists are upstream's`() throws {
        for group in schema.groups {
            for version in group.versions {
                let name = group.name.isEmpty ? "api__v1" : "apis__\(group.name)__\(version.groupVersion.version)"
                let ours = try JSON(parsing: #require(schema.resourceList(version.groupVersion)).bytes)
                #expect(ours == (try reference(name)), "\(name)")
            }
        }
    }

    /// The reference has alphas and betas on; without those it has to be ours.
    @Test(.enabled(if: isHere, "upstream's discovery documents are not in ../shared/kubernetes-1.36/discovery"))
    func `the group lists are upstream's, as far as they are served`() throws {
        func isServed(_ version: JSON) -> Bool { !(version["version"]?.string ?? "").contains { $0 == "a" || $0 == "b" } }
        var expected = try reference("apis")
        expected["groups"] = .array(
            expected["groups"]!.elements.compactMap { group in
                var group = group
                // The one beta that is served (docs/architecture.md says why).
                if group["name"] == "storagemigration.k8s.io" { return group }
                group["versions"] = .array(group["versions"]!.elements.filter(isServed))
                return group["versions"]!.elements.isEmpty ? nil : group
            })
        #expect(try JSON(parsing: schema.groupList.bytes) == expected)
        #expect(try JSON(parsing: #require(schema.groupDocument("apps")).bytes) == reference("apis__apps"))
        #expect(schema.coreVersions(serverAddress: "10.10.10.10:8050") == (try reference("api")))
    }

    @Test(.enabled(if: isHere, "upstream's discovery documents are not in ../shared/kubernetes-1.36/discovery"))
    func `aggregated discovery is upstream's, as far as it is served`() throws {
        let ours = try JSON(parsing: schema.aggregatedDiscovery(core: false).bytes)
        let theirs = try reference("aggregated_v2")
        func byName(_ list: JSON) -> [String: JSON] {
            var found: [String: JSON] = [:]
            for item in list["items"]!.elements {
                for version in item["versions"]!.elements {
                    found["\(item["metadata"]!["name"]!.string!)/\(version["version"]!.string!)"] = version
                }
            }
            return found
        }
        let expected = byName(theirs)
        for (name, version) in byName(ours) { #expect(version == expected[name], "\(name)") }
        #expect(ours["kind"] == theirs["kind"] && ours["apiVersion"] == theirs["apiVersion"])
    }

    @Test func `documents are the same bytes with the same tag every time`() {
        let first = schema.aggregatedDiscovery(core: true)
        #expect(first.etag == schema.aggregatedDiscovery(core: true).etag && first.etag.count == 32)
        #expect(first.etag != schema.aggregatedDiscovery(core: true, version: .v2beta1).etag)
        #expect(
            schema.groupDocument("nobody.example.com") == nil && schema.resourceList(GroupVersion(apiVersion: "apps/v9")) == nil)
    }
}
