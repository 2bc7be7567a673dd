import ArgumentParser
import FoundationEssentials
import KubeClient
import KubeControllers
import KubeNetwork
import KubeObject
import KubeRegistry
import KubeRuntime
import KubeSchema

/// Which instance is meant.
struct InstanceOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Where the instance keeps everything, or SAMPAN_DATA_DIR.", valueName: "directory"),
        completion: .directory)
    var dataDir: String = ProcessInfo.processInfo.environment["SAMPAN_DATA_DIR"] ?? "/var/lib/sampan"

    var dataDirectory: String { Paths.absolute(dataDir) }

    /// The configuration of an instance that was brought up before.
    func load() throws -> Configuration {
        guard let configuration = try ConfigurationFile.load(dataDirectory: dataDirectory) else {
            throw CommandFailure(
                "There is no Sampan in \(dataDirectory).",
                hint: "Start one with `sampan up`, or name its data directory with --data-dir or SAMPAN_DATA_DIR.")
        }
        return configuration
    }
}

/// Whose clusters are meant.
struct TeamOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The team whose clusters are meant, or SAMPAN_TEAM. (default: those that are nobody's)", valueName: "team"),
        completion: Completions.teams)
    var team: String = ProcessInfo.processInfo.environment["SAMPAN_TEAM"] ?? ""

    /// What says the same in another command.
    var argument: String { team.isEmpty ? "" : " --team \(team)" }
}

/// What an instance is to be; whatever isn't given stays as it was, or gets its default.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Name for links, tables and cgroups; at most 15 of a-z, 0-9, -. (default: the data directory's name)"))
    var instance: String?

    @Option(help: ArgumentHelp("Address the API listens on. (default: 0.0.0.0)", valueName: "address"))
    var listen: String?

    @Option(help: ArgumentHelp("TLS port of the API. (default: 6443)", valueName: "port"))
    var apiPort: Int?

    @Option(help: ArgumentHelp("Port on the host that answers pods' DNS queries. (default: 10053)", valueName: "port"))
    var dnsPort: Int?

    @Option(
        help: ArgumentHelp(
            "IPv4 network of all pods; instances may not overlap. With an IPv6 network after a comma, as 10.244.0.0/16,fd00:10:244::/64, pods and services have addresses of both. (default: 10.244.0.0/16)",
            valueName: "cidr[,cidr]"))
    var podSubnet: String?

    @Option(help: "DNS suffix of services. (default: cluster.local)")
    var domain: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical. (default: info)", valueName: "level"))
    var logLevel: String?

    @Option(
        help: ArgumentHelp(
            "File with an audit policy; requests are then noted in log/audit.log. An empty name for none. (default: none)",
            valueName: "file"))
    var auditPolicy: String?

    @Option(
        help: ArgumentHelp(
            "Kubeconfig of where audit events are sent to as well, in batches. An empty name for nowhere. (default: nowhere)",
            valueName: "file"))
    var auditWebhookConfig: String?

    @Option(
        help: ArgumentHelp(
            "File with an AuthenticationConfiguration: the OpenID Connect issuers by which people are known to the platform. An empty name for none. (default: none)",
            valueName: "file"))
    var authenticationConfig: String?

    @Option(
        help: ArgumentHelp(
            "How long clusters that are deleted can be brought back, such as 24h; 0 for not at all. (default: 24h)",
            valueName: "duration"))
    var keepDeleted: String?

    @Option(
        help: ArgumentHelp(
            "Resolvers for names outside, as a resolv.conf file; empty for the machine's. (default: /etc/resolv.conf)",
            valueName: "file"))
    var resolvConf: String?

    @Option(
        help: ArgumentHelp(
            "How many processes and threads a pod may have; -1: as many as the machine lets it. (default: 4096)",
            valueName: "number"))
    var podPidsLimit: Int64?

    @Option(
        help: ArgumentHelp(
            "Below what the machine has left pods are ended, as kubelet's option has it, such as \"memory.available<200Mi,nodefs.available<5%\". An empty text for never. (default: memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%)",
            valueName: "thresholds"))
    var evictionHard: String?

    @Option(
        help: ArgumentHelp(
            "Below what the machine has left pods are ended when it has been so for --eviction-soft-grace-period, as kubelet's option has it. An empty text for never. (default: never)",
            valueName: "thresholds"))
    var evictionSoft: String?

    @Option(
        help: ArgumentHelp(
            "How long each threshold of --eviction-soft must be crossed, such as \"memory.available=1m30s\".",
            valueName: "durations"))
    var evictionSoftGracePeriod: String?

    @Option(
        help: ArgumentHelp(
            "How much more than the threshold there must be again until no more pods are ended, such as \"nodefs.available=500Mi\". (default: nothing)",
            valueName: "amounts"))
    var evictionMinimumReclaim: String?

    @Option(
        help: ArgumentHelp(
            "What of the machine is for Sampan and containerd and not for pods, as kubelet's option has it, such as \"cpu=200m,memory=500Mi,ephemeral-storage=1Gi\": nodes have that much less to allocate. (default: nothing)",
            valueName: "amounts"))
    var kubeReserved: String?

    @Option(
        help: ArgumentHelp(
            "What of the machine is for its own system and not for pods, as --kube-reserved. (default: nothing)",
            valueName: "amounts"))
    var systemReserved: String?

    @Option(
        help: ArgumentHelp(
            "How many seconds a pod has at most to end, when it is ended for a threshold of --eviction-soft. (default: 0)",
            valueName: "seconds"))
    var evictionMaxPodGracePeriod: Int64?

    @Option(
        help: ArgumentHelp(
            "How long nodes say that they are under pressure after they were for the last time. (default: 5m0s)",
            valueName: "duration"))
    var evictionPressureTransitionPeriod: String?

    @Option(
        help: ArgumentHelp(
            "When the server backs up all clusters, as cron has it, such as \"0 3 * * *\". An empty text for never. (default: never)",
            valueName: "schedule"))
    var backupSchedule: String?

    @Option(help: ArgumentHelp("The time zone of --backup-schedule. (default: UTC)", valueName: "zone"))
    var backupTimeZone: String?

    @Option(
        help: ArgumentHelp(
            "Where backups are; it must be there. An empty text for the default. (default: backups in the data directory)",
            valueName: "directory"))
    var backupDirectory: String?

    @Option(help: ArgumentHelp("How many backups are kept. (default: 7)", valueName: "count"))
    var backupKeep: Int?

    @Flag(inversion: .prefixedNo, help: "Run pods on this machine. (default: --containers; needs root)")
    var containers: Bool?

    /// These options over what the instance had before, over the defaults; checked.
    func configuration(dataDirectory: String, stored: Configuration?) throws -> Configuration {
        var configuration =
            stored ?? Configuration(instance: Paths.instanceName(forDataDirectory: dataDirectory), dataDirectory: dataDirectory)
        configuration.instance = instance ?? configuration.instance
        configuration.listenAddress = listen ?? configuration.listenAddress
        configuration.apiPort = apiPort ?? configuration.apiPort
        configuration.dnsPort = dnsPort ?? configuration.dnsPort
        configuration.podSubnet = podSubnet ?? configuration.podSubnet
        configuration.domain = domain ?? configuration.domain
        configuration.logLevel = logLevel ?? configuration.logLevel
        if let auditPolicy { configuration.auditPolicyPath = auditPolicy.isEmpty ? nil : Paths.absolute(auditPolicy) }
        if let auditWebhookConfig {
            configuration.auditWebhookConfigPath = auditWebhookConfig.isEmpty ? nil : Paths.absolute(auditWebhookConfig)
        }
        if let authenticationConfig {
            configuration.authenticationConfigPath = authenticationConfig.isEmpty ? nil : Paths.absolute(authenticationConfig)
        }
        configuration.keepDeleted = keepDeleted ?? configuration.keepDeleted
        if let resolvConf { configuration.resolvConfPath = resolvConf.isEmpty ? nil : Paths.absolute(resolvConf) }
        configuration.podPidsLimit = podPidsLimit ?? configuration.podPidsLimit
        configuration.evictionHard = evictionHard ?? configuration.evictionHard
        configuration.evictionSoft = evictionSoft ?? configuration.evictionSoft
        configuration.evictionSoftGracePeriod = evictionSoftGracePeriod ?? configuration.evictionSoftGracePeriod
        configuration.evictionMinimumReclaim = evictionMinimumReclaim ?? configuration.evictionMinimumReclaim
        configuration.kubeReserved = kubeReserved ?? configuration.kubeReserved
        configuration.systemReserved = systemReserved ?? configuration.systemReserved
        configuration.evictionMaxPodGracePeriod = evictionMaxPodGracePeriod ?? configuration.evictionMaxPodGracePeriod
        configuration.evictionPressureTransitionPeriod =
            evictionPressureTransitionPeriod ?? configuration.evictionPressureTransitionPeriod
        if let backupSchedule { configuration.backupSchedule = backupSchedule.isEmpty ? nil : backupSchedule }
        if let backupTimeZone { configuration.backupTimeZone = backupTimeZone.isEmpty ? nil : backupTimeZone }
        if let backupDirectory { configuration.backupPath = backupDirectory.isEmpty ? nil : Paths.absolute(backupDirectory) }
        configuration.backupKeep = backupKeep ?? configuration.backupKeep
        configuration.runsContainers = containers ?? configuration.runsContainers
        try configuration.check()
        return configuration
    }
}

extension Configuration {
    static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    /// Throws what is wrong in the options' own words.
    func check() throws {
        func isLabel(_ text: some StringProtocol, _ maximum: Int) -> Bool {
            !text.isEmpty && text.utf8.count <= maximum && text.first != "-" && text.last != "-"
                && text.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
        }
        guard isLabel(instance, 15) else {
            throw ValidationError("--instance \(instance): use at most 15 of a-z, 0-9 and -, not beginning or ending with -.")
        }
        for (option, port) in [("--api-port", apiPort), ("--dns-port", dnsPort)] where !(1...65535).contains(port) {
            throw ValidationError("\(option) \(port): a port is between 1 and 65535.")
        }
        guard apiPort != dnsPort else { throw ValidationError("--api-port and --dns-port are both \(apiPort).") }
        try checkPodSubnets()
        guard domain.split(separator: ".", omittingEmptySubsequences: false).allSatisfy({ isLabel($0, 63) }) else {
            throw ValidationError("--domain \(domain) isn't a DNS name.")
        }
        // With fewer a container's own runtime doesn't come up.
        guard podPidsLimit == -1 || podPidsLimit >= 64 else {
            throw ValidationError("--pod-pids-limit \(podPidsLimit): a pod needs 64 at least; -1 is no limit.")
        }
        do {
            _ = try evictionSettings()
            try nodeReservation().check(NodeFacts.read(dataDirectory: dataDirectory))
        } catch { throw ValidationError("\(error).") }
        guard evictionMaxPodGracePeriod >= 0 else {
            throw ValidationError("--eviction-max-pod-grace-period \(evictionMaxPodGracePeriod): give seconds, or 0.")
        }
        guard let transition = GoDuration.nanoseconds(evictionPressureTransitionPeriod), transition >= 0 else {
            throw ValidationError(
                "--eviction-pressure-transition-period \(evictionPressureTransitionPeriod): give a duration such as 30s or 5m.")
        }
        guard auditWebhookConfigPath == nil || auditPolicyPath != nil else {
            throw ValidationError("--audit-webhook-config needs --audit-policy, which says what is noted.")
        }
        guard let kept = GoDuration.nanoseconds(keepDeleted), kept >= 0 else {
            throw ValidationError("--keep-deleted \(keepDeleted): give a duration such as 30m or 24h, or 0.")
        }
        do {
            if let schedule = try backupCronSchedule(), schedule.next(after: 0) == nil {
                throw ValidationError("--backup-schedule \(backupSchedule ?? ""): no time is ever so.")
            }
        } catch let error as CronSchedule.ParseError {
            throw ValidationError("--backup-schedule \(backupSchedule ?? ""): \(error).")
        }
        guard backupKeep >= 1 else { throw ValidationError("--backup-keep \(backupKeep): keep at least one.") }
        guard Self.logLevels.contains(logLevel) else {
            throw ValidationError("--log-level \(logLevel): it is one of \(Self.logLevels.joined(separator: ", ")).")
        }
    }
}

extension Configuration {
    private func checkPodSubnets() throws {
        let parts = podSubnets
        guard parts.count <= 2 else {
            throw ValidationError("--pod-subnet \(podSubnet): give one IPv4 network, or that and one IPv6 network after a comma.")
        }
        if parts.count == 2, parts[0].contains(":") {
            throw ValidationError(
                "--pod-subnet \(podSubnet): the IPv4 network comes first, since the API and DNS have IPv4 addresses: \(parts[1]),\(parts[0])."
            )
        }
        guard let subnet = IPv4Network(parts[0]), (8...24).contains(subnet.prefixLength) else {
            throw ValidationError("--pod-subnet \(podSubnet): give an IPv4 network between /8 and /24, such as 10.244.0.0/16.")
        }
        if let services = IPv4Network(ServiceRange.text), subnet.overlaps(services) {
            throw ValidationError(
                "--pod-subnet \(podSubnet) overlaps \(ServiceRange.text), where every cluster has its services.")
        }
        guard parts.count == 2 else { return }
        guard let six = IPRange(parts[1]), six.family == .v6, (48...112).contains(six.prefixLength), six.description == parts[1]
        else {
            throw ValidationError(
                "--pod-subnet \(podSubnet): the second is an IPv6 network between /48 and /112, such as fd00:10:244::/64.")
        }
        if let services = IPRange(ServiceRange.textSix), six.overlaps(services) {
            throw ValidationError("--pod-subnet \(podSubnet) overlaps \(services), where every cluster has its services.")
        }
        if let never = NetworkConfiguration.neverOutsideSix.first(where: { $0.overlaps(six) }) {
            throw ValidationError("--pod-subnet \(podSubnet) overlaps \(never), which is for something else.")
        }
    }
}

/// How a command prints what it found, made or changed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, wide, json, yaml, name

    /// Prints an object: as it is for programs, its name, or words for people.
    ///
    /// - Parameter words: a sentence without its end, or several lines of them.
    func print(_ object: JSON, name: String, _ words: String) {
        switch self {
        case .json: Console.out(String(decoding: object.encoded(), as: UTF8.self) + "\n")
        case .yaml: Console.out("---\n" + YAML.encode(object))
        case .name: Console.out("\(name)\n")
        case .table, .wide: Console.out("\(words)\n")
        }
    }
}

/// Does the same for several names: all are tried, and those for which it failed are named in the end.
func forEach(
    _ names: [String], _ failure: String, _ body: (String) async throws -> Void
) async throws {
    var failed: [String] = []
    for name in names {
        do {
            try await body(name)
        } catch let error where names.count > 1 && !(error is ClientError) {
            Console.note("Error: \(name): \(error)")
            failed.append(name)
        }
    }
    guard failed.isEmpty else {
        throw CommandFailure("\(failed.count) of \(names.count) clusters \(failure): \(failed.joined(separator: ", ")).")
    }
}
