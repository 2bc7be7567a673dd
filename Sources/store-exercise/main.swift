// Exercises the store alone, for its tests and for its developers; it isn't installed.
//
//     store-exercise write DIRECTORY      writes until it is killed: see CrashWriter
//     store-exercise measure DIRECTORY    runs StoreBenchmark on the disk of the directory
//     store-exercise restore DIRECTORY    only measures what others notice of a cluster that is restored
//     store-exercise open DIRECTORY       opens a store that is there and says what that took

import Foundation
import KubeStore
import Logging

switch CommandLine.arguments.dropFirst().first {
case "write" where CommandLine.arguments.count == 3:
    try await CrashWriter.run(directory: CommandLine.arguments[2])
case "measure" where CommandLine.arguments.count == 3:
    let benchmark = StoreBenchmark(directory: CommandLine.arguments[2], logger: Logger(label: "store-exercise"))
    try await benchmark.run { print($0) }
case "restore" where CommandLine.arguments.count == 3:
    let benchmark = StoreBenchmark(directory: CommandLine.arguments[2], logger: Logger(label: "store-exercise"))
    try await benchmark.runRestore { print($0) }
case "open" where CommandLine.arguments.count == 3:
    print(try await StoreBenchmark.open(CommandLine.arguments[2], logger: Logger(label: "store-exercise")))
default:
    FileHandle.standardError.write(Data("usage: store-exercise write|measure|restore|open DIRECTORY\n".utf8))
    exit(2)
}
