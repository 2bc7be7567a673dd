import HTTPTypes
import KubeObject
import Testing

@testable import KubeAPI

struct BuildIDTests {
    /// A file with one segment of notes, as small as it gets.
    private func file(_ notes: [UInt8], type: UInt8 = 4, length: UInt8? = nil) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 64)
        header.replaceSubrange(0..<6, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1])
        header[32] = 64
        header[54] = 56
        header[56] = 1
        var segment = [UInt8](repeating: 0, count: 56)
        segment[0] = type
        segment[8] = 120
        segment[32] = length ?? UInt8(notes.count)
        return header + segment + notes
    }

    private func find(_ file: [UInt8]) throws -> String? {
        try BuildID.find { offset, count in Array(file.dropFirst(Int(clamping: offset)).prefix(count)) }
    }

    private func note(_ type: UInt8, _ name: String, _ content: [UInt8], size: UInt8? = nil) -> [UInt8] {
        [UInt8(name.utf8.count), 0, 0, 0, size ?? UInt8(content.count), 0, 0, 0, type, 0, 0, 0] + Array(name.utf8) + content
    }

    @Test func isFoundAmongOtherNotes() throws {
        let notes = note(1, "GNU\0", [9, 9, 9, 9]) + note(3, "Go\0\0", [8, 8, 8, 8]) + note(3, "GNU\0", [0x0a, 0xff])
        #expect(try find(file(notes)) == "0aff")
    }

    @Test func nothingIsReadBeyondTheFile() throws {
        #expect(try find(file(note(3, "GNU\0", [1, 2], size: 200))) == nil)
        #expect(try find(file(note(3, "GNU\0", [1, 2]), type: 1)) == nil)
        #expect(try find(file(note(3, "GNU\0", []))) == nil)
        #expect(try find(file([1, 2, 3], length: 255)) == nil)
        #expect(try find(Array("#!/bin/sh\n".utf8)) == nil)
        #expect(try find([]) == nil)
        var far = file(note(3, "GNU\0", [1, 2]))
        far.replaceSubrange(32..<40, with: [UInt8](repeating: 0xff, count: 8))
        #expect(try find(far) == nil)
    }

    @Test func thisProgramHasOne() async throws {
        let own = try #require(BuildID.ofThisProgram())
        #expect(own.wholeMatch(of: /[0-9a-f]{16,}/) != nil)
        try await TestServer.run { server in
            let version = try await server.send(.get, "/version")
            #expect(version.json["gitCommit"]?.string == own)
        }
    }
}
