import KubeObject
import KubeSchema

/// What `/version` says.
enum ServerVersion {
    static let document = Document([
        "major": .string(KubernetesVersion.major), "minor": .string(KubernetesVersion.minor),
        "emulationMajor": .string(KubernetesVersion.major), "emulationMinor": .string(KubernetesVersion.minor),
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35", "gitVersion": .string(KubernetesVersion.text + "+sampan"),
        // Clients take this for hexadecimal digits that name a build; which commit it was made from, the build isn't told.
        "gitCommit": .string(BuildID.ofThisProgram() ?? ""), "gitTreeState": "clean",
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
