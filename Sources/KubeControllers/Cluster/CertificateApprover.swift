import Foundation
import KubeObject
public import KubeRegistry
public import KubeStore

/// Approves requests for kubelets' client certificates of those who may have them: who may `create` the request's subresource `nodeclient`, or
/// `selfnodeclient` where a node asks for its own.
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#kube-controller-manager-configuration
public struct CertificateApprover: Reconciler {
    static let signerName = "kubernetes.io/kube-apiserver-client-kubelet"

    /// The user that a kubelet's client certificate would stand for; nil for requests that no kubelet makes.
    public typealias Recognize = @Sendable (_ request: [UInt8], _ usages: [String]) -> String?
    /// Whether somebody may do something in a cluster.
    public typealias Authorize = @Sendable (AccessAttributes, LogicalCluster) -> Bool

    private let recognize: Recognize
    private let authorize: Authorize

    public init(recognize: @escaping Recognize, authorize: @escaping Authorize) {
        self.recognize = recognize
        self.authorize = authorize
    }

    public var name: String { "certificate-controller" }
    public var watched: [String] { [Key.prefix(Resources.certificateSigningRequests)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        event.type == .added && Self.isOpen(event.object) ? [ObjectName(event.object.metadata)] : []
    }

    /// For this signer, and nobody has said anything about it.
    private static func isOpen(_ object: Object) -> Bool {
        object.tree[path: "spec", "signerName"]?.string == signerName
            && object.tree[path: "status", "certificate"]?.string?.isEmpty ?? true
            && (object.tree[path: "status", "conditions"]?.elements ?? []).isEmpty
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let object = work.object(Resources.certificateSigningRequests), Self.isOpen(object) else { return .done }
        let spec = object.tree["spec"] ?? [:]
        let request = [UInt8](Data(base64Encoded: spec["request"]?.string ?? "") ?? Data())
        guard let node = recognize(request, spec["usages"]?.strings ?? []) else { return .done }
        let requester = UserInfo(
            name: spec["username"]?.string ?? "", uid: spec["uid"]?.string ?? "", groups: spec["groups"]?.strings ?? [],
            extra: (spec["extra"]?.object ?? JSONObject([])).reduce(into: [:]) { $0[$1.key] = $1.value.strings })
        let ways = (requester.name == node ? [("selfnodeclient", "self ")] : []) + [("nodeclient", "")]
        guard let way = ways.first(where: { isAllowed(requester, $0.0, work.cluster) }) else { return .done }
        let now = Timestamp.format(work.now)
        try await work.change(Resources.certificateSigningRequests, object.metadata, subresource: "approval") { tree in
            let conditions = tree[path: "status", "conditions"]?.elements ?? []
            // Somebody has denied it meanwhile, or approved it.
            guard conditions.isEmpty else { return }
            tree[path: "status", "conditions"] = [
                [
                    "type": "Approved", "status": "True", "reason": "AutoApproved",
                    "message": .string("Auto approving \(way.1)kubelet client certificate after SubjectAccessReview."),
                    "lastUpdateTime": .string(now), "lastTransitionTime": .string(now),
                ]
            ]
        }
        return .done
    }

    private func isAllowed(_ user: UserInfo, _ subresource: String, _ cluster: LogicalCluster) -> Bool {
        authorize(
            AccessAttributes(
                user: user, verb: "create", apiGroup: "certificates.k8s.io", apiVersion: "*",
                resource: "certificatesigningrequests", subresource: subresource), cluster)
    }
}
