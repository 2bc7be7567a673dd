import KubeObject
import KubeSchema
import Testing

@testable import Fleet

@Suite struct VirtualClusterStepTests {
    private func metadata(uid: String = "u", deleting: Bool = false, finalized: Bool = true) -> Metadata {
        var metadata = Metadata()
        metadata.uid = uid
        metadata.deletionTimestamp = deleting ? "2026-01-01T00:00:00Z" : nil
        metadata.finalizers = finalized ? [VirtualClusterAdmission.finalizer] : []
        return metadata
    }

    @Test func everyStateHasOneStep() {
        #expect(VirtualClusterStep.next(object: nil, existing: nil) == .nothing)
        #expect(VirtualClusterStep.next(object: nil, existing: "u") == .remove)
        #expect(VirtualClusterStep.next(object: metadata(), existing: nil) == .create)
        #expect(VirtualClusterStep.next(object: metadata(), existing: "u") == .report)
        #expect(VirtualClusterStep.next(object: metadata(), existing: "another") == .remove)
        #expect(VirtualClusterStep.next(object: metadata(deleting: true), existing: "u") == .remove)
        #expect(VirtualClusterStep.next(object: metadata(deleting: true), existing: nil) == .release)
        #expect(VirtualClusterStep.next(object: metadata(deleting: true, finalized: false), existing: nil) == .nothing)
    }

    @Test(arguments: ["root", "", "A", "a.b", "-a", "a-", "a/b", "..", String(repeating: "a", count: 64), "é"])
    func refusesNames(name: String) { #expect(VirtualClusterAdmission.nameError(name, namespace: "default") != nil) }

    @Test(arguments: ["a", "demo", "team-1", "0", String(repeating: "a", count: 63)])
    func takesNames(name: String) { #expect(VirtualClusterAdmission.nameError(name, namespace: "default") == nil) }

    @Test func platformSchemaHasItsOwnResources() throws {
        let schema = try Platform.schema()
        let resource = try #require(schema.resource(group: "sampan.dev", version: "v1alpha1", plural: "virtualclusters"))
        #expect(resource.isNamespaced)
        #expect(
            resource.subresources.map(\.name) == [
                "authority", "clone", "explain", "export", "import", "kubeconfig", "network", "sleep", "status", "wake",
            ])
        #expect(resource.type?.field("spec")?.type.object?.field("description") != nil)
    }
}
