/// What an instance's own containerd needs to know: where it lives, and the network of its pods.
public struct EngineOptions: Sendable {
    /// The instance's data directory, absolute. Everything the engine keeps is below it.
    public var dataDirectory: String
    /// The instance's name; whatever it makes on the system (cgroups, CNI network) carries it.
    public var instance: String
    /// The IPv4 subnet that pods get their addresses from, and after a comma that of IPv6, if they have such addresses too; the first address
    /// of each is the gateway on every pod's link.
    public var podSubnet: String
    /// The same one by one.
    var podSubnets: [String] { podSubnet.split(separator: ",").map(String.init) }
    /// The MTU of pods' links, or nil to let the kernel choose.
    public var mtu: Int?

    public init(dataDirectory: String, instance: String, podSubnet: String = "10.244.0.0/16", mtu: Int? = nil) {
        self.dataDirectory = dataDirectory
        self.instance = instance
        self.podSubnet = podSubnet
        self.mtu = mtu
    }
}

/// Where the engine's files are. All below the data directory, so that two instances share nothing.
struct EnginePaths: Sendable {
    let data: String
    let instance: String

    init(_ options: EngineOptions) {
        data = options.dataDirectory
        instance = options.instance
    }

    var home: String { "\(data)/containerd" }
    var root: String { "\(home)/root" }
    var state: String { "\(home)/state" }
    var socket: String { "\(home)/containerd.sock" }
    var config: String { "\(home)/config.toml" }
    var pidFile: String { "\(home)/containerd.pid" }
    var bootFile: String { "\(home)/boot-id" }
    var registries: String { "\(home)/registries" }
    var cni: String { "\(data)/cni" }
    var cniConfig: String { "\(cni)/net.d" }
    var ipam: String { "\(cni)/ipam" }
    var log: String { "\(data)/log/containerd.log" }
    var pods: String { "\(data)/pods" }
    var podLogs: String { "\(data)/log/pods" }
    /// The script by which containerd calls gVisor.
    var runscAdapter: String { "\(home)/runsc" }
    /// Containers of gVisor's that are made and not started.
    var runscPending: String { "\(home)/runsc-pending" }
    /// The script by which containerd makes containers in user namespaces.
    var userNamespaceAdapter: String { "\(home)/userns" }
    /// Mounts of containers that are being made in user namespaces: where they can be reached without passing the data directory.
    var userNamespaceMounts: String { "/run/sampan/\(instance).userns" }
    var streams: String { "\(home)/streams" }

    var networkName: String { "sampan-\(instance)" }
    /// The parent of every pod's cgroup.
    var cgroup: String { "/sampan-\(instance)" }
    /// The same where systemd manages cgroups.
    var slice: Slice { Slice("sampan-\(instance)") }
    /// A pod's, where systemd manages cgroups.
    func slice(podUID: String) -> Slice { Slice("sampan-\(instance)", "pod\(podUID)") }
}
