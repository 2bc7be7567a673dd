import Fleet
import FoundationEssentials
import KubeAPI
import KubeClient
import KubeControllers
import KubeNetwork
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore
import Logging
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Wires the rooms and runs them until told to stop.
enum ServerMain {
    /// Runs in the foreground until SIGTERM or SIGINT. Containers keep running; the next start adopts them.
    static func run(configuration: Configuration) async throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var logger = Logger(label: "sampan")
        logger.logLevel = Logger.Level(rawValue: configuration.logLevel) ?? .info
        OpenFiles.raiseLimit(logger: logger)
        Reload.ignoreEarlySignals()

        let authority = try PlatformAuthority.loadOrCreate(directory: configuration.pkiDirectory)
        let hosts = HostAddresses.all
        let identity = try ServerIdentity(
            authority: authority, names: ServerNames(hosts: hosts, domain: ClusterProvisioner.Endpoint.domain), logger: logger)
        let endpoint = ClusterProvisioner.Endpoint(
            server: "https://127.0.0.1:\(configuration.apiPort)", certificateAuthority: { identity.authorityPEM },
            machine: (
                hosts.first { $0.contains(".") && $0.allSatisfy { $0.isNumber || $0 == "." } } ?? "127.0.0.1",
                configuration.apiPort
            ))

        let identities = IdentityCache()
        let authorities = ClusterAuthorities(identities: identities)
        let storeKeeper = StoreKeeper(configuration, logger: logger)
        let store = try Store.open(directory: configuration.dataDirectory + "/store", logger: logger)
        let platform = try Platform.schema()
        // What uses the machine can be measured where pods run.
        let measured = configuration.runsContainers ? try Schema.builtin.adding(ResourceMetrics.declaration) : nil
        guard let virtualClusters = platform.resource(Platform.virtualClusters),
            let deletedClusters = platform.resource(Platform.deletedClusters), let teams = TeamReconciler(schema: platform)
        else {
            throw CommandFailure("The platform's schema has no virtual clusters or no teams.")
        }
        let keeper = SleepKeeper(resource: virtualClusters, store: store, logger: logger)
        guard let quotas = QuotaKeeper(schema: platform, store: store, logger: logger) else {
            throw CommandFailure("The platform's schema has no virtual clusters or no teams.")
        }
        let meter = try MeterKeeper(
            directory: configuration.dataDirectory + "/usage", store: store, quotas: quotas, logger: logger)
        let archived = ArchivedClusters(store: store, quotas: quotas)
        let transfers = VolumeTransfers(keeper: keeper, logger: logger)
        let endings = DeletedClusterEndings()
        let backups = try BackupKeeper(configuration, logger: logger)
        let networkExplain = NetworkExplainHandler(store: store)
        let policies = ClusterPolicies(authentication: try authentication(configuration))
        let authorizer = Authorizer()
        let registry = Registry(
            store: store, schemas: { $0.name == Platform.rootCluster ? platform : measured }, authorizer: authorizer,
            admission: .builtin + VirtualClusterAdmission.chain(authorizer, quotas: quotas, arrivals: archived.arrivals)
                + DeletedClusterAdmission.chain + TeamAdmission.chain + TeamNamespaceAdmission.chain
                + QuotaAdmission.chain(quotas),
            policies: { policies.policy(of: $0) },
            handlers: [
                GroupResource(group: Platform.group, resource: "virtualclusters/kubeconfig"): KubeconfigHandler(
                    store: store, endpoint: endpoint, identities: identities, authorizer: authorizer),
                GroupResource(group: Platform.group, resource: "virtualclusters/authority"): AuthorityHandler(
                    store: store, authorities: authorities),
                GroupResource(group: Platform.group, resource: "teams/kubeconfig"): MemberKubeconfigHandler(
                    endpoint: endpoint, identities: identities),
                GroupResource(group: Platform.group, resource: "teams/usage"): UsageHandler(meter),
                GroupResource(group: Platform.group, resource: "virtualclusters/sleep"): SleepHandler(keeper, sleeps: true),
                GroupResource(group: Platform.group, resource: "virtualclusters/wake"): SleepHandler(keeper, sleeps: false),
                GroupResource(group: Platform.group, resource: "virtualclusters/explain"): ClusterExplainHandler(
                    keeper, store: store),
                GroupResource(group: Platform.group, resource: "virtualclusters/network"): networkExplain,
                GroupResource(group: Platform.group, resource: "virtualclusters/export"): ExportHandler(
                    store: store, transfers: transfers),
                GroupResource(group: Platform.group, resource: "virtualclusters/import"): ImportHandler(
                    archived, transfers: transfers),
                GroupResource(group: Platform.group, resource: "virtualclusters/clone"): CloneHandler(
                    archived, store: store, transfers: transfers),
                GroupResource(group: Platform.group, resource: "deletedclusters/undelete"): UndeleteHandler(
                    archived, store: store
                ) {
                    endings.isEnding($0)
                },
            ], isDualStack: configuration.isDualStack)
        let networkLists = NetworkLists()
        let addresses = PodAddressBook()
        let aggregator = Aggregator(addressBook: addresses, identities: identities)
        let node =
            configuration.runsContainers
            ? try NodeServices(configuration, registry, addresses, lists: networkLists, rests: { keeper.isAsleep($0) }, logger)
            : nil
        let provisioner = ClusterProvisioner(
            registry: registry, endpoint: endpoint, identities: identities, authorities: authorities
        ) { await node?.nodes($0) ?? [] }

        archived.attach(registry, provisioner)
        if let node { endings.attach { node.hasPods(of: $0) } }

        let controllers = KubeControllers.standard(
            registry: registry, store: store,
            environment: KubeControllers.Environment(
                node: node?.source, volumes: node?.volumes, metrics: node?.metricsSource,
                metricsAPI: MetricsServers(aggregator),
                probe: { await aggregator.probe($0, in: $1) },
                rootAuthority: { _ in endpoint.certificateAuthority },
                authenticationTrust: { try FrontProxy.configMap(try ClusterIdentity(record: $0.record)) },
                authenticationTrustMark: { try identities.identity(of: $0).trustMark(now: Timestamp.seconds) },
                issueToken: { claims in
                    guard let issuer = registry.tokenIssuer else {
                        throw StatusError.serviceUnavailable("the server is still starting")
                    }
                    return try await issuer.issue(claims)
                },
                certificates: certificateControllers(registry),
                resources: { registry.schema(of: $0).resources },
                resolve: { kind, cluster in
                    let schema = registry.schema(of: cluster)
                    // A custom object may be stored in a version that isn't served any more.
                    return schema.resource(forKind: kind) ?? schema.resource(kind.groupKind)
                }, serviceRanges: [ServiceRange.text] + (configuration.isDualStack ? [ServiceRange.textSix] : [])),
            others: [
                VirtualClusterReconciler(
                    resource: virtualClusters, store: store, provisioner: provisioner, keeper: keeper,
                    arrivals: archived.arrivals, transfers: transfers,
                    keeping: DeletedClusterKeeping(resource: deletedClusters, period: configuration.keepDeletedSeconds),
                    endings: endings),
                DeletedClusterReconciler(resource: deletedClusters, store: store) { await node?.removeVolumes(of: $0) },
                teams,
            ],
            rests: { keeper.isAsleep($0) }, logger: logger)

        let root = try await RootCluster.open(store, provisioner: provisioner)
        try await DeletedClusterReconciler.removeOrphans(of: store, in: root, logger)
        policies.attach(root, of: store)
        networkLists.attach(root, of: store) { node?.networkListsChanged() }
        keeper.attach(root, by: registry)
        keeper.report { controllers.recorder.record(.normal, $1, $2, about: $0, from: SleepKeeper.name, in: root) }
        transfers.attach(root, node.map { NodeVolumes(runtime: $0.runtime) })
        quotas.attach(root, by: registry)
        quotas.report { controllers.recorder.record(.warning, $1, $2, about: $0, from: QuotaKeeper.name, in: root) }
        await meter.attach(root, pods: node?.podUses)
        node?.attach(keeper, logger)
        node?.attach(networkExplain)
        keeper.whenChanged { cluster, isAsleep in
            await node?.note(cluster, isAsleep: isAsleep)
            if !isAsleep { controllers.revisit(cluster) }
        }
        try writeAdministrator(root, provisioner, configuration)

        let streams: any PodStreams = node?.runtime ?? WithoutRuntime()
        let auditWebhook = try auditWebhook(configuration, logger)
        let auditLog = try auditLog(configuration, auditWebhook, logger)
        let reach = try webhookReach(configuration, addresses, networkLists)
        let webhooks = HTTPSWebhookClient(attendant: keeper) { reach.allows($0, $1) }
        let api = APIServer(
            registry: registry, addressBook: addresses, streams: streams, aggregator: aggregator,
            metrics: node?.resourceMetrics, nodeSigns: node.map { NodeSigns(registry: registry, nodes: $0.source.nodes) },
            attendant: keeper,
            moreMetrics: {
                keeper.metricsText + quotas.metricsText + meter.metricsText + (backups?.metricsText ?? "")
                    + storeKeeper.metricsText
                    + identity.metricsText + Healings.process.metricsText
            },
            meter: { meter.countRequest($0) },
            identities: identities,
            issuerDocuments: webhooks, auditLog: auditLog,
            configuration: APIServer.Configuration(
                domain: ClusterProvisioner.Endpoint.domain, advertisedAddress: "127.0.0.1:\(configuration.apiPort)"),
            logger: logger)
        registry.attach(webhookClient: webhooks)
        let server = HTTPSServer(
            host: configuration.listenAddress, port: configuration.apiPort, identity: identity, api: api,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        logger.notice(
            "Sampan starts",
            metadata: [
                "version": "\(Version.text)", "instance": "\(configuration.instance)", "data": "\(configuration.dataDirectory)",
                "api": "\(endpoint.server)", "clusters": "\(store.clusters().count)",
            ])
        // Shut down in the opposite order: the API first, the store last.
        var services: [any Service] = [store, identity, controllers, keeper, quotas, meter, transfers, storeKeeper]
        services += node?.services ?? []
        if let backups { services.append(backups) }
        if let auditWebhook { services.append(auditWebhook) }
        if let auditLog { services.append(auditLog) }
        services += [
            webhooks, server,
            AdministratorKeeper(logger: logger) { try writeAdministrator(root, provisioner, configuration) },
            Reload(
                logger: logger,
                parts: [
                    .init(name: "the people's issuers") { policies.believe(try authentication(configuration)) },
                    .init(name: "the platform's authority") {
                        try identity.replace(try PlatformAuthority.loadOrCreate(directory: configuration.pkiDirectory))
                        try writeAdministrator(root, provisioner, configuration)
                    },
                ]
            ) { await controllers.revisitAll() },
        ]
        var group = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(20)
        try await ServiceGroup(configuration: group).run()
        withExtendedLifetime(root) {}
    }

    /// Who approves and signs requests for certificates.
    private static func certificateControllers(_ registry: Registry) -> [any Reconciler] {
        typealias Signer = CertificateRequestSigner.Signer
        return [
            CertificateApprover(
                recognize: { CertificateRequestSigner.kubelet(of: $0, usages: $1) },
                authorize: { registry.authorizer.decide($0, in: $1).isAllowed }),
            CertificateSigner(signers: Set(Signer.allCases.map(\.rawValue))) { name, request, usages, seconds, cluster in
                guard let signer = Signer(rawValue: name) else {
                    throw CertificateRequestSigner.Refusal(description: "there is no signer \(name)")
                }
                return try CertificateRequestSigner().sign(request, for: signer, usages: usages, seconds: seconds, in: cluster)
            },
        ]
    }

    private static func authentication(_ configuration: Configuration) throws -> JSON? {
        guard let path = configuration.authenticationConfigPath else { return nil }
        func failure(_ why: String) -> CommandFailure {
            CommandFailure(
                "The authentication configuration \(path) can't be used: \(why).",
                hint: "Mend it, or choose another with --authentication-config.")
        }
        guard let text = FileManager.default.contents(atPath: path) else { throw failure("it can't be read") }
        let documents: [JSON]
        do { documents = try YAML.parse(Array(text)) } catch { throw failure("\(error)") }
        guard let tree = documents.first else { throw failure("it is empty") }
        let errors = AuthenticationConfiguration.errors(inFile: tree)
        guard errors.isEmpty else { throw failure(errors.map(\.description).joined(separator: "; ")) }
        return tree
    }

    private static func auditWebhook(_ configuration: Configuration, _ logger: Logger) throws -> AuditWebhook? {
        guard let path = configuration.auditWebhookConfigPath else { return nil }
        do {
            return AuditWebhook(receiver: try AuditAPI(ClientConfiguration(kubeconfig: path)), logger: logger)
        } catch {
            throw CommandFailure(
                "Audit events can't be sent to where \(path) says: \(error).",
                hint: "Mend it, or choose another with --audit-webhook-config.")
        }
    }

    private static func auditLog(
        _ configuration: Configuration, _ webhook: AuditWebhook?, _ logger: Logger
    ) throws -> AuditLog? {
        guard let path = configuration.auditPolicyPath else { return nil }
        let policy: AuditPolicy
        do {
            guard let text = FileManager.default.contents(atPath: path) else {
                throw AuditPolicy.Failure(description: "it can't be read")
            }
            guard let tree = try YAML.parse(Array(text)).first else { throw AuditPolicy.Failure(description: "it is empty") }
            policy = try AuditPolicy(tree)
        } catch {
            throw CommandFailure(
                "The audit policy \(path) can't be used: \(error).", hint: "Mend it, or choose another with --audit-policy.")
        }
        return AuditLog(policy: policy, path: configuration.auditLogPath, webhook: webhook, logger: logger)
    }

    private static func webhookReach(
        _ configuration: Configuration, _ addresses: PodAddressBook, _ lists: NetworkLists
    ) throws -> WebhookReach {
        let pods = configuration.podSubnets.compactMap { IPRange($0) }
        let services = [ServiceRange.text, ServiceRange.textSix].compactMap { IPRange($0) }
        guard pods.count == configuration.podSubnets.count else {
            throw CommandFailure(
                "The pod subnet \(configuration.podSubnet) isn't one.", hint: "Choose another with `sampan up --help`.")
        }
        return WebhookReach(pods: pods, services: services, addresses: addresses) { NetworkAllowlists(lists.lists(of: $0)) }
    }

    /// The administrator's kubeconfig, made anew at every start, so that its certificate is never near its end.
    private static func writeAdministrator(
        _ root: LogicalCluster, _ provisioner: ClusterProvisioner, _ configuration: Configuration
    ) throws {
        let path = configuration.adminKubeconfigPath
        let document = try RootCluster.administrator(root, provisioner: provisioner)
        try AtomicFile.write(Array(YAML.encode(document).utf8), to: path, mode: 0o600)
    }
}
