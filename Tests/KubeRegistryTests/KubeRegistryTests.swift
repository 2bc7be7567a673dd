import Testing

@testable import KubeRegistry

@Test func uidsAreRandomUUIDs() {
    let uid = Identifiers.uid()
    #expect(uid.utf8.count == 36)
    #expect(Array(uid)[14] == "4")
    #expect(Identifiers.uid() != uid)
}
