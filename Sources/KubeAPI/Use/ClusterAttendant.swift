public import KubeStore

/// Hears what people do with clusters, and has the pods of a sleeping one run again. Implemented by the platform, asked by whatever lets
/// people in.
///
/// Any task may call any function; none waits.
public protocol ClusterAttendant: Sendable {
    /// Notes a use, and wakes the cluster if it sleeps and the use needs its pods.
    ///
    /// - Returns: what is to be kept for as long as the use lasts; nil when nothing is.
    func note(_ use: ClusterUse, of cluster: LogicalCluster) -> (any AnyObject & Sendable)?

    /// Whether the cluster's pods are not to run. A use that needs them ends this in a moment.
    func isAsleep(_ cluster: LogicalCluster) -> Bool

    /// Why a cluster that is needed can't be woken; nil when nobody has tried in vain.
    func refusal(of cluster: LogicalCluster) -> String?

    /// Until when somebody who needs pods is to wait for them. Nil when they ought to run: then whoever finds that they don't is told so
    /// at once.
    func patience(with cluster: LogicalCluster) -> ContinuousClock.Instant?
}
