/// The Kubernetes version whose API and behaviour is served: what `/version`, nodes, OpenAPI and virtual clusters tell.
public enum KubernetesVersion {
    public static let major = "1"
    public static let minor = "36"
    /// As clients compare it: `v1.36.0`.
    public static let text = "v1.36.0"
}
