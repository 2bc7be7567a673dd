import KubeObject
import KubeSchema

/// The built-in resources that controllers name.
///
/// A resource that the schema doesn't have would be a mistake in the generated file; it stands as one that no object is ever stored under,
/// so that one controller is idle instead of the server down.
enum Resources {
    static let pods = find("", "pods")
    static let namespaces = find("", "namespaces")
    static let nodes = find("", "nodes")
    static let services = find("", "services")
    static let endpoints = find("", "endpoints")
    static let configMaps = find("", "configmaps")
    static let secrets = find("", "secrets")
    static let events = find("", "events")
    static let serviceAccounts = find("", "serviceaccounts")
    static let replicationControllers = find("", "replicationcontrollers")
    static let persistentVolumeClaims = find("", "persistentvolumeclaims")
    static let persistentVolumes = find("", "persistentvolumes")
    static let volumeAttachments = find("storage.k8s.io", "volumeattachments")
    static let csiDrivers = find("storage.k8s.io", "csidrivers")
    static let serviceCIDRs = find("networking.k8s.io", "servicecidrs")
    static let ipAddresses = find("networking.k8s.io", "ipaddresses")
    static let storageVersionMigrations = find("storagemigration.k8s.io", "storageversionmigrations", version: "v1beta1")
    static let storageClasses = find("storage.k8s.io", "storageclasses")
    static let resourceQuotas = find("", "resourcequotas")
    static let deployments = find("apps", "deployments")
    static let replicaSets = find("apps", "replicasets")
    static let statefulSets = find("apps", "statefulsets")
    static let daemonSets = find("apps", "daemonsets")
    static let controllerRevisions = find("apps", "controllerrevisions")
    static let jobs = find("batch", "jobs")
    static let cronJobs = find("batch", "cronjobs")
    static let endpointSlices = find("discovery.k8s.io", "endpointslices")
    static let leases = find("coordination.k8s.io", "leases")
    static let apiServices = find("apiregistration.k8s.io", "apiservices")
    static let podDisruptionBudgets = find("policy", "poddisruptionbudgets")
    static let horizontalPodAutoscalers = find("autoscaling", "horizontalpodautoscalers", version: "v2")
    static let customResourceDefinitions = find("apiextensions.k8s.io", "customresourcedefinitions")
    static let certificateSigningRequests = find("certificates.k8s.io", "certificatesigningrequests")
    static let validatingAdmissionPolicies = find("admissionregistration.k8s.io", "validatingadmissionpolicies")
    static let flowSchemas = find("flowcontrol.apiserver.k8s.io", "flowschemas")
    static let priorityLevelConfigurations = find("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations")
    static let clusterRoles = find("rbac.authorization.k8s.io", "clusterroles")

    private static func find(_ group: String, _ plural: String, version: String = "v1") -> ResourceType {
        if let resource = Schema.builtin.resource(group: group, version: version, plural: plural) { return resource }
        let kind = GroupVersionKind(group: group, version: version, kind: plural)
        return ResourceType(gvk: kind, plural: plural, singular: plural, isNamespaced: true, verbs: [], type: nil)
    }
}
