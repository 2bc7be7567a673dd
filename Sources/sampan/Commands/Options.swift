import ArgumentParser
import FoundationEssentials
import KubeControllers
import KubeSchema

/// Which instance is meant.
struct InstanceOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Where the instance keeps everything, or SAMPAN_DATA_DIR.", valueName: "directory"))
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
            "The team whose clusters are meant, or SAMPAN_TEAM. (default: those that are nobody's)", valueName: "team"))
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
        help: ArgumentHelp("IPv4 network of all pods; instances may not overlap. (default: 10.244.0.0/16)", valueName: "cidr"))
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
        guard let subnet = IPv4Network(podSubnet), (8...24).contains(subnet.prefixLength) else {
            throw ValidationError("--pod-subnet \(podSubnet): give an IPv4 network between /8 and /24, such as 10.244.0.0/16.")
        }
        if let services = IPv4Network("10.96.0.0/12"), subnet.overlaps(services) {
            throw ValidationError("--pod-subnet \(podSubnet) overlaps 10.96.0.0/12, where every cluster has its services.")
        }
        guard domain.split(separator: ".", omittingEmptySubsequences: false).allSatisfy({ isLabel($0, 63) }) else {
            throw ValidationError("--domain \(domain) isn't a DNS name.")
        }
        // With fewer a container's own runtime doesn't come up.
        guard podPidsLimit == -1 || podPidsLimit >= 64 else {
            throw ValidationError("--pod-pids-limit \(podPidsLimit): a pod needs 64 at least; -1 is no limit.")
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

/// How a command prints what it found.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json, yaml, name
}
