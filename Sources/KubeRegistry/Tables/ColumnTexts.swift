import KubeSchema

/// What tables' columns say about themselves: upstream's words, most of which are those of the field that is shown.
enum ColumnTexts {
    /// The text of a resource's column; empty when it has none.
    static func text(_ resource: String, _ column: String) -> String {
        switch column {
        case "Age", "Created At": return shared["creationTimestamp"] ?? ""
        case "Name": return shared["name"] ?? ""
        default: return all[resource]?[column] ?? ""
        }
    }

    private static let shared: [String: String] = {
        let fields = ["name", "creationTimestamp"]
        let texts = FieldDocumentation.texts(of: fields.map { .init(package: "meta/v1", type: "ObjectMeta", field: $0) })
        return Dictionary(zip(fields, texts.map { $0 ?? "" }), uniquingKeysWith: { first, _ in first })
    }()

    /// By resource (`jobs.batch`) and column.
    private static let all: [String: [String: String]] = {
        var found: [(resource: String, column: String, text: String)] = []
        var referring: [(resource: String, column: String)] = []
        var references: [FieldDocumentation.Field] = []
        var resources: [String] = []
        for line in facts.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else {
                resources = line.split(separator: " ").map(String.init)
                continue
            }
            let column = String(line[..<equals])
            let text = line[line.index(after: equals)...]
            for resource in resources {
                if text.hasPrefix("@") {
                    let words = text.dropFirst().split(separator: " ").map(String.init)
                    guard words.count == 3 else { continue }
                    referring.append((resource, column))
                    references.append(.init(package: words[0], type: words[1], field: words[2]))
                } else {
                    found.append((resource, column, String(text)))
                }
            }
        }
        for (place, text) in zip(referring, FieldDocumentation.texts(of: references)) {
            found.append((place.resource, place.column, text ?? ""))
        }
        return found.reduce(into: [:]) { $0[$1.resource, default: [:]][$1.column] = $1.text }
    }()

    /// Resources, then their columns: a text, or `@package type field` whose documentation it is.
    private static let facts = """
        pods
        Ready=The aggregate readiness state of this pod for accepting traffic.
        Status=The aggregate status of the containers in this pod.
        Restarts=The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.
        IP=@core/v1 PodStatus podIP
        Node=@core/v1 PodSpec nodeName
        Nominated Node=@core/v1 PodStatus nominatedNodeName
        Readiness Gates=@core/v1 PodSpec readinessGates
        podtemplates
        Pod Labels=The labels for the pod template.
        podtemplates replicationcontrollers replicasets.apps daemonsets.apps statefulsets.apps deployments.apps jobs.batch cronjobs.batch
        Containers=Names of each container in the template.
        Images=Images referenced by each container in the template.
        poddisruptionbudgets.policy
        Min Available=The minimum number of pods that must be available.
        Max Unavailable=The maximum number of pods that may be unavailable.
        Allowed Disruptions=Calculated number of pods that may be disrupted at this time.
        replicationcontrollers
        Desired=@core/v1 ReplicationControllerSpec replicas
        Current=@core/v1 ReplicationControllerStatus replicas
        Ready=@core/v1 ReplicationControllerStatus readyReplicas
        Selector=@core/v1 ReplicationControllerSpec selector
        replicasets.apps
        Desired=@apps/v1 ReplicaSetSpec replicas
        Current=@apps/v1 ReplicaSetStatus replicas
        Ready=@apps/v1 ReplicaSetStatus readyReplicas
        Selector=@apps/v1 ReplicaSetSpec selector
        daemonsets.apps
        Desired=@apps/v1 DaemonSetStatus desiredNumberScheduled
        Current=@apps/v1 DaemonSetStatus currentNumberScheduled
        Ready=@apps/v1 DaemonSetStatus numberReady
        Up-to-date=@apps/v1 DaemonSetStatus updatedNumberScheduled
        Available=@apps/v1 DaemonSetStatus numberAvailable
        Node Selector=@core/v1 PodSpec nodeSelector
        Selector=@apps/v1 DaemonSetSpec selector
        statefulsets.apps deployments.apps
        Ready=Number of the pod with ready state
        deployments.apps
        Up-to-date=@apps/v1 DeploymentStatus updatedReplicas
        Available=@apps/v1 DeploymentStatus availableReplicas
        Selector=@apps/v1 DeploymentSpec selector
        controllerrevisions.apps
        Controller=Controller of the object
        Revision=@apps/v1 ControllerRevision revision
        jobs.batch
        Status=Status of the job.
        Completions=@batch/v1 JobStatus succeeded
        Duration=Time required to complete the job.
        jobs.batch cronjobs.batch
        Selector=@batch/v1 JobSpec selector
        cronjobs.batch
        Schedule=@batch/v1 CronJobSpec schedule
        Timezone=@batch/v1 CronJobSpec timeZone
        Suspend=@batch/v1 CronJobSpec suspend
        Active=@batch/v1 CronJobStatus active
        Last Schedule=@batch/v1 CronJobStatus lastScheduleTime
        services
        Type=@core/v1 ServiceSpec type
        Cluster-IP=@core/v1 ServiceSpec clusterIP
        External-IP=@core/v1 ServiceSpec externalIPs
        Port(s)=@core/v1 ServiceSpec ports
        Selector=@core/v1 ServiceSpec selector
        endpoints
        Endpoints=@core/v1 Endpoints subsets
        endpointslices.discovery.k8s.io
        AddressType=@discovery/v1 EndpointSlice addressType
        Ports=@discovery/v1 EndpointSlice ports
        Endpoints=@discovery/v1 EndpointSlice endpoints
        ingresses.networking.k8s.io
        Class=The name of the IngressClass resource that should be used for additional configuration
        Hosts=Hosts that incoming requests are matched against before the ingress rule
        Address=Address is a list containing ingress points for the load-balancer
        Ports=Ports of TLS configurations that open
        ingressclasses.networking.k8s.io
        Controller=Controller that is responsible for handling this class
        Parameters=A reference to a resource with additional parameters
        networkpolicies.networking.k8s.io
        Pod-Selector=@networking/v1 NetworkPolicySpec podSelector
        ipaddresses.networking.k8s.io
        ParentRef=@networking/v1 IPAddressSpec parentRef
        servicecidrs.networking.k8s.io
        CIDRs=@networking/v1 ServiceCIDRSpec cidrs
        nodes
        Status=The status of the node
        Roles=The roles of the node
        Version=@core/v1 NodeSystemInfo kubeletVersion
        Internal-IP=@core/v1 NodeStatus addresses
        External-IP=@core/v1 NodeStatus addresses
        OS-Image=@core/v1 NodeSystemInfo osImage
        Kernel-Version=@core/v1 NodeSystemInfo kernelVersion
        Container-Runtime=@core/v1 NodeSystemInfo containerRuntimeVersion
        events events.events.k8s.io
        Last Seen=@core/v1 Event lastTimestamp
        Type=@core/v1 Event type
        Reason=@core/v1 Event reason
        Object=@core/v1 Event involvedObject
        Subobject=@core/v1 ObjectReference fieldPath
        Source=@core/v1 Event source
        Message=@core/v1 Event message
        First Seen=@core/v1 Event firstTimestamp
        Count=@core/v1 Event count
        namespaces
        Status=The status of the namespace
        secrets
        Type=@core/v1 Secret type
        Data=@core/v1 Secret data
        configmaps
        Data=@core/v1 ConfigMap data
        serviceaccounts
        Secrets=@core/v1 ServiceAccount secrets
        componentstatuses
        Status=Status of the component conditions
        Message=Message of the component conditions
        Error=Error of the component conditions
        resourcequotas
        Request=Request represents a minimum amount of cpu/memory that a container may consume.
        Limit=Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.
        persistentvolumes
        Capacity=@core/v1 PersistentVolumeSpec capacity
        Access Modes=@core/v1 PersistentVolumeSpec accessModes
        Reclaim Policy=@core/v1 PersistentVolumeSpec persistentVolumeReclaimPolicy
        Status=@core/v1 PersistentVolumeStatus phase
        Claim=@core/v1 PersistentVolumeSpec claimRef
        StorageClass=StorageClass of the pv
        VolumeAttributesClass=VolumeAttributesClass of the pv
        Reason=@core/v1 PersistentVolumeStatus reason
        VolumeMode=@core/v1 PersistentVolumeSpec volumeMode
        persistentvolumeclaims
        Status=@core/v1 PersistentVolumeClaimStatus phase
        Volume=@core/v1 PersistentVolumeClaimSpec volumeName
        Capacity=@core/v1 PersistentVolumeClaimStatus capacity
        Access Modes=@core/v1 PersistentVolumeClaimStatus accessModes
        StorageClass=StorageClass of the pvc
        VolumeAttributesClass=VolumeAttributesClass of the pvc
        VolumeMode=@core/v1 PersistentVolumeClaimSpec volumeMode
        storageclasses.storage.k8s.io
        Provisioner=@storage/v1 StorageClass provisioner
        ReclaimPolicy=@storage/v1 StorageClass reclaimPolicy
        VolumeBindingMode=@storage/v1 StorageClass volumeBindingMode
        AllowVolumeExpansion=@storage/v1 StorageClass allowVolumeExpansion
        volumeattachments.storage.k8s.io
        Attacher=@storage/v1 VolumeAttachmentSpec attacher
        PV=@storage/v1 VolumeAttachmentSource persistentVolumeName
        Node=@storage/v1 VolumeAttachmentSpec nodeName
        Attached=@storage/v1 VolumeAttachmentStatus attached
        csinodes.storage.k8s.io
        Drivers=Drivers indicates the number of CSI drivers registered on the node
        csidrivers.storage.k8s.io
        AttachRequired=@storage/v1 CSIDriverSpec attachRequired
        PodInfoOnMount=@storage/v1 CSIDriverSpec podInfoOnMount
        StorageCapacity=@storage/v1 CSIDriverSpec storageCapacity
        TokenRequests=@storage/v1 CSIDriverSpec tokenRequests
        RequiresRepublish=@storage/v1 CSIDriverSpec requiresRepublish
        Modes=@storage/v1 CSIDriverSpec volumeLifecycleModes
        csistoragecapacities.storage.k8s.io
        StorageClassName=@storage/v1 CSIStorageCapacity storageClassName
        Capacity=@storage/v1 CSIStorageCapacity capacity
        volumeattributesclasses.storage.k8s.io
        DriverName=@storage/v1 VolumeAttributesClass driverName
        rolebindings.rbac.authorization.k8s.io
        Role=@rbac/v1 RoleBinding roleRef
        Users=Users in the roleBinding
        Groups=Groups in the roleBinding
        ServiceAccounts=ServiceAccounts in the roleBinding
        clusterrolebindings.rbac.authorization.k8s.io
        Role=@rbac/v1 ClusterRoleBinding roleRef
        Users=Users in the clusterRoleBinding
        Groups=Groups in the clusterRoleBinding
        ServiceAccounts=ServiceAccounts in the clusterRoleBinding
        horizontalpodautoscalers.autoscaling
        Reference=@autoscaling/v2 HorizontalPodAutoscalerSpec scaleTargetRef
        Targets=@autoscaling/v2 HorizontalPodAutoscalerSpec metrics
        MinPods=@autoscaling/v2 HorizontalPodAutoscalerSpec minReplicas
        MaxPods=@autoscaling/v2 HorizontalPodAutoscalerSpec maxReplicas
        Replicas=@autoscaling/v2 HorizontalPodAutoscalerStatus currentReplicas
        certificatesigningrequests.certificates.k8s.io
        SignerName=@certificates/v1 CertificateSigningRequestSpec signerName
        Requestor=@certificates/v1 CertificateSigningRequestSpec request
        RequestedDuration=@certificates/v1 CertificateSigningRequestSpec expirationSeconds
        Condition=@certificates/v1 CertificateSigningRequestStatus conditions
        leases.coordination.k8s.io
        Holder=@coordination/v1 LeaseSpec holderIdentity
        priorityclasses.scheduling.k8s.io
        Value=@scheduling/v1 PriorityClass value
        Global-Default=@scheduling/v1 PriorityClass globalDefault
        PreemptionPolicy=@scheduling/v1 PriorityClass preemptionPolicy
        runtimeclasses.node.k8s.io
        Handler=@node/v1 RuntimeClass handler
        mutatingwebhookconfigurations.admissionregistration.k8s.io validatingwebhookconfigurations.admissionregistration.k8s.io
        Webhooks=Webhooks indicates the number of webhooks registered in this configuration
        validatingadmissionpolicies.admissionregistration.k8s.io
        Validations=Validations indicates the number of validation rules defined in this configuration
        mutatingadmissionpolicies.admissionregistration.k8s.io
        Mutations=Mutations indicates the number of mutations rules defined in this configuration
        validatingadmissionpolicies.admissionregistration.k8s.io mutatingadmissionpolicies.admissionregistration.k8s.io
        ParamKind=ParamKind specifies the kind of resources used to parameterize this policy
        validatingadmissionpolicybindings.admissionregistration.k8s.io mutatingadmissionpolicybindings.admissionregistration.k8s.io
        PolicyName=PolicyName indicates the policy definition which the policy binding binded to
        ParamRef=ParamRef indicates the param resource which sets the configration param
        flowschemas.flowcontrol.apiserver.k8s.io
        PriorityLevel=@flowcontrol/v1 PriorityLevelConfigurationReference name
        MatchingPrecedence=@flowcontrol/v1 FlowSchemaSpec matchingPrecedence
        DistinguisherMethod=@flowcontrol/v1 FlowSchemaSpec distinguisherMethod
        MissingPL=references a broken or non-existent PriorityLevelConfiguration
        prioritylevelconfigurations.flowcontrol.apiserver.k8s.io
        Type=@flowcontrol/v1 PriorityLevelConfigurationSpec type
        NominalConcurrencyShares=@flowcontrol/v1 LimitedPriorityLevelConfiguration nominalConcurrencyShares
        Queues=@flowcontrol/v1 QueuingConfiguration queues
        HandSize=@flowcontrol/v1 QueuingConfiguration handSize
        QueueLengthLimit=@flowcontrol/v1 QueuingConfiguration queueLengthLimit
        resourceclaims.resource.k8s.io
        State=A summary of the current state (allocated, pending, reserved, etc.).
        resourceslices.resource.k8s.io
        Node=@resource/v1 ResourceSliceSpec nodeName
        Driver=@resource/v1 ResourceSliceSpec driver
        Pool=@resource/v1 ResourcePool name
        apiservices.apiregistration.k8s.io
        Service=The reference to the service that hosts this API endpoint.
        Available=Whether this service is available.
        """
}
