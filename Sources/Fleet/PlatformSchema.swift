public import KubeObject
public import KubeSchema

/// The platform's own API, `sampan.dev/v1alpha1`, served by the root cluster only.
public enum Platform {
    public static let group = "sampan.dev"
    public static let version = GroupVersion(group: group, version: "v1alpha1")
    public static let virtualClusters = GroupResource(group: group, resource: "virtualclusters")

    /// The logical cluster whose API the platform is.
    public static let rootCluster = "root"

    /// What the root cluster serves: Kubernetes' own resources and the platform's.
    public static func schema() throws(SchemaError) -> Schema { try Schema.builtin.adding(declaration) }

    /// The rows' grammar is told in KubeSchema's `SchemaText`.
    static let declaration = ResourceDeclaration(
        types: """
            @sampan/v1alpha1 dev.sampan.v1alpha1 v1alpha1
            +KubeconfigRequest
            ^ 0 meta/v1.TypeMeta
            expirationSeconds 0 *l oO
            groups 0 []s oO lt=atomic
            kubeconfig 0 s oO
            user 0 s oO
            +VirtualCluster
            ^ 0 meta/v1.TypeMeta
            metadata 0 meta/v1.ObjectMeta oO
            spec 0 .VirtualClusterSpec oO
            status 0 .VirtualClusterStatus oO
            +VirtualClusterList
            ^ 0 meta/v1.TypeMeta
            metadata 0 meta/v1.ListMeta oO
            items 0 [].VirtualCluster -
            +VirtualClusterSpec
            description 0 s oO
            +VirtualClusterStatus
            clusterUID 0 s oO
            conditions 0 []meta/v1.Condition oO ps=merge pk=type lt=map lk=type
            kubernetesVersion 0 s oO
            phase 0 s oO
            server 0 s oO
            """,
        resources: """
            group sampan.dev
            version v1alpha1 served sampan/v1alpha1
            virtualclusters VirtualCluster virtualcluster cluster * vc,vcluster sampan - -
            /kubeconfig KubeconfigRequest create
            /status VirtualCluster get,patch,update
            """,
        documentation: """
            @sampan/v1alpha1
            +KubeconfigRequest Asks for a kubeconfig of a virtual cluster; the answer has it in `kubeconfig`.
            expirationSeconds How long the client certificate in it is valid, in seconds. Default: a year; at least 600.
            groups The groups that its user is in. Default: system:masters, the cluster's administrators.
            kubeconfig The kubeconfig file, as YAML. Set by the server.
            user The name of its user. Default: the name of the one who asks.
            +VirtualCluster A Kubernetes cluster of its own, with its own API, users and certificate authorities, out of the shared machine.
            metadata Standard object's metadata. The name is a DNS label and is the cluster's name everywhere.
            spec What is asked for.
            status What there is.
            +VirtualClusterList A list of virtual clusters.
            metadata Standard list metadata.
            items The virtual clusters.
            +VirtualClusterSpec What is asked of a virtual cluster.
            description What the cluster is for, for people; at most 1024 bytes.
            +VirtualClusterStatus What there is of a virtual cluster.
            clusterUID The cluster's own identity: a cluster that is deleted and made anew under the same name has another.
            conditions The latest observations. Ready: its API answers.
            kubernetesVersion The version of Kubernetes that the cluster's API speaks.
            phase Pending, Ready or Terminating: the conditions in one word.
            server The address of the cluster's API.
            """)
}
