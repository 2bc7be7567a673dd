import KubeSchema

/// What this build is, and which Kubernetes it speaks.
enum Version {
    static let sampan = "0.1.0"

    static var text: String { "sampan \(sampan) (Kubernetes \(KubernetesVersion.text))" }
}
