import KubeControllers
import KubeObject
import KubeRuntime
import KubeSchema

/// Everything that one instance's server is told when it starts.
///
/// `sampan up` decides it once, from the options and the defaults, and keeps it in the data directory (``ConfigurationFile``), so that
/// `status`, `down` and a later `up` without options mean the same instance.
struct Configuration: Sendable, Equatable, Codable {
    /// Carried by whatever the instance makes on the system: links, nftables tables, cgroups, network namespaces.
    /// A DNS label of at most 15 characters.
    var instance: String
    /// Absolute; holds the store, containerd's root, the log and ``adminKubeconfigPath``.
    var dataDirectory: String
    /// The address that the API listens on. Pods reach their API server through the host, so it must include the host's own addresses.
    var listenAddress: String = "0.0.0.0"
    /// TLS port of every cluster's API, told apart by path and by SNI.
    var apiPort: Int = 6443
    /// UDP and TCP port, on the host, of the answerer to which pods' DNS queries are redirected.
    var dnsPort: Int = 10053
    /// The IPv4 network that all clusters' pods share, and after a comma that of IPv6, if they have such addresses too. No two instances on a machine may overlap.
    var podSubnet: String = "10.244.0.0/16"
    /// The DNS suffix of services inside every cluster.
    var domain: String = "cluster.local"
    /// A swift-log level: trace, debug, info, notice, warning, error or critical.
    var logLevel: String = "info"
    /// The file with the audit policy (`audit.k8s.io/v1`); without one there is no audit log.
    var auditPolicyPath: String?
    /// A kubeconfig of where audit events are sent to, beside the file.
    var auditWebhookConfigPath: String?
    /// The file with the platform's `AuthenticationConfiguration` (`apiserver.config.k8s.io/v1`); without one nobody is believed but the
    /// platform's own authority.
    var authenticationConfigPath: String?
    /// How long deleted clusters are kept, as a duration such as `24h`; `0` for not at all.
    var keepDeleted: String = "24h"
    /// The resolvers to which questions for names outside are passed on, as resolv.conf(5); nil for the machine's own.
    var resolvConfPath: String?
    /// How many processes and threads a pod may have; -1 for as many as there may be.
    var podPidsLimit: Int64 = 4096
    /// Below what of the machine pods have to go, as kubelet's `--eviction-hard` has it; nil for kubelet's own, empty for none.
    var evictionHard: String?
    /// The same for `--eviction-soft`, `--eviction-soft-grace-period` and `--eviction-minimum-reclaim`; empty for none.
    var evictionSoft: String = ""
    var evictionSoftGracePeriod: String = ""
    var evictionMinimumReclaim: String = ""
    /// What of the machine isn't for pods, as kubelet's `--kube-reserved` and `--system-reserved` have it; empty for nothing.
    var kubeReserved: String = ""
    var systemReserved: String = ""
    /// How many seconds a pod has at most to end, when it goes for one of ``evictionSoft``.
    var evictionMaxPodGracePeriod: Int64 = 0
    /// How long a node says that it is short of something after it was, as a duration.
    var evictionPressureTransitionPeriod: String = "5m0s"
    /// When backups are made, as cron has it; nil for never.
    var backupSchedule: String?
    /// The time zone of ``backupSchedule``; nil for UTC.
    var backupTimeZone: String?
    /// Where backups are; nil for in the data directory.
    var backupPath: String?
    /// How many backups are kept.
    var backupKeep: Int = 7
    /// Whether pods run here. Without containers there is an API but no node: for tests of the API, and where the user isn't root.
    var runsContainers: Bool = true

    /// ``podSubnet``, one by one.
    var podSubnets: [String] { podSubnet.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    /// Whether pods and services have addresses of both families.
    var isDualStack: Bool { podSubnets.count > 1 }

    var backupDirectory: String { backupPath ?? dataDirectory + "/backups" }

    /// - Throws: when the schedule can't be read. Nil without one.
    func backupCronSchedule() throws(CronSchedule.ParseError) -> CronSchedule? {
        guard let backupSchedule else { return nil }
        return try CronSchedule(backupSchedule, zone: backupTimeZone)
    }

    /// - Throws: which of the options is wrong, and why.
    func nodeReservation() throws(ObjectError) -> NodeReservation {
        try NodeReservation(kube: kubeReserved, system: systemReserved)
    }

    /// - Throws: which of the options is wrong, and why.
    func evictionSettings() throws(ObjectError) -> EvictionSettings {
        try EvictionSettings(
            hard: evictionHard, soft: evictionSoft, graces: evictionSoftGracePeriod, reclaims: evictionMinimumReclaim,
            mostGrace: evictionMaxPodGracePeriod,
            transition: GoDuration.nanoseconds(evictionPressureTransitionPeriod).map { Double($0) / 1e9 } ?? 0)
    }

    /// ``keepDeleted`` in seconds.
    var keepDeletedSeconds: Double { GoDuration.nanoseconds(keepDeleted).map { Double($0) / 1e9 } ?? 0 }

    /// The root cluster's administrator, written by the server with mode 0600.
    var pkiDirectory: String { dataDirectory + "/pki" }
    var adminKubeconfigPath: String { dataDirectory + "/admin.kubeconfig" }
    var auditLogPath: String { dataDirectory + "/log/audit.log" }
    var logPath: String { dataDirectory + "/log/sampan.log" }
    /// Locked for as long as the server lives; contains its process id.
    var lockPath: String { dataDirectory + "/sampan.pid" }
    /// The root of the embedded containerd: its configuration, socket, root and state.
    var containerdDirectory: String { dataDirectory + "/containerd" }
}

extension Configuration {
    /// Keys that an older version didn't write keep their defaults.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        instance = try values.decode(String.self, forKey: .instance)
        dataDirectory = try values.decode(String.self, forKey: .dataDirectory)
        listenAddress = try values.decodeIfPresent(String.self, forKey: .listenAddress) ?? listenAddress
        apiPort = try values.decodeIfPresent(Int.self, forKey: .apiPort) ?? apiPort
        dnsPort = try values.decodeIfPresent(Int.self, forKey: .dnsPort) ?? dnsPort
        podSubnet = try values.decodeIfPresent(String.self, forKey: .podSubnet) ?? podSubnet
        domain = try values.decodeIfPresent(String.self, forKey: .domain) ?? domain
        logLevel = try values.decodeIfPresent(String.self, forKey: .logLevel) ?? logLevel
        auditPolicyPath = try values.decodeIfPresent(String.self, forKey: .auditPolicyPath)
        auditWebhookConfigPath = try values.decodeIfPresent(String.self, forKey: .auditWebhookConfigPath)
        authenticationConfigPath = try values.decodeIfPresent(String.self, forKey: .authenticationConfigPath)
        keepDeleted = try values.decodeIfPresent(String.self, forKey: .keepDeleted) ?? keepDeleted
        resolvConfPath = try values.decodeIfPresent(String.self, forKey: .resolvConfPath)
        podPidsLimit = try values.decodeIfPresent(Int64.self, forKey: .podPidsLimit) ?? podPidsLimit
        evictionHard = try values.decodeIfPresent(String.self, forKey: .evictionHard)
        evictionSoft = try values.decodeIfPresent(String.self, forKey: .evictionSoft) ?? evictionSoft
        evictionSoftGracePeriod =
            try values.decodeIfPresent(String.self, forKey: .evictionSoftGracePeriod) ?? evictionSoftGracePeriod
        evictionMinimumReclaim =
            try values.decodeIfPresent(String.self, forKey: .evictionMinimumReclaim) ?? evictionMinimumReclaim
        kubeReserved = try values.decodeIfPresent(String.self, forKey: .kubeReserved) ?? kubeReserved
        systemReserved = try values.decodeIfPresent(String.self, forKey: .systemReserved) ?? systemReserved
        evictionMaxPodGracePeriod =
            try values.decodeIfPresent(Int64.self, forKey: .evictionMaxPodGracePeriod) ?? evictionMaxPodGracePeriod
        evictionPressureTransitionPeriod =
            try values.decodeIfPresent(String.self, forKey: .evictionPressureTransitionPeriod) ?? evictionPressureTransitionPeriod
        backupSchedule = try values.decodeIfPresent(String.self, forKey: .backupSchedule)
        backupTimeZone = try values.decodeIfPresent(String.self, forKey: .backupTimeZone)
        backupPath = try values.decodeIfPresent(String.self, forKey: .backupPath)
        backupKeep = try values.decodeIfPresent(Int.self, forKey: .backupKeep) ?? backupKeep
        runsContainers = try values.decodeIfPresent(Bool.self, forKey: .runsContainers) ?? runsContainers
    }
}
