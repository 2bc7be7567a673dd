import KubeObject

/// The rules for paths within volumes and on hosts, in upstream's words.
enum Paths {
    static func withoutBacksteps(_ path: String) -> [String] {
        path.split(separator: "/", omittingEmptySubsequences: false).contains("..") ? ["must not contain '..'"] : []
    }

    /// A path that stays below where it starts.
    static func descending(_ path: String) -> [String] {
        (path.hasPrefix("/") ? ["must be a relative path"] : []) + withoutBacksteps(path)
    }

    /// As `descending`; and names that start with two dots are the kubelet's own.
    static func localNonReserved(_ path: String) -> [String] {
        descending(path) + (path.hasPrefix("..") && !path.hasPrefix("../") && path != ".." ? ["must not start with '..'"] : [])
    }

    /// The bits of a file's mode.
    static func validateMode(_ mode: JSON?, _ path: String, _ errors: inout FieldErrors) {
        if let mode = mode?.int, !(0...0o777).contains(mode) {
            errors.invalid(path, .int(mode), "must be a number between 0 and 0777 (octal), both inclusive")
        }
    }
}
