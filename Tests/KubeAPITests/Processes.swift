import Foundation

/// Runs a program, found by the path, and returns what it printed.
func runProgram(
    _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
) async throws -> (output: String, status: Int32) {
    try await withCheckedThrowingContinuation { continuation in
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        if !environment.isEmpty { process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 } }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        let standardInput = Pipe()
        if input == nil { process.standardInput = FileHandle.nullDevice } else { process.standardInput = standardInput }
        do {
            try process.run()
            DispatchQueue(label: "run").async {
                if let input {
                    standardInput.fileHandleForWriting.write(Data(input.utf8))
                    standardInput.fileHandleForWriting.closeFile()
                }
                let data = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                continuation.resume(returning: (String(decoding: data, as: UTF8.self), process.terminationStatus))
            }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// Whether a program can be run here.
func hasProgram(_ name: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
}
