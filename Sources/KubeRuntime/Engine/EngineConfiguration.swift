/// The texts of containerd's configuration and of the pod network's. Pure: what the machine has is passed in.
struct EngineConfiguration: Sendable, Equatable {
    var paths: EnginePathsText
    var podSubnets: [String]
    var mtu: Int?
    var machine: MachineFacts
    var cniPlugins: String

    /// The paths that the texts mention.
    struct EnginePathsText: Sendable, Equatable {
        var root, state, socket, registries, cniConfig, ipam, networkName, runscAdapter, userNamespaceAdapter: String
    }

    init(options: EngineOptions, machine: MachineFacts, cniPlugins: String) {
        let paths = EnginePaths(options)
        self.paths = EnginePathsText(
            root: paths.root, state: paths.state, socket: paths.socket, registries: paths.registries, cniConfig: paths.cniConfig,
            ipam: paths.ipam, networkName: paths.networkName, runscAdapter: paths.runscAdapter,
            userNamespaceAdapter: paths.userNamespaceAdapter)
        podSubnets = options.podSubnets
        mtu = options.mtu
        self.machine = machine
        self.cniPlugins = cniPlugins
    }

    /// containerd's `config.toml`, version 2, as 1.6 and 1.7 read it (2.x migrates it on reading).
    var toml: String {
        """
        # Written by sampan at every start. Changes here are lost.
        version = 2
        root = \(quoted(paths.root))
        state = \(quoted(paths.state))
        # Snapshotters and plugins that are never used here, and would only log that they can't work.
        disabled_plugins = [
          "io.containerd.internal.v1.restart", "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
          "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
          "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp",
        ]

        [grpc]
          address = \(quoted(paths.socket))

        [ttrpc]
          address = \(quoted(paths.socket + ".ttrpc"))

        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = \(quoted(PauseImage.name))
          # A score below the server's own needs CAP_SYS_RESOURCE, which some virtual machines don't give.
          restrict_oom_score_adj = \(!machine.maySetAnyOOMScore)
          netns_mounts_under_state_dir = true
          enable_unprivileged_ports = true
          enable_unprivileged_icmp = true
          stream_server_address = "127.0.0.1"
          stream_server_port = "0"
          max_container_log_line_size = 16384

          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = \(quoted(cniPlugins))
            conf_dir = \(quoted(paths.cniConfig))
            max_conf_num = 1

          [plugins."io.containerd.grpc.v1.cri".registry]
            config_path = \(quoted(paths.registries))

          [plugins."io.containerd.grpc.v1.cri".containerd]
            snapshotter = \(quoted(machine.snapshotter))
            default_runtime_name = "runc"

            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
              runtime_type = "io.containerd.runc.v2"

              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
                SystemdCgroup = \(machine.usesSystemdCgroups)

        """ + (machine.runsc == nil ? "" : gVisor) + (machine.translatesUsers ? userNamespaces : "")
    }

    private var userNamespaces: String {
        """
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.\(UserNamespaceAdapter.handler)]
              runtime_type = "io.containerd.runc.v2"
              pod_annotations = [\(quoted(UserRange.annotation))]

              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.\(UserNamespaceAdapter.handler).options]
                BinaryName = \(quoted(paths.userNamespaceAdapter))
                SystemdCgroup = \(machine.usesSystemdCgroups)

        """
    }

    private var gVisor: String {
        """
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.\(RunscAdapter.handler)]
              runtime_type = "io.containerd.runc.v2"

              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.\(RunscAdapter.handler).options]
                BinaryName = \(quoted(paths.runscAdapter))
                SystemdCgroup = \(machine.usesSystemdCgroups)

        """
    }

    /// The pod network: a routed link per pod, so that every packet passes the machine's nftables.
    /// Addresses are kept in the instance's own directory.
    var cniList: String {
        let mtu = mtu.map { "\"mtu\": \($0), " } ?? ""
        let ranges = podSubnets.map { "[{ \"subnet\": \(quoted($0)) }]" }.joined(separator: ", ")
        let isDualStack = podSubnets.count > 1
        let routes = (["0.0.0.0/0"] + (isDualStack ? ["::/0"] : [])).map { "{ \"dst\": \"\($0)\" }" }.joined(separator: ", ")
        return """
            {
              "cniVersion": "0.4.0",
              "name": \(quoted(paths.networkName)),
              "plugins": [\(isDualStack ? Self.withoutDuplicateDetection : "")
                { "type": "ptp", "ipMasq": false, \(mtu)"ipam": {
                  "type": "host-local", "dataDir": \(quoted(paths.ipam)),
                  "ranges": [\(ranges)], "routes": [\(routes)] } }
              ]
            }

            """
    }

    /// A pod's IPv6 address is given once and on a cable of its own, so it needn't be tried out for two seconds whether a neighbour has it. `tuning`
    /// sets what later interfaces begin with, and must come after some other plugin.
    private static let withoutDuplicateDetection = """

            { "type": "loopback" },
            { "type": "tuning", "sysctl": { "net.ipv6.conf.default.accept_dad": "0" } },
        """

    private func quoted(_ text: String) -> String {
        var out = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\"", "\\": out += "\\" + String(character)
            default: out.unicodeScalars.append(character)
            }
        }
        return out + "\""
    }
}
