/// What processor this program is made for, and so the machine that it runs on.
public enum MachineArchitecture {
    /// As Go, and with it Kubernetes, names it.
    public static var name: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #else
            "unknown"
        #endif
    }
}
