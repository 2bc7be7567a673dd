import KubeObject
import Testing

@testable import KubeControllers

@Suite struct StorageMigrationTests {
    private func migration(_ name: String, group: String = "", _ plural: String) -> JSON {
        [
            "apiVersion": "storagemigration.k8s.io/v1beta1", "kind": "StorageVersionMigration",
            "metadata": ["name": .string(name)],
            "spec": ["resource": ["group": .string(group), "resource": .string(plural)]],
        ]
    }

    @Test func aMigrationEndsAndIsNotBegunAgain() async throws {
        try await Fixture.run { cluster in
            func status(_ name: String) -> JSON? {
                cluster.get(Resources.storageVersionMigrations, name, namespace: "")?.tree["status"]
            }
            func states(_ name: String) -> [String] {
                [Condition](of: status(name)).map { "\($0.type) \($0.status.rawValue) \($0.reason)" }
            }
            try await cluster.create(migration("maps", "configmaps"), Resources.storageVersionMigrations, namespace: "")
            try await eventually { Condition.find("Succeeded", in: status("maps"))?.status == .true }
            #expect(
                states("maps") == [
                    "Running False StorageVersionMigrationInProgress", "Succeeded True StorageVersionMigrationSucceeded",
                ])
            #expect(status("maps")?["resourceVersion"]?.string?.isEmpty == false)

            try await cluster.create(
                migration("none", group: "example.com", "widgets"), Resources.storageVersionMigrations, namespace: "")
            try await eventually { Condition.find("Failed", in: status("none"))?.status == .true }
            #expect(Condition.find("Failed", in: status("none"))?.message == "resource does not exist in discovery")
        }
    }
}
