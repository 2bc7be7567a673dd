import Foundation
import KubeObject
import KubeRegistry
import Testing

@testable import KubeRuntime

@Suite struct LogStreamTests {
    private func read(_ content: [String: String], _ options: LogOptions, since: Double? = nil) async throws -> String {
        let directory = NSTemporaryDirectory() + "log-\(UUID().uuidString)"
        try File.makeDirectory(directory)
        defer { File.removeTree(directory) }
        for (name, text) in content { try File.write(text, to: "\(directory)/\(name)") }
        let stream = LogStream(
            files: LogFiles(current: "\(directory)/0.log"), options: options, since: since, isRunning: { false })
        var bytes: [UInt8] = []
        for try await chunk in stream { bytes += chunk }
        return String(decoding: bytes, as: UTF8.self)
    }

    private let three = """
        2026-01-01T00:00:00.1Z stdout F one
        2026-01-01T00:00:01.1Z stderr F two
        2026-01-01T00:00:02.1Z stdout F three

        """

    @Test func givesTheContentOnly() async throws {
        #expect(try await read(["0.log": three], LogOptions()) == "one\ntwo\nthree\n")
        #expect(try await read(["0.log": three], LogOptions(timestamps: true)).hasPrefix("2026-01-01T00:00:00.1Z one\n"))
        #expect(try await read(["0.log": three], LogOptions(stream: "Stderr")) == "two\n")
        #expect(try await read([:], LogOptions()) == "")
    }

    @Test(arguments: [(0, ""), (1, "three\n"), (2, "two\nthree\n"), (9, "one\ntwo\nthree\n")])
    func givesTheLastLines(lines: Int64, expected: String) async throws {
        #expect(try await read(["0.log": three], LogOptions(tailLines: lines)) == expected)
    }

    @Test func readsRotatedFilesFirst() async throws {
        let files = ["0.log.20260101-000000": "2026-01-01T00:00:00Z stdout F zero\n", "0.log": three]
        #expect(try await read(files, LogOptions()) == "zero\none\ntwo\nthree\n")
        #expect(try await read(files, LogOptions(tailLines: 4)) == "zero\none\ntwo\nthree\n")
        #expect(try await read(files, LogOptions(tailLines: 3)) == "one\ntwo\nthree\n")
    }

    @Test func joinsPartialLines() async throws {
        let text = "2026-01-01T00:00:00Z stdout P one \n2026-01-01T00:00:00Z stdout F line\n2026-01-01T00:00:00Z stdout F \n"
        #expect(try await read(["0.log": text], LogOptions()) == "one line\n\n")
    }

    @Test func limitsByTimeAndBytes() async throws {
        #expect(try await read(["0.log": three], LogOptions(), since: Timestamp.parse("2026-01-01T00:00:01Z")) == "two\nthree\n")
        #expect(try await read(["0.log": three], LogOptions(limitBytes: 6)) == "one\ntw")
    }
}
