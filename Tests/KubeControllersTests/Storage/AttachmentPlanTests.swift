import KubeObject
import Testing

@testable import KubeControllers

@Suite struct AttachmentPlanTests {
    private func volume(_ name: String = "pv-1", driver: String = "csi.example.com") throws -> Object {
        try Samples.object([
            "kind": "PersistentVolume", "metadata": ["name": .string(name)],
            "spec": ["csi": ["driver": .string(driver), "volumeHandle": "vol-1"]],
        ])
    }

    private func attachment(_ name: String, status: JSON = ["attached": true], deleted: Bool = false) throws -> Object {
        var tree: JSON = [
            "kind": "VolumeAttachment", "metadata": ["name": .string(name)],
            "spec": ["attacher": "csi.example.com", "nodeName": "node-1", "source": ["persistentVolumeName": "pv-1"]],
            "status": status,
        ]
        if deleted { tree[path: "metadata", "deletionTimestamp"] = .string(Samples.ago(1)) }
        return try Samples.object(tree)
    }

    /// Upstream's digest of handle, driver and node.
    private let name = "csi-b74c7fc125891ffa0d0f2e0d645733e3fae7fba3066e76500a771ea08be9da28"
    private let entry: JSON = [
        "name": "kubernetes.io/csi/csi.example.com^vol-1",
        "devicePath": "csi-b74c7fc125891ffa0d0f2e0d645733e3fae7fba3066e76500a771ea08be9da28",
    ]

    private func plan(_ attachments: [Object], wanted: Bool = true, before: [JSON] = []) throws -> AttachmentPlan {
        let known = try #require(AttachmentPlan.Volume(volume()) { _ in nil })
        return AttachmentPlan(
            node: "node-1", wanted: wanted ? [known] : [], attachments: attachments, known: { $0 == "pv-1" ? known : nil },
            before: before)
    }

    @Test func onlyADriverThatAttachesIsAsked() throws {
        let says: (Bool) throws -> Object = { try Samples.object(["kind": "CSIDriver", "spec": ["attachRequired": .bool($0)]]) }
        let (yes, no) = try (says(true), says(false))
        #expect(AttachmentPlan.Volume(try volume()) { _ in yes } != nil)
        #expect(AttachmentPlan.Volume(try volume()) { _ in no } == nil)
        let local = try Samples.object(["kind": "PersistentVolume", "spec": ["hostPath": ["path": "/x"]]])
        #expect(AttachmentPlan.Volume(local) { _ in nil } == nil)
    }

    @Test func whatIsUsedIsAttached() throws {
        let new = try plan([])
        #expect(new.creations.map { $0[path: "metadata", "name"] } == [.string(name)])
        #expect(new.creations[0][path: "spec", "source", "persistentVolumeName"] == "pv-1" && new.attached.isEmpty)

        let waiting = try plan([attachment(name, status: ["attached": false])])
        #expect(waiting.creations.isEmpty && waiting.attached.isEmpty && waiting.news.isEmpty)

        let failed = try plan([attachment(name, status: ["attached": false, "attachError": ["message": "no such disk"]])])
        #expect(failed.news.map(\.news) == [.failed("no such disk")])

        let done = try plan([attachment(name)])
        #expect(done.attached == [entry] && done.news.map(\.news) == [.attached])
        #expect(try plan([attachment(name)], before: [entry]).news.isEmpty)
    }

    @Test func whatIsNotUsedIsDetachedAndOthersAreLeftAlone() throws {
        let plan = try plan([attachment(name), attachment("csi-somebodys")], wanted: false, before: [entry])
        #expect(plan.deletions.map(\.metadata.name) == [name])
        // It is attached until the driver has let go of it.
        #expect(plan.attached == [entry])
        let going = try self.plan([attachment(name, deleted: true)], wanted: false, before: [entry])
        #expect(going.deletions.isEmpty && going.attached == [entry])
        #expect(try self.plan([attachment(name, deleted: true)]).creations.isEmpty)
    }
}
