import ArgumentParser

/// `sampan cluster create|list|delete|kubeconfig|extend|rotate-authority|sleep|wake|explain|export|snapshot|import|clone|undelete`
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract:
            "Create, list, extend, put to sleep, wake, move, copy, snapshot, delete and undelete virtual clusters, and get at them.",
        discussion: "The same with kubectl: kubectl --kubeconfig /var/lib/sampan/admin.kubeconfig get virtualclusters",
        subcommands: [
            ClusterCreate.self, ClusterList.self, ClusterDelete.self, ClusterKubeconfig.self, ClusterExtend.self,
            ClusterRotateAuthority.self, ClusterSleep.self, ClusterWake.self, ClusterExplain.self,
            ClusterExport.self, ClusterSnapshot.self, ClusterImport.self, ClusterClone.self, ClusterUndelete.self,
        ],
        aliases: ["clusters"])
}
