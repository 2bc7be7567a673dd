public import KubeObject
public import KubeSchema
import KubeStore

/// The platform's own API, `sampan.dev/v1alpha1`, served by the root cluster only.
public enum Platform {
    public static let group = "sampan.dev"
    public static let version = GroupVersion(group: group, version: "v1alpha1")
    public static let deletedClusters = GroupResource(group: group, resource: "deletedclusters")
    public static let teams = GroupResource(group: group, resource: "teams")
    public static let virtualClusters = GroupResource(group: group, resource: "virtualclusters")

    /// The logical cluster whose API the platform is.
    public static let rootCluster = "root"

    /// Whether the platform's rules are a cluster's: a tenant's may have resources of the same names.
    static func isPlatform(_ cluster: LogicalCluster) -> Bool { cluster.name == rootCluster }

    /// What the root cluster serves: Kubernetes' own resources and the platform's.
    public static func schema() throws(SchemaError) -> Schema { try Schema.builtin.adding(declaration) }

    /// The rows' grammar is told in KubeSchema's `SchemaText`.
    static let declaration = ResourceDeclaration(
        types: """
            @sampan/v1alpha1 dev.sampan.v1alpha1 v1alpha1
            +AuthorityRotation
            ^ 0 meta/v1.TypeMeta
            action 0 s oO
            formerTrustedUntil 0 s oO
            keepSeconds 0 *l oO
            +ClusterClone
            ^ 0 meta/v1.TypeMeta
            bytes 0 *l oO
            cluster 0 s oO
            leftOut 0 *l oO
            name 0 s -
            state 0 s oO
            transfer 0 s oO
            volumes 0 *l oO
            withVolumes 0 *b oO
            +ClusterExplanation
            ^ 0 meta/v1.TypeMeta
            awake 0 *b oO
            expirationTime 0 s oO
            inUse 0 []s oO lt=atomic
            keptAwakeBy 0 []s oO lt=atomic
            lastUse 0 s oO
            lastUsedTime 0 s oO
            message 0 s oO
            pods 0 *l oO
            readyPods 0 *l oO
            reason 0 s oO
            runningPods 0 *l oO
            since 0 s oO
            sleepReason 0 s oO
            sleepTime 0 s oO
            wakeTime 0 s oO
            waking 0 *b oO
            +ClusterExport
            ^ 0 meta/v1.TypeMeta
            continue 0 s oO
            data 0 s oO
            leftOut 0 *l oO
            state 0 s oO
            transfer 0 s oO
            volumes 0 *l oO
            withVolumes 0 *b oO
            +ClusterImport
            ^ 0 meta/v1.TypeMeta
            cluster 0 s oO
            data 0 s oO
            finish 0 *b oO
            objects 0 *l oO
            offset 0 *l oO
            upload 0 s oO
            volumes 0 *l oO
            withVolumes 0 *b oO
            +ClusterUndelete
            ^ 0 meta/v1.TypeMeta
            cluster 0 s oO
            name 0 s oO
            +DeletedCluster
            ^ 0 meta/v1.TypeMeta
            metadata 0 meta/v1.ObjectMeta oO
            spec 0 .DeletedClusterSpec oO
            +DeletedClusterList
            ^ 0 meta/v1.TypeMeta
            metadata 0 meta/v1.ListMeta oO
            items 0 [].DeletedCluster -
            +DeletedClusterSpec
            annotations 0 {}s oO
            clusterUID 0 s oO
            deletionTime 0 s oO
            expirationTime 0 s oO
            labels 0 {}s oO
            name 0 s oO
            storage 0 *!quantity oO
            virtualCluster 0 .VirtualClusterSpec oO
            +KubeconfigRequest
            ^ 0 meta/v1.TypeMeta
            expirationSeconds 0 *l oO
            expirationTimestamp 0 s oO
            groups 0 []s oO lt=atomic
            kubeconfig 0 s oO
            user 0 s oO
            +MachineUse
            cpu 0 *!quantity oO
            exposures 0 *l oO
            memory 0 *!quantity oO
            pods 0 *l oO
            storage 0 *!quantity oO
            +NetworkAllowlists
            egress 0 *[].NetworkEntry oO lt=atomic
            ingress 0 *[].NetworkEntry oO lt=atomic
            +NetworkEntry
            cidrs 0 []s oO lt=atomic
            names 0 []s oO lt=atomic
            ports 0 [].NetworkEntryPort oO lt=atomic
            +NetworkEntryPort
            endPort 0 *i oO
            port 0 *i oO
            protocol 0 s oO
            +NetworkExplanation
            ^ 0 meta/v1.TypeMeta
            from 0 s -
            message 0 s oO
            port 0 *l oO
            protocol 0 s oO
            reachable 0 *b oO
            reason 0 s oO
            steps 0 []s oO lt=atomic
            to 0 s -
            +SleepRequest
            ^ 0 meta/v1.TypeMeta
            awake 0 *b oO
            changed 0 *b oO
            message 0 s oO
            +Team
            ^ 0 meta/v1.TypeMeta
            metadata 0 meta/v1.ObjectMeta oO
            spec 0 .TeamSpec oO
            status 0 .TeamStatus oO
            +TeamList
            ^ 0 meta/v1.TypeMeta
            metadata 0 meta/v1.ListMeta oO
            items 0 [].Team -
            +TeamClusterLifetime
            default 0 s oO
            maximum 0 s oO
            +TeamClusterSleep
            default 0 s oO
            maximum 0 s oO
            +TeamCredentialLifetime
            maximum 0 s oO
            +TeamIsolation
            allowed 0 []s oO lt=atomic
            default 0 s oO
            +TeamMember
            group 0 s oO
            role 0 s R
            user 0 s oO
            +TeamQuota
            awakeClusters 0 *l oO
            clusters 0 *l oO
            cpu 0 *!quantity oO
            exposures 0 *l oO
            memory 0 *!quantity oO
            pods 0 *l oO
            storage 0 *!quantity oO
            +TeamSpec
            clusterLifetime 0 *.TeamClusterLifetime oO
            clusterSleep 0 *.TeamClusterSleep oO
            credentialLifetime 0 *.TeamCredentialLifetime oO
            description 0 s oO
            isolation 0 *.TeamIsolation oO
            members 0 [].TeamMember oO lt=atomic
            network 0 *.NetworkAllowlists oO
            quota 0 *.TeamQuota oO
            +TeamStatus
            awakeClusters 0 *l oO
            clusters 0 *l oO
            conditions 0 []meta/v1.Condition oO ps=merge pk=type lt=map lk=type
            namespace 0 s oO
            observedGeneration 0 *l oO
            used 0 *.MachineUse oO
            +UsageRecord
            awakeHours 0 d -
            cluster 0 s oO
            clusterUID 0 s oO
            cpuSeconds 0 d -
            memoryGiBHours 0 d -
            open 0 b oO
            requests 0 l -
            storageGiBHours 0 d -
            team 0 s oO
            time 0 s oO
            +UsageReport
            ^ 0 meta/v1.TypeMeta
            by 0 s oO
            records 0 [].UsageRecord oO lt=atomic
            since 0 s oO
            until 0 s oO
            +VirtualCluster
            ^ 0 meta/v1.TypeMeta
            metadata 0 meta/v1.ObjectMeta oO
            spec 0 .VirtualClusterSpec oO
            status 0 .VirtualClusterStatus oO
            +VirtualClusterList
            ^ 0 meta/v1.TypeMeta
            metadata 0 meta/v1.ListMeta oO
            items 0 [].VirtualCluster -
            +VirtualClusterAnonymous
            conditions 0 [].VirtualClusterAnonymousCondition oO lt=atomic
            enabled 0 b -
            +VirtualClusterAnonymousCondition
            path 0 s -
            +VirtualClusterAuthentication
            anonymous 0 *.VirtualClusterAnonymous oO
            jwt 0 [].VirtualClusterJWTAuthenticator oO lt=atomic
            +VirtualClusterClaimMappings
            extra 0 [].VirtualClusterExtraMapping oO lt=atomic
            groups 0 *.VirtualClusterPrefixedClaimOrExpression oO
            uid 0 *.VirtualClusterClaimOrExpression oO
            username 0 *.VirtualClusterPrefixedClaimOrExpression R
            +VirtualClusterClaimOrExpression
            claim 0 s oO
            expression 0 s oO
            +VirtualClusterClaimValidationRule
            claim 0 s oO
            expression 0 s oO
            message 0 s oO
            requiredValue 0 s oO
            +VirtualClusterExtraMapping
            key 0 s -
            valueExpression 0 s -
            +VirtualClusterIssuer
            audienceMatchPolicy 0 s oO
            audiences 0 []s R lt=atomic
            certificateAuthority 0 s oO
            discoveryURL 0 s oO
            egressSelectorType 0 s oO
            url 0 s R
            +VirtualClusterJWTAuthenticator
            claimMappings 0 .VirtualClusterClaimMappings R
            claimValidationRules 0 [].VirtualClusterClaimValidationRule oO lt=atomic
            issuer 0 .VirtualClusterIssuer R
            userValidationRules 0 [].VirtualClusterUserValidationRule oO lt=atomic
            +VirtualClusterLimits
            bytes 0 *l oO
            cpu 0 *!quantity oO
            exposures 0 *l oO
            memory 0 *!quantity oO
            objects 0 *l oO
            pods 0 *l oO
            requestBytes 0 *l oO
            requests 0 *l oO
            requestsPerSecond 0 *l oO
            storage 0 *!quantity oO
            watches 0 *l oO
            +VirtualClusterPrefixedClaimOrExpression
            claim 0 s oO
            expression 0 s oO
            prefix 0 *s oO
            +VirtualClusterSleep
            afterIdle 0 s oO
            schedule 0 *.VirtualClusterSleepSchedule oO
            +VirtualClusterSleepSchedule
            sleepAt 0 []s oO lt=atomic
            timeZone 0 s oO
            wakeAt 0 []s oO lt=atomic
            +VirtualClusterSpec
            architecture 0 s oO
            authentication 0 *.VirtualClusterAuthentication oO
            description 0 s oO
            isolation 0 s oO
            keepDeletedFor 0 s oO
            limits 0 *.VirtualClusterLimits oO
            network 0 *.NetworkAllowlists oO
            nodes 0 *i oO
            podSecurity 0 s oO
            sleep 0 *.VirtualClusterSleep oO
            timeToLive 0 s oO
            +VirtualClusterStatus
            architecture 0 s oO
            authorityExpirationTime 0 s oO
            clusterUID 0 s oO
            conditions 0 []meta/v1.Condition oO ps=merge pk=type lt=map lk=type
            expirationTime 0 s oO
            formerAuthorityTrustedUntil 0 s oO
            kubernetesVersion 0 s oO
            lastUse 0 s oO
            lastUsedTime 0 s oO
            observedGeneration 0 *l oO
            phase 0 s oO
            server 0 s oO
            used 0 *.MachineUse oO
            +VirtualClusterUserValidationRule
            expression 0 s -
            message 0 s oO
            """,
        resources: """
            group sampan.dev
            version v1alpha1 served sampan/v1alpha1
            deletedclusters DeletedCluster deletedcluster ns * - sampan - -
            | Cluster string .spec.name 0
            | Deleted date .spec.deletionTime 0
            | Gone string .spec.expirationTime 0
            | Storage string .spec.storage 1
            /undelete ClusterUndelete create
            teams Team team cluster * - sampan - -
            | Clusters integer .status.clusters 0
            | Quota integer .spec.quota.clusters 0
            | Awake integer .status.awakeClusters 1
            | Awake-Quota integer .spec.quota.awakeClusters 1
            | Pods integer .status.used.pods 1
            | CPU string .status.used.cpu 1
            | Memory string .status.used.memory 1
            | Storage string .status.used.storage 1
            | Exposures integer .status.used.exposures 1
            | Ready string .status.conditions[?(@.type=="Ready")].status 0
            | Age date .metadata.creationTimestamp 0
            /kubeconfig KubeconfigRequest create
            /status Team get,patch,update
            /usage UsageReport create
            virtualclusters VirtualCluster virtualcluster ns * vc,vcluster sampan - -
            | Phase string .status.phase 0
            | Expires string .status.expirationTime 0
            | Age date .metadata.creationTimestamp 0
            | Server string .status.server 1
            | Architecture string .status.architecture 1
            /authority AuthorityRotation create
            | Last-Used date .status.lastUsedTime 1
            | Awake string .status.conditions[?(@.type=="Awake")].reason 1
            | Pods integer .status.used.pods 1
            | CPU string .status.used.cpu 1
            | Memory string .status.used.memory 1
            | Storage string .status.used.storage 1
            | Exposures integer .status.used.exposures 1
            /clone ClusterClone create
            /explain ClusterExplanation create
            /export ClusterExport create
            /import ClusterImport create
            /kubeconfig KubeconfigRequest create
            /network NetworkExplanation create
            /sleep SleepRequest create
            /status VirtualCluster get,patch,update
            /wake SleepRequest create
            """,
        documentation: """
            @sampan/v1alpha1
            +AuthorityRotation Gives a virtual cluster a new authority for its clients' certificates and a new key for its service accounts' tokens, or ends the trust in those before.
            action Rotate: what is issued from now on is issued by new ones. Retire: what was issued by former ones isn't believed any more. Default: Rotate.
            formerTrustedUntil Until when what was issued before is believed. Set by the server.
            keepSeconds With Rotate: how long what was issued before is believed. Default: a day.
            +ClusterClone Makes another virtual cluster of the same namespace with everything that this one has, and with keys of its own. The data in its volumes is copied when withVolumes says so.
            bytes How much of the volumes is copied. Set by the server.
            cluster The new cluster's uid. Set by the server.
            leftOut How many device files and sockets aren't copied. Set by the server.
            name What the new cluster is to be called.
            state With volumes: Stopping (the pods end), Copying, or Done. Set by the server.
            transfer With volumes: empty in the first request; then what its answer said. To be asked again until state is Done, within half a minute each.
            volumes How many claims there are whose volumes begin empty. Set by the server.
            withVolumes Whether the data in volumes is copied; the cluster's pods are stopped meanwhile.
            +ClusterExplanation Says why a virtual cluster is awake or asleep, and when that changes. Ask with an empty one; the server fills it.
            awake Whether it is awake.
            expirationTime When the cluster will be deleted, if its time to live isn't made longer.
            inUse What people do with it right now.
            keptAwakeBy Pods in the midst of work that they wouldn't begin again; the cluster doesn't fall asleep before they are done.
            lastUse What it was last used for, and by whom.
            lastUsedTime When that was.
            message Who or what made it wake or fall asleep.
            pods How many pods there are to run when it is awake.
            readyPods How many of them are ready.
            reason Created, Needed, Requested, Schedule or Idle.
            runningPods How many pods have a container that runs.
            since When it woke or fell asleep.
            sleepReason Idle or Schedule.
            sleepTime When it falls asleep if nobody uses it till then.
            wakeTime When it wakes by itself.
            waking Whether it has just been woken, and not all of its pods are ready.
            +ClusterExport Asks for a piece of a virtual cluster's archive: everything in it and its private keys; the data in its volumes when withVolumes says so. The format is told in docs/clusters.md.
            continue Empty for the first piece; then what the last answer said, which says nothing with the last piece.
            data The piece, base64. Set by the server.
            leftOut How many device files and sockets aren't in it. Set by the server, with the last piece.
            state With volumes: what the piece is of, Objects or Volumes; Stopping while the pods end, and Done with nothing when it is over. Set by the server.
            transfer With volumes: empty in the first request; then what its answer said. To be asked again until state is Done, within half a minute each.
            volumes How many claims there are, whose data isn't in the archive. Set by the server.
            withVolumes Whether the data in volumes follows; the cluster's pods are stopped meanwhile.
            +ClusterImport Makes a virtual cluster of this name from an archive, which is sent in pieces. Nothing is made before the last one has come.
            cluster The cluster's uid, once it is made. Set by the server.
            data A piece of the archive, base64.
            finish Whether this is the last request: then the cluster is made.
            objects How many objects it has. Set by the server.
            offset Where in the archive the piece begins. In the answer: how much of the archive is there.
            upload Empty in the first request; then what its answer said.
            volumes How many claims there are whose volumes begin empty. Set by the server.
            withVolumes Whether the piece is of the volumes, which follow everything else and are counted by offset from 0.
            +ClusterUndelete Brings a deleted cluster back, with everything in it, its volumes and its keys.
            cluster The cluster's uid from now on. Set by the server.
            name What it is to be called. Default: what it was called.
            +DeletedCluster A cluster that was deleted and is kept for a while. It runs nothing and can't be reached. Delete this, and it is gone for good.
            metadata Standard object's metadata.
            spec What it was. Set by the server.
            +DeletedClusterList A list of deleted clusters.
            metadata Standard list metadata.
            items The deleted clusters.
            +DeletedClusterSpec What a deleted cluster was.
            annotations Its virtual cluster's annotations.
            clusterUID The uid of its virtual cluster.
            deletionTime When it was deleted.
            expirationTime When it is gone for good. The platform's administrators may change it.
            labels Its virtual cluster's labels.
            name What it was called; another one may be called so by now.
            storage What its persistent volume claims request.
            virtualCluster What was asked of it.
            +KubeconfigRequest Asks for a kubeconfig of a virtual cluster, or of the platform for a team's member; the answer has it in `kubeconfig`.
            expirationSeconds How long the client certificate in it is valid, in seconds. Default: twelve hours; at least 600.
            expirationTimestamp When the certificate ends. Set by the server.
            groups The groups that its user is in. Default: system:masters, the cluster's administrators; for a team's member none.
            kubeconfig The kubeconfig file, as YAML. Set by the server.
            user The name of its user. Default: the name of the one who asks.
            +MachineUse What there is of the machine's resources, as quotas count them.
            cpu The processor time that pods request; a container that requests none counts 10m.
            exposures Ways in from outside: ports of services of type NodePort or LoadBalancer, and host ports of pods.
            memory The memory that pods are limited to; a container without a limit counts 256Mi, or what it requests if that is more.
            pods Pods that aren't over.
            storage What persistent volume claims request.
            +NetworkAllowlists Where pods may go outside their cluster, and who outside may come to what clusters expose. Within a cluster, to its API and to its DNS everything goes as without.
            egress Where pods may go, whatever network policies let them: only to these. Default: anywhere but to other clusters and the machine. An empty list lets them go nowhere. At most 64.
            ingress Who may come from outside to ports of the machine that lead to pods (node ports, host ports): only these. Default: anybody. An empty list lets nobody in. At most 64.
            +NetworkEntry Some addresses and ports.
            cidrs Ranges of IP addresses, such as 203.0.113.0/24.
            names Of egress: names such as git.example.org, or *.example.org for all below it. What they mean is learned from the answers that pods get from their cluster's DNS, and counts as long as those do, at least 75 seconds. At most 64.
            ports Which ports there; of ingress, ports of the machine. Default: all, and all protocols. At most 32.
            +NetworkEntryPort A port, or a range of them.
            endPort The last port of a range that begins with port.
            port The port. Default: all.
            protocol TCP, UDP or SCTP. Default: TCP.
            +NetworkExplanation Asks whether a connection from or to a virtual cluster's pods gets through, and what decides it. Nothing is sent.
            from Who connects: [NAMESPACE/]POD, an IP address, or cluster/NAME for whatever is in another cluster.
            message What decides, in a sentence. Set by the server.
            port The port; only a service needs none.
            protocol TCP, UDP or SCTP. Default: TCP.
            reachable Whether it gets through. Set by the server.
            reason Open, Allowed, EgressDenied, IngressDenied, NotAllowlisted, OtherCluster, Blocked, Machine, Outside, Refused, NotRunning or Partly. Set by the server.
            steps The way, as far as it goes. Set by the server.
            to To whom: as from, or [NAMESPACE/]service/NAME.
            +SleepRequest Puts a virtual cluster to sleep whatever it is doing, or wakes it.
            awake Whether the cluster is awake now. Set by the server.
            changed Whether that is new. Set by the server.
            message Why, for people; at most 256 bytes.
            +Team Those who share clusters and a quota. Its clusters live in a namespace of its name.
            metadata Standard object's metadata. The name is a DNS label of at most 40 bytes, and no namespace's that was there before.
            spec What the team is and may have.
            status What there is of it.
            +TeamList A list of teams.
            metadata Standard list metadata.
            items The teams.
            +TeamClusterLifetime How long the team's clusters live, as durations such as 8h or 72h30m.
            default The time to live of clusters that are made without one. Default: they live on.
            maximum The longest that a cluster may still have to live whenever its time to live is set; then every cluster has one. Default: no limit.
            +TeamClusterSleep After how long without use the team's clusters fall asleep, as durations such as 30m.
            default For clusters that are made without a time of their own. Default: they stay awake.
            maximum The longest time that may be chosen; then every cluster has one. Default: no limit.
            +TeamCredentialLifetime How long the client certificates are valid that members get for the team's clusters.
            maximum The longest that may be asked for, as a duration of at least an hour, such as 24h. Default: a year. The platform's administrators may ask for more.
            +TeamIsolation What keeps the pods of the team's clusters from the machine.
            allowed What a cluster's spec.isolation may be: some of shared and gvisor. Clusters that there are stay as they are. The platform's administrators may give a cluster another. Default: all.
            default For clusters that are made without an isolation of their own; one of those that are allowed. Default: shared, or the first that is allowed where shared isn't.
            +TeamMember One person, or one group of people, and their role. Either user or group is set.
            group A group, as authentication tells it.
            role owner: everything, and who the members are. developer: makes, uses and deletes clusters. viewer: sees them, and looks into them.
            user A user's name.
            +TeamQuota How much the team may have at once. What is left out is not limited.
            awakeClusters Virtual clusters that are awake. One that is made is awake; a sleeping one doesn't wake while there is no room for it.
            clusters Virtual clusters.
            cpu The processor time that the pods of its awake clusters request.
            exposures Ways in from outside that all its clusters have: ports of services of type NodePort or LoadBalancer, and host ports of pods.
            memory The memory that the pods of its awake clusters are limited to. Containers without a limit get one.
            pods Pods of its awake clusters.
            storage What the persistent volume claims of all its clusters request.
            +TeamSpec What a team is and may have.
            clusterLifetime How long its clusters live.
            clusterSleep When its clusters fall asleep.
            credentialLifetime How long its members' client certificates are valid. To change it takes the permission for the verb setquota.
            description What the team is, for people; at most 1024 bytes.
            isolation What keeps its clusters' pods from the machine. To change it takes the permission for the verb setquota.
            members Who belongs to it; at most 1000.
            network Where the pods of all its clusters may go, and who may come. To change it takes the permission for the verb setquota.
            quota How much it may have at once. To change it takes the permission for the verb setquota.
            +TeamStatus What there is of a team.
            awakeClusters How many of its virtual clusters are awake.
            clusters How many virtual clusters it has.
            conditions The latest observations. Ready: its namespace and its members' permissions are there. WithinQuota: more fits of everything that its quota limits.
            namespace Where its objects are.
            observedGeneration The metadata.generation of the spec that the rest of the status goes by.
            used What it has of what its quota limits: of its awake clusters everything, of the others storage and exposures. Brought up to date every few seconds; only with such a quota.
            +UsageRecord What was used, in one time or by one cluster.
            awakeHours How long clusters were awake, in hours, added up over clusters.
            cluster Whose it is; not in sums over clusters.
            clusterUID Tells clusters of one name apart that were made one after another.
            cpuSeconds The processor time of containers, in seconds.
            memoryGiBHours The memory of containers over time: a GiB for an hour is one.
            open Whether the hour that isn't over yet is in it.
            requests How many requests to the clusters' APIs were let in.
            storageGiBHours What persistent volume claims request, over time: a GiB for an hour is one.
            team Whose clusters they are; default for those that are no team's.
            time When the hour or the day began, by=hour and by=day only.
            +UsageReport Asks what a team's clusters have used; the answer has it in records.
            by What a record is for: cluster, hour (and cluster), day (and cluster), or team. Default: cluster.
            records At most 10000. Set by the server.
            since Hours that begin then or later are counted. Default: a day ago.
            until Hours that begin before are counted. Default: now. The time between is at most 366 days.
            +VirtualCluster A Kubernetes cluster of its own, with its own API, users and certificate authorities, out of the shared machine.
            metadata Standard object's metadata. The name is a DNS label. The cluster goes by it; that of a team by TEAM--NAME, where the team is the namespace.
            spec What is asked for.
            status What there is.
            +VirtualClusterList A list of virtual clusters.
            metadata Standard list metadata.
            items The virtual clusters.
            +VirtualClusterAnonymous Whether somebody without a credential is let in as system:anonymous.
            conditions Where only. Default: everywhere.
            enabled False refuses them by 401.
            +VirtualClusterAnonymousCondition A place where somebody may be anonymous.
            path A path within the cluster, such as /healthz.
            +VirtualClusterAuthentication Whom the cluster believes about who somebody is, beside its own authorities: the fields of Kubernetes' AuthenticationConfiguration.
            anonymous Whether somebody without a credential is let in, to do what RBAC gives to system:unauthenticated. Default: yes.
            jwt Issuers of JSON Web Tokens, such as OpenID Connect providers; at most 64.
            +VirtualClusterClaimMappings Whose a token is, by its claims.
            extra More about the user, for admission and for authorization.
            groups The user's groups: a string, or a list of them. Default: none.
            uid The user's uid.
            username The user's name.
            +VirtualClusterClaimOrExpression A claim's name, or a CEL expression over `claims`.
            claim The name of the claim.
            expression A CEL expression over `claims`.
            +VirtualClusterClaimValidationRule What must be so, for a token to be taken: a claim has a value, or an expression is true.
            claim The name of a claim that must be there.
            expression A CEL expression over `claims` that must be true.
            message Why a token is refused for which the expression isn't true.
            requiredValue What the claim must be.
            +VirtualClusterExtraMapping A value of the user's `extra`.
            key Lower case, with a domain before a slash.
            valueExpression A CEL expression over `claims` that gives a string or a list of strings.
            +VirtualClusterIssuer An issuer of tokens. Its keys are read from where its discovery document says, which must be where the cluster's own pods could reach it.
            audienceMatchPolicy MatchAny, when there are several audiences.
            audiences For whom tokens must be issued: one of these.
            certificateAuthority Certificates as PEM, of which one must have signed the issuer's. Default: those that the server's system trusts.
            discoveryURL Where the discovery document is, when that isn't below the issuer's URL.
            egressSelectorType With cluster, a host NAME.NAMESPACE.svc is that service of the cluster.
            url Its https address, which its tokens name in `iss`.
            +VirtualClusterJWTAuthenticator An issuer, and what its tokens mean.
            claimMappings Whose a token is.
            claimValidationRules What must be true of a token's claims.
            issuer Who issues the tokens.
            userValidationRules What must be true of the user that the claims give.
            +VirtualClusterLimits What a virtual cluster may use, whoever in it asks. At a limit requests are refused, with a message that names it.
            bytes The bytes of the cluster's own objects, as they are stored. Default: 256 MiB.
            cpu The processor time that its pods may request together. Default: no limit.
            exposures How many ways in from outside it may have: ports of services of type NodePort or LoadBalancer, and host ports of pods. Default: no limit.
            memory The memory that its pods may be limited to together; with this, containers without a limit get one. Default: no limit.
            objects How many objects the cluster may have, beside those that every cluster begins with. Default: 150000.
            pods How many pods it may have that aren't over. Default: no limit.
            requestBytes The largest body of a request, in bytes. Default, and at most: 3 MiB.
            requests How many requests may be in progress at once, those that wait for their turn included; the cluster's priority levels share it. Default: 600.
            requestsPerSecond How many requests may begin in a second, and at once after a pause. Default: as many as the server has time for.
            storage What its persistent volume claims may request together. Default: no limit.
            watches How many watches and other streams may be open at once. Default: 10000.
            +VirtualClusterPrefixedClaimOrExpression A claim's name with a prefix, or a CEL expression over `claims`.
            claim The name of the claim.
            expression A CEL expression over `claims`.
            prefix What is put before the claim's value; needed with a claim, and may be empty.
            +VirtualClusterSleep When a virtual cluster sleeps. Asleep, its pods don't run and everything else is as it was; its API answers. It wakes when somebody needs its pods.
            afterIdle After how long without use it falls asleep, as a duration such as 30m; at least 10s. Writes, exec, attach, port-forward, proxies, logs and connections from outside are use; what only looks, and what pods do, is not. Default: the team's, or never.
            schedule Its nights.
            +VirtualClusterSleepSchedule The nights of a virtual cluster: in a night it falls asleep when nobody has used it for a quarter of an hour.
            sleepAt When nights begin, as cron has it: minute, hour, day of the month, month, day of the week. At most 16.
            timeZone The time zone of these times, such as Europe/Berlin. Default: UTC.
            wakeAt When nights end, and the cluster wakes. Without any, a night ends when somebody uses the cluster.
            +VirtualClusterSpec What is asked of a virtual cluster.
            architecture What processors its pods are to have, amd64 or arm64; refused where there is no such machine. Default: the machine's.
            authentication Whom the cluster believes about who somebody is, beside its own certificates and service accounts.
            description What the cluster is for, for people; at most 1024 bytes.
            isolation What keeps the cluster's pods from the machine: shared (they are containers on its kernel) or gvisor (each pod has a kernel of its own, gVisor's; the machine must have runsc). It counts for pods that begin later. A team may allow only one of them. Default: the team's, or shared.
            keepDeletedFor How long the cluster is kept when it is deleted, as a duration such as 2h; 0s for not at all. Default, and at most: the platform's, which is a day unless it says otherwise.
            limits What the cluster may use. What isn't given has a default that suits most.
            network Where its pods may go, and who may come; what the team's doesn't allow stays shut. To change it takes the permission for the verb grant.
            nodes How many nodes it has, 1 to 10, for what depends on there being several: daemon sets, spreading, draining one. All of them are the same machine, and each says that it has all of that. Can't be changed. Default: 1.
            podSecurity Which Pod Security Standard the cluster's pods keep, whatever the cluster's own objects say: privileged, baseline or restricted. Default: baseline, which keeps pods off the machine. With privileged, whoever may make pods there is root on the machine.
            sleep When it sleeps. Default: never by itself.
            timeToLive How long it lives, from its creation, as a duration such as 8h; then it is deleted. May be changed at any time. Default: the team's.
            +VirtualClusterStatus What there is of a virtual cluster.
            architecture What processors its pods have: amd64 or arm64.
            authorityExpirationTime When the cluster's certificate authority ends. It isn't renewed by itself, since that changes kubeconfigs: sampan cluster rotate-authority.
            clusterUID The cluster's own identity: a cluster that is deleted and made anew under the same name has another.
            conditions The latest observations. Ready: its API answers. Awake: its pods run; the reason is Created, Needed, Requested, Schedule or Idle, and the message says who or what it was. WithinQuota: more fits of everything that spec.limits limits of the machine.
            expirationTime When the cluster will be deleted, if its time to live isn't made longer.
            formerAuthorityTrustedUntil Until when what former authorities of the cluster have issued is believed.
            kubernetesVersion The version of Kubernetes that the cluster's API speaks.
            lastUse What the cluster was last used for, and by whom, when lastUsedTime was written.
            lastUsedTime When the cluster was last used; written every few minutes at most.
            observedGeneration The metadata.generation of the spec that the rest of the status goes by.
            phase Pending, Ready, Asleep or Terminating: the conditions in one word.
            server The address of the cluster's API.
            used What its pods, claims and services have of the machine, as quotas count it. Brought up to date every few seconds; only where the cluster or its team has limits.
            +VirtualClusterUserValidationRule What must be true of a user.
            expression A CEL expression over `user` that must be true.
            message Why a token is refused for whose user it isn't true.
            """)
}
