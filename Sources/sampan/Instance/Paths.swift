import FoundationEssentials

/// Paths as a user writes them, made absolute.
enum Paths {
    /// Relative to the working directory, with `~`, `.` and `..` resolved and no trailing slash.
    static func absolute(_ path: String) -> String {
        var text = path
        if text == "~" || text.hasPrefix("~/") {
            text = (ProcessInfo.processInfo.environment["HOME"] ?? "/root") + text.dropFirst()
        }
        if !text.hasPrefix("/") { text = FileManager.default.currentDirectoryPath + "/" + text }
        var parts: [Substring] = []
        for part in text.split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The instance's name when none is given: the data directory's own name, made a short DNS label.
    static func instanceName(forDataDirectory path: String) -> String {
        let last = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
        let label = last.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let trimmed = String(label).split(separator: "-").joined(separator: "-").prefix(15)
        return trimmed.isEmpty ? "sampan" : String(trimmed.last == "-" ? trimmed.dropLast() : trimmed)
    }
}
