public import KubeObject
import KubeSchema

/// Pods are no more than the platform lets the cluster's be, whatever the cluster's own objects say and whoever makes them: that is what
/// keeps tenants off the machine.
///
/// The standards are those of Pod Security, without what they let pods have that are in a user namespace or on Windows: here they are in
/// neither, whatever they say.
public struct PlatformPodSecurity: ValidatingAdmissionPlugin {
    public init() {}

    public func validate(_ request: inout AdmissionRequest) async throws(StatusError) {
        guard request.operation == .create || request.operation == .update else { return }
        let level = request.registry.policies(request.context.cluster).podSecurity
        guard level != .privileged else { return }
        let resource = request.resource.storedResource
        if resource == GroupResource(group: "", resource: "persistentvolumes") { return try Self.checkVolume(request, level) }
        let isPod = resource == GroupResource(group: "", resource: "pods")
        if isPod {
            guard !PodSecurityAdmission.ignoredSubresources.contains(request.subresource) else { return }
            if let old = request.old, !PodSecurityAdmission.isSignificant(request.object, old.tree) { return }
            return try Self.checkPod(request.object, request.name, level)
        }
        guard request.subresource.isEmpty, let notes = request.context.notes,
            let path = PodSecurityAdmission.templates[resource], let template = request.object[keys: path[...]], !template.isNull
        else { return }
        let violations = Self.violations(of: template, level)
        if !violations.isEmpty {
            notes.warn(
                "the platform will refuse the pods, which would violate PodSecurity \(quoted("\(level.rawValue):latest")): \(violations)"
            )
        }
    }

    /// Checks what comes into a cluster without a request.
    ///
    /// - Throws: 403, in the words of a create.
    static func check(
        _ object: JSON, _ resource: GroupResource, _ name: String, _ level: ClusterPolicy.PodSecurity
    ) throws(StatusError) {
        guard level != .privileged else { return }
        if resource == GroupResource(group: "", resource: "pods") { try checkPod(object, name, level) }
        guard resource == GroupResource(group: "", resource: "persistentvolumes") else { return }
        for source in machineSources where !(object[path: "spec", source] ?? .null).isNull {
            throw machineVolume(source, resource, name, level)
        }
    }

    private static func checkPod(_ pod: JSON, _ name: String, _ level: ClusterPolicy.PodSecurity) throws(StatusError) {
        let violations = violations(of: pod, level)
        guard !violations.isEmpty else { return }
        throw .forbidden(
            GroupResource(group: "", resource: "pods"), name,
            "the platform allows this cluster no pods that violate PodSecurity \(quoted("\(level.rawValue):latest")): \(violations)"
        )
    }

    private static let machineSources = ["hostPath", "local"]

    private static func machineVolume(
        _ source: String, _ resource: GroupResource, _ name: String, _ level: ClusterPolicy.PodSecurity
    ) -> StatusError {
        .forbidden(
            resource, name,
            "the platform allows this cluster no volumes of the machine's directories (spec.\(source)), because its pods keep to PodSecurity \(quoted("\(level.rawValue):latest"))"
        )
    }

    private static func violations(of pod: JSON, _ level: ClusterPolicy.PodSecurity) -> String {
        var spec = pod["spec"] ?? [:]
        spec["hostUsers"] = nil
        spec["os"] = nil
        return PodSecurityCheck.text(
            PodSecurityCheck.violations(
                of: PodSecurityStandard(level: level == .baseline ? .baseline : .restricted), metadata: pod["metadata"] ?? [:],
                spec: spec))
    }

    /// A claim would bring the machine's directories into pods that name none. What a part of this server provides is its own.
    private static func checkVolume(
        _ request: AdmissionRequest, _ level: ClusterPolicy.PodSecurity
    ) throws(StatusError) {
        guard !request.context.isInternal, request.subresource.isEmpty else { return }
        for source in machineSources {
            guard let given = request.object[path: "spec", source], !given.isNull,
                request.old?.tree[path: "spec", source] != given
            else { continue }
            throw machineVolume(source, request.resource.groupResource, request.name, level)
        }
    }
}
