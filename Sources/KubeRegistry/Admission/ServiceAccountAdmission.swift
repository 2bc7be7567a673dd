public import KubeObject
import KubeSchema
import KubeStore

/// Pods run as a service account, and find its token where clients look for it.
public struct ServiceAccountAdmission: MutatingAdmissionPlugin {
    static let mountPath = "/var/run/secrets/kubernetes.io/serviceaccount"

    public init() {}

    public func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create, request.subresource.isEmpty, request.resource.plural == "pods",
            request.resource.group.isEmpty
        else { return }
        var pod = request.object
        let annotations = pod[path: "metadata", "annotations"]
        if annotations?["kubernetes.io/config.mirror"] != nil { return }
        var name = pod["spec"]?.text("serviceAccountName") ?? ""
        if name.isEmpty {
            name = "default"
            pod[path: "spec", "serviceAccountName"] = .string(name)
        }
        pod[path: "spec", "serviceAccount"] = .string(name)
        guard let account = await Self.account(name, for: request) else {
            throw .forbidden(
                request.resource.groupResource, request.name,
                "error looking up service account \(request.namespace)/\(name): serviceaccount \(quoted(name)) not found")
        }
        let wantsToken =
            pod[path: "spec", "automountServiceAccountToken"]?.bool ?? account["automountServiceAccountToken"]?.bool ?? true
        if wantsToken { Self.mountToken(in: &pod) }
        if !(pod["spec"]?.has("imagePullSecrets") ?? false), let secrets = account["imagePullSecrets"], !secrets.isEmpty {
            pod[path: "spec", "imagePullSecrets"] = secrets
        }
        request.object = pod
    }

    /// The service account. A new namespace's default one is made by its controller, which is given half a second.
    private static func account(_ name: String, for request: AdmissionRequest) async -> JSON? {
        let key = Key(group: "", plural: "serviceaccounts", namespace: request.namespace, name: name)
        if let found = request.snapshot.get(key) { return found.tree }
        guard name == "default" else { return nil }
        for _ in 0..<20 {
            // A cancelled request looks once more and gives up.
            let isCancelled = await Result { try await Task.sleep(for: .milliseconds(25)) }.value == nil
            if let found = request.context.cluster.snapshot.get(key) { return found.tree }
            if isCancelled { return nil }
        }
        return nil
    }

    /// Mounts a token volume into every container that has nothing at that path already.
    static func mountToken(in pod: inout JSON) {
        let volumes = pod[path: "spec", "volumes"]?.elements ?? []
        let known = volumes.first { $0.text("name").hasPrefix("kube-api-access-") }?.text("name")
        let name = known ?? "kube-api-access-\(Identifiers.suffix())"
        let mount: JSON = ["name": .string(name), "readOnly": true, "mountPath": .string(mountPath)]
        var isUsed = false
        pod.edit("spec") { spec in
            for key in ["initContainers", "containers"] {
                spec.editEach(key) { container in
                    let mounts = container["volumeMounts"]?.elements ?? []
                    if mounts.contains(where: { $0.text("mountPath") == mountPath }) { return }
                    container["volumeMounts"] = .array(mounts + [mount])
                    isUsed = true
                }
            }
            if isUsed, known == nil { spec["volumes"] = .array(volumes + [tokenVolume(name)]) }
        }
    }

    private static func tokenVolume(_ name: String) -> JSON {
        [
            "name": .string(name),
            "projected": [
                "defaultMode": 420,
                "sources": [
                    ["serviceAccountToken": ["path": "token", "expirationSeconds": 3607]],
                    ["configMap": ["name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]]]],
                    [
                        "downwardAPI": [
                            "items": [
                                ["path": "namespace", "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"]]
                            ]
                        ]
                    ],
                ],
            ],
        ]
    }
}
