public import KubeObject
public import KubeRegistry
public import KubeSchema
public import KubeStore
public import Logging

/// The controllers of a server.
public enum KubeControllers {
    /// What the controllers need from other rooms.
    public struct Environment: Sendable {
        /// The node on which pods run; nil binds no pods.
        public var node: (any NodeSource)?
        /// Keeps the data of local volumes; without it claims of their class wait.
        public var volumes: (any VolumeSource)?
        /// What pods use, for autoscalers; without it they report that there are no metrics.
        public var metrics: (any MetricsSource)?
        /// Asks clusters' own metrics servers, for autoscalers; without it they report that there are none.
        public var metricsAPI: (any MetricsAPI)?
        /// The certificates, as PEM, by which a cluster's pods verify the API server.
        public var rootAuthority: @Sendable (LogicalCluster) -> String?
        /// The config map by which extension API servers know this one; without it none is kept.
        public var authenticationTrust: AuthenticationTrustReconciler.Desired?
        /// Names what that says, when it changes.
        public var authenticationTrustMark: AuthenticationTrustReconciler.Mark
        /// Signs tokens that are kept in secrets; without it such secrets stay empty.
        public var issueToken: TokenSecretReconciler.Issue?
        /// Approve and sign requests for certificates; without them they wait.
        public var certificates: [any Reconciler]
        /// Every stored resource that a cluster has, custom ones included.
        public var resources: @Sendable (LogicalCluster) -> [ResourceType]
        /// Asks the server behind an APIService whether it answers; without it such an APIService never becomes available.
        public var probe: APIServiceReconciler.Probe?
        /// The resource of a kind, nil when the cluster knows none.
        public var resolve: GarbageCollector.Resolver
        /// The ranges that services get their addresses from in every cluster: of one family or two.
        public var serviceRanges: [String]

        public init(
            node: (any NodeSource)? = nil, volumes: (any VolumeSource)? = nil, metrics: (any MetricsSource)? = nil,
            metricsAPI: (any MetricsAPI)? = nil, probe: APIServiceReconciler.Probe? = nil,
            rootAuthority: @escaping @Sendable (LogicalCluster) -> String? = { _ in nil },
            authenticationTrust: AuthenticationTrustReconciler.Desired? = nil,
            authenticationTrustMark: @escaping AuthenticationTrustReconciler.Mark = { _ in nil },
            issueToken: TokenSecretReconciler.Issue? = nil, certificates: [any Reconciler] = [],
            resources: @escaping @Sendable (LogicalCluster) -> [ResourceType] = { _ in Schema.builtin.resources },
            resolve: @escaping GarbageCollector.Resolver = { kind, _ in Schema.builtin.resource(forKind: kind) },
            serviceRanges: [String] = [ServiceRange.text]
        ) {
            self.serviceRanges = serviceRanges
            self.node = node
            self.volumes = volumes
            self.metrics = metrics
            self.metricsAPI = metricsAPI
            self.probe = probe
            self.rootAuthority = rootAuthority
            self.authenticationTrust = authenticationTrust
            self.authenticationTrustMark = authenticationTrustMark
            self.issueToken = issueToken
            self.certificates = certificates
            self.resources = resources
            self.resolve = resolve
        }
    }

    /// All controllers, for all clusters of the registry's store. They do nothing before the service runs, except that they note what is
    /// committed; so this is to be called before the server takes requests.
    ///
    /// - Parameters:
    ///   - others: more reconcilers, which are not Kubernetes' own: the platform's.
    ///   - rests: whether a cluster, by its name, sleeps; see ``ControllerManager/revisit(_:)``.
    public static func standard(
        registry: Registry, store: Store, environment: Environment, others: [any Reconciler] = [],
        clock: ControllerClock = .system, rests: @escaping @Sendable (String) -> Bool = { _ in false }, logger: Logger
    ) -> ControllerManager {
        ControllerManager(
            store: store, writer: RegistryWriter(registry),
            reconcilers: reconcilers(environment, clock: clock) + [
                AutoscalerReconciler(
                    registry: registry, metrics: environment.metrics, api: environment.metricsAPI, clock: clock),
                PolicyTypeReconciler { PolicyTypeCheck.warnings(of: $0, in: registry.schema(of: $1)) },
            ] + others,
            clock: clock, rests: rests, logger: logger)
    }

    static func reconcilers(_ environment: Environment, clock: ControllerClock) -> [any Reconciler] {
        var reconcilers: [any Reconciler] = [
            NamespaceReconciler(resources: environment.resources),
            ServiceAccountReconciler(),
            RootCAReconciler(authority: environment.rootAuthority),
            CustomResourceDefinitionReconciler(),
            GarbageCollector(clock: clock, resolve: environment.resolve),
            DeploymentReconciler(),
            ReplicaSetReconciler(.replicaSets),
            ReplicaSetReconciler(.replicationControllers),
            EndpointSliceReconciler(),
            EndpointsReconciler(),
            JobReconciler(),
            StatefulSetReconciler(),
            DaemonSetReconciler(),
            CronJobReconciler(),
            PodCollector(),
            TaintEvictionReconciler(),
            NodeAllocatableReconciler(),
            NodeLifecycleReconciler(ownNodes: environment.node?.nodes),
            TTLReconciler(),
            DisruptionBudgetReconciler(),
            QuotaReconciler(),
            EventCollector(),
            CertificateRequestCleaner(),
            ClusterRoleAggregation(),
            PriorityLevelReconciler(),
            FlowSchemaReconciler(),
            EndpointMirrorReconciler(),
            VolumeBinder(),
            StorageProtection(),
            AttachmentReconciler(),
            ServiceCIDRReconciler(standard: environment.serviceRanges),
            BootstrapTokenCleaner(),
            BootstrapSigner(),
            StorageMigrationReconciler(resources: environment.resources),
            EphemeralVolumes(),
        ]
        reconcilers += environment.certificates
        if let trust = environment.authenticationTrust {
            reconcilers.append(AuthenticationTrustReconciler(desired: trust, mark: environment.authenticationTrustMark))
        }
        if let issue = environment.issueToken {
            reconcilers.append(TokenSecretReconciler(issue: issue, authority: environment.rootAuthority))
        }
        if let probe = environment.probe { reconcilers.append(APIServiceReconciler(probe: probe)) }
        if let node = environment.node {
            reconcilers.append(SchedulerReconciler(source: node))
            reconcilers.append(MachineNodeReconciler(source: node))
            if let volumes = environment.volumes {
                reconcilers.append(LocalPathProvisioner(source: volumes, nodes: node.nodes))
            }
        }
        return reconcilers
    }
}
