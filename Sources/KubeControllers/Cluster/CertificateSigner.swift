import Foundation
import KubeObject
public import KubeStore

/// Signs approved requests for the certificates of upstream's own signers.
public struct CertificateSigner: Reconciler {
    /// Gives the certificate for a request to a signer, both PEM. What it throws is told in the request's condition `Failed`.
    public typealias Sign =
        @Sendable (_ signer: String, _ request: [UInt8], _ usages: [String], _ seconds: Int64?, _ cluster: LogicalCluster) throws
        -> String

    private let signers: Set<String>
    private let sign: Sign

    /// - Parameter signers: whose requests `sign` signs.
    public init(signers: Set<String>, sign: @escaping Sign) {
        self.signers = signers
        self.sign = sign
    }

    public var name: String { "certificate-controller" }
    public var watched: [String] { [Key.prefix(Resources.certificateSigningRequests)] }

    public func keys(for event: Event, in cluster: LogicalCluster) -> [ObjectName] {
        event.type != .deleted && isWaiting(event.object) ? [ObjectName(event.object.metadata)] : []
    }

    public func reconcile(_ work: Work) async throws -> Outcome {
        guard let object = work.object(Resources.certificateSigningRequests), isWaiting(object) else { return .done }
        let spec = object.tree["spec"] ?? [:]
        let outcome = Result {
            try sign(
                spec["signerName"]?.string ?? "", [UInt8](Data(base64Encoded: spec["request"]?.string ?? "") ?? Data()),
                spec["usages"]?.strings ?? [],
                spec["expirationSeconds"]?.int, work.cluster)
        }
        let now = Timestamp.format(work.now)
        try await work.change(Resources.certificateSigningRequests, object.metadata, subresource: "status") { tree in
            switch outcome {
            case .success(let certificate):
                tree[path: "status", "certificate"] = .string(Data(certificate.utf8).base64EncodedString())
            case .failure(let error):
                let conditions = tree[path: "status", "conditions"]?.elements ?? []
                tree[path: "status", "conditions"] = .array(
                    conditions + [
                        [
                            "type": "Failed", "status": "True", "reason": "SignerValidationFailure",
                            "message": .string("\(error)"),
                            "lastUpdateTime": .string(now), "lastTransitionTime": .string(now),
                        ]
                    ])
            }
        }
        return .done
    }

    /// Approved, neither denied nor failed, and without a certificate.
    private func isWaiting(_ object: Object) -> Bool {
        let tree = object.tree
        guard signers.contains(tree[path: "spec", "signerName"]?.string ?? ""),
            tree[path: "status", "certificate"]?.string?.isEmpty ?? true
        else { return false }
        let types = (tree[path: "status", "conditions"]?.elements ?? []).compactMap { $0["type"]?.string }
        return types.contains("Approved") && !types.contains("Denied") && !types.contains("Failed")
    }
}
