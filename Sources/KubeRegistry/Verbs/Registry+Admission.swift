public import KubeObject
public import KubeSchema
public import KubeStore

extension Registry {
    /// Lets the plugins complete a request; once more when one of them asks for it.
    func admit(_ request: inout AdmissionRequest) async throws(StatusError) {
        if request.context.isAdmitted { return }
        for plugin in admission.mutating { try await plugin.admit(&request) }
        guard request.reinvocation.isNeeded else { return }
        request.reinvocation.isRepeated = true
        for plugin in admission.mutating { try await plugin.admit(&request) }
    }

    /// Lets the plugins refuse a request.
    func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        if request.context.isAdmitted { return }
        for plugin in admission.validating { try await plugin.validate(&request) }
    }

    /// Passes through admission what is created only to be acted on: a review, or the body of a binding, an eviction, a token's request.
    ///
    /// - Returns: the body as it was completed.
    func admitted(
        _ body: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String, _ options: CreateOptions,
        _ context: RequestContext
    ) async throws(StatusError) -> JSON {
        var request = AdmissionRequest(
            operation: .create, resource: resource, subresource: subresource,
            namespace: resource.isNamespaced ? namespace : "", name: name, object: body, old: nil, isDryRun: options.dryRun,
            context: context, snapshot: context.cluster.snapshot, registry: self, options: .write(options))
        try await admit(&request)
        try await validate(&request)
        return request.object
    }

    /// Passes the binding of a pod through admission: a create of a `Binding`.
    ///
    /// - Returns: the binding's labels, which the pod gets.
    func admitBinding(
        of pod: JSON, _ resource: ResourceType, _ options: UpdateOptions, _ context: RequestContext
    ) async throws(StatusError) -> JSON? {
        let metadata = pod["metadata"] ?? [:]
        var binding: JSON = [
            "apiVersion": "v1", "kind": "Binding", "metadata": [:],
            "target": ["kind": "Node", "name": pod[path: "spec", "nodeName"] ?? ""],
        ]
        for key in ["name", "namespace", "uid"] { binding[path: "metadata", key] = metadata[key] }
        let admitted = try await admitted(
            binding, resource, namespace: metadata.text("namespace"), name: metadata.text("name"), subresource: "binding",
            CreateOptions(dryRun: options.dryRun), context)
        return admitted[path: "metadata", "labels"]
    }

    /// Passes a connection to a part of an object (`exec`, `attach`, `portforward`, `proxy`) through admission.
    ///
    /// - Parameter options: what the connection's query says, as an object of the subresource's kind without `apiVersion` and `kind`.
    /// - Throws: whatever a plugin refuses it with.
    public func admitConnection(
        _ options: JSON, _ resource: ResourceType, namespace: String, name: String, subresource: String,
        _ context: RequestContext
    ) async throws(StatusError) {
        var request = AdmissionRequest(
            operation: .connect, resource: resource, subresource: subresource,
            namespace: resource.isNamespaced ? namespace : "", name: name, object: options, old: nil, isDryRun: false,
            context: context, snapshot: context.cluster.snapshot, registry: self)
        request.object["apiVersion"] = .string(request.kind.apiVersion)
        request.object["kind"] = .string(request.kind.kind)
        try await admit(&request)
        try await validate(&request)
    }

    /// Whether a cluster has webhooks or policies for what is written there, which take time and may wait for others.
    public func hasAdmissionRules(_ cluster: LogicalCluster) -> Bool {
        cluster.snapshot.count(prefix: AdmissionConfigurations.groupPrefix) > 0
    }
}

/// Where webhooks and policies are found.
enum AdmissionConfigurations {
    static let group = "admissionregistration.k8s.io"
    static let groupPrefix = "admissionregistration.k8s.io/"
    static let mutatingWebhooks = prefix("mutatingwebhookconfigurations")
    static let validatingWebhooks = prefix("validatingwebhookconfigurations")
    static let validatingPolicies = prefix("validatingadmissionpolicies")
    static let validatingBindings = prefix("validatingadmissionpolicybindings")
    static let mutatingPolicies = prefix("mutatingadmissionpolicies")
    static let mutatingBindings = prefix("mutatingadmissionpolicybindings")

    private static func prefix(_ plural: String) -> String { Key.prefix(group: group, plural: plural, namespace: "") }

    /// Whether a request is about webhooks or policies themselves: those can't be held up by any, or nobody could mend them.
    static func concerns(_ request: AdmissionRequest) -> Bool { request.resource.group == group }
}
