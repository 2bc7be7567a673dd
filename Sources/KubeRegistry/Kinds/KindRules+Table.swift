import KubeObject

/// The rules of all kinds, by group and plural.
enum KindTable {
    static func rules(for resource: GroupResource) -> any KindRules { table[resource] ?? fallback }

    /// Whether anybody has thought of the resource.
    static func knows(_ resource: GroupResource) -> Bool { table[resource] != nil }

    private static let fallback: any KindRules = PlainRules()

    private static let table: [GroupResource: any KindRules] = {
        var table: [GroupResource: any KindRules] = [:]
        func add(_ group: String, _ resource: String, _ rules: any KindRules) {
            table[GroupResource(group: group, resource: resource)] = rules
        }
        // The platform's own, which its server serves in the root cluster. What a cluster defines under these names isn't asked for here.
        add("sampan.dev", "teams", PlainRules(countsGeneration: true))
        add("sampan.dev", "virtualclusters", PlainRules(countsGeneration: true))
        add("", "pods", PodRules())
        add("", "podtemplates", PodTemplateRules())
        add("", "replicationcontrollers", ReplicationControllerRules())
        add("", "services", ServiceRules())
        add("", "endpoints", EndpointsRules())
        add("", "namespaces", NamespaceRules())
        add("", "nodes", NodeRules())
        add("", "configmaps", ConfigMapRules())
        add("", "secrets", SecretRules())
        add("", "serviceaccounts", ServiceAccountRules())
        add("", "events", EventRules())
        add("events.k8s.io", "events", EventRules(isStrict: true))
        add("", "persistentvolumes", PersistentVolumeRules())
        add("", "persistentvolumeclaims", PersistentVolumeClaimRules())
        add("", "resourcequotas", ResourceQuotaRules())
        add("", "limitranges", LimitRangeRules())
        add("apps", "deployments", DeploymentRules())
        add("apps", "replicasets", ReplicaSetRules())
        add("apps", "statefulsets", StatefulSetRules())
        add("apps", "daemonsets", DaemonSetRules())
        add("apps", "controllerrevisions", ControllerRevisionRules())
        add("batch", "jobs", JobRules())
        add("batch", "cronjobs", CronJobRules())
        add("networking.k8s.io", "ingresses", IngressRules())
        add("networking.k8s.io", "ingressclasses", IngressClassRules())
        add("networking.k8s.io", "networkpolicies", NetworkPolicyRules())
        add("networking.k8s.io", "ipaddresses", IPAddressRules())
        add("networking.k8s.io", "servicecidrs", ServiceCIDRRules())
        add("discovery.k8s.io", "endpointslices", EndpointSliceRules())
        add("policy", "poddisruptionbudgets", PodDisruptionBudgetRules())
        add("autoscaling", "horizontalpodautoscalers", HorizontalPodAutoscalerRules())
        add("coordination.k8s.io", "leases", LeaseRules())
        add("scheduling.k8s.io", "priorityclasses", PriorityClassRules())
        add("storage.k8s.io", "storageclasses", StorageClassRules())
        add("storage.k8s.io", "csidrivers", CSIDriverRules())
        add("storage.k8s.io", "volumeattachments", VolumeAttachmentRules())
        add("storage.k8s.io", "csinodes", CSINodeRules())
        add("storage.k8s.io", "csistoragecapacities", CSIStorageCapacityRules())
        add("storage.k8s.io", "volumeattributesclasses", VolumeAttributesClassRules())
        add(rbacGroup, "roles", RoleRules(isClusterScoped: false))
        add(rbacGroup, "clusterroles", RoleRules(isClusterScoped: true))
        add(rbacGroup, "rolebindings", RoleBindingRules(isClusterScoped: false))
        add(rbacGroup, "clusterrolebindings", RoleBindingRules(isClusterScoped: true))
        add("node.k8s.io", "runtimeclasses", RuntimeClassRules())
        add("admissionregistration.k8s.io", "mutatingwebhookconfigurations", WebhookConfigurationRules(isMutating: true))
        add("admissionregistration.k8s.io", "validatingwebhookconfigurations", WebhookConfigurationRules(isMutating: false))
        add("admissionregistration.k8s.io", "mutatingadmissionpolicies", AdmissionPolicyRules(isMutating: true))
        add("admissionregistration.k8s.io", "validatingadmissionpolicies", AdmissionPolicyRules(isMutating: false))
        add(
            "admissionregistration.k8s.io", "mutatingadmissionpolicybindings", AdmissionPolicyBindingRules(isMutating: true))
        add(
            "admissionregistration.k8s.io", "validatingadmissionpolicybindings",
            AdmissionPolicyBindingRules(isMutating: false))
        add("flowcontrol.apiserver.k8s.io", "flowschemas", FlowSchemaRules())
        add("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", PriorityLevelConfigurationRules())
        add("resource.k8s.io", "deviceclasses", DeviceClassRules())
        add("resource.k8s.io", "resourceclaims", ResourceClaimRules())
        add("resource.k8s.io", "resourceclaimtemplates", ResourceClaimTemplateRules())
        add("resource.k8s.io", "resourceslices", ResourceSliceRules())
        add("certificates.k8s.io", "certificatesigningrequests", CertificateSigningRequestRules())
        add("apiextensions.k8s.io", "customresourcedefinitions", CustomResourceDefinitionKind())
        add("storagemigration.k8s.io", "storageversionmigrations", StorageVersionMigrationRules())
        add("apiregistration.k8s.io", "apiservices", APIServiceRules())
        return table
    }()
}
