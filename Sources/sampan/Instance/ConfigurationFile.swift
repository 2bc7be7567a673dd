import FoundationEssentials
import KubeClient

/// `sampan.json` in the data directory: the options that the instance was last brought up with.
enum ConfigurationFile {
    static func path(in dataDirectory: String) -> String { dataDirectory + "/sampan.json" }

    static func load(dataDirectory: String) throws -> Configuration? {
        let path = path(in: dataDirectory)
        guard let bytes = try AtomicFile.read(path) else { return nil }
        do {
            var configuration = try JSONDecoder().decode(Configuration.self, from: Data(bytes))
            configuration.dataDirectory = dataDirectory
            return configuration
        } catch {
            throw CommandFailure(
                "\(path) can't be read: \(error)", hint: "Remove it and run `sampan up` again with the options you want.")
        }
    }

    static func save(_ configuration: Configuration) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let bytes = try Array(encoder.encode(configuration)) + Array("\n".utf8)
        try AtomicFile.write(bytes, to: path(in: configuration.dataDirectory), mode: 0o644)
    }
}
