/// The name of a logical cluster, by which it is addressed, out of the namespace and the name of its virtual cluster.
///
/// Teams have a namespace each in the root cluster, so that two of them may have a cluster of one name. Those of the namespace `default`, which
/// is nobody's, go by their own names; `--`, which no part of a name may have, separates the others' team from it.
public enum ClusterName {
    /// The namespace of virtual clusters that are no team's.
    public static let noTeam = "default"
    static let separator = "--"
    /// A name is one label of a host name.
    static let maximumLength = 63

    /// `demo` in `default` is `demo`; `demo` of the team `blue` is `blue--demo`.
    public static func logical(namespace: String, name: String) -> String {
        namespace == noTeam || namespace.isEmpty ? name : namespace + separator + name
    }

    /// The virtual cluster that a logical cluster belongs to.
    public static func parts(of logical: String) -> (namespace: String, name: String) {
        guard let range = logical.firstRange(of: separator) else { return (noTeam, logical) }
        return (String(logical[..<range.lowerBound]), String(logical[range.upperBound...]))
    }
}
