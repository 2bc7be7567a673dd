import KubeObject
import KubeSchema

/// What `/version` says.
enum ServerVersion {
    /// The Kubernetes version whose behaviour is served, as clients compare it.
    static let gitVersion = "v1.36.0"

    static let document = Document([
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35", "gitVersion": .string(gitVersion + "+sampan"), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-04-22T00:00:00Z", "goVersion": "go1.26", "compiler": "swift", "platform": .string(platform),
    ])

    private static var platform: String {
        #if arch(arm64)
            "linux/arm64"
        #else
            "linux/amd64"
        #endif
    }
}
