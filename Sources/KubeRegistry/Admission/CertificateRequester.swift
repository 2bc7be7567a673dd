public import KubeObject
import KubeSchema

/// Writes into a certificate signing request who made it, whatever it says itself.
public struct CertificateRequester: MutatingAdmissionPlugin {
    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create, request.subresource.isEmpty,
            request.resource.groupResource
                == GroupResource(group: "certificates.k8s.io", resource: "certificatesigningrequests")
        else { return }
        let user = Registry.tree(of: request.context.user)
        request.object.edit("spec") { spec in
            for key in ["username", "uid", "groups", "extra"] { spec[key] = user[key] }
        }
    }
}
