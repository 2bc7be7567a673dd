import KubeObject
import Testing

@testable import KubeRegistry
@testable import KubeSchema

/// What there is of every built-in kind. A resource that is served and isn't here fails the test, and so does a line that is no
/// longer true.
@Suite struct InventoryTests {
    /// One line a resource: what it is; `generation` if it is counted; `status` if a new object's is dropped; the columns, after
    /// `|` those of `-o wide`; after `fields` what may be selected by.
    static let inventory = """
        admissionregistration.k8s.io/v1/mutatingadmissionpolicies; generation; Name, Mutations, ParamKind, Age
        admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings; generation; Name, PolicyName, ParamRef, Age
        admissionregistration.k8s.io/v1/mutatingwebhookconfigurations; generation; Name, Webhooks, Age
        admissionregistration.k8s.io/v1/validatingadmissionpolicies; generation; status; Name, Validations, ParamKind, Age
        admissionregistration.k8s.io/v1/validatingadmissionpolicybindings; generation; Name, PolicyName, ParamRef, Age
        admissionregistration.k8s.io/v1/validatingwebhookconfigurations; generation; Name, Webhooks, Age
        apiextensions.k8s.io/v1/customresourcedefinitions; generation; status; Name, Created At
        apiregistration.k8s.io/v1/apiservices; status; Name, Service, Available, Age
        apps/v1/controllerrevisions; Name, Controller, Revision, Age
        apps/v1/daemonsets; generation; status; Name, Desired, Current, Ready, Up-to-date, Available, Node Selector, Age | Containers, Images, Selector
        apps/v1/deployments; generation; status; Name, Ready, Up-to-date, Available, Age | Containers, Images, Selector
        apps/v1/replicasets; generation; status; Name, Desired, Current, Ready, Age | Containers, Images, Selector; fields status.replicas
        apps/v1/statefulsets; generation; status; Name, Ready, Age | Containers, Images
        autoscaling/v1/horizontalpodautoscalers; status; Name, Reference, Targets, MinPods, MaxPods, Replicas, Age
        autoscaling/v2/horizontalpodautoscalers; status; Name, Reference, Targets, MinPods, MaxPods, Replicas, Age
        batch/v1/cronjobs; generation; status; Name, Schedule, Timezone, Suspend, Active, Last Schedule, Age | Containers, Images, Selector
        batch/v1/jobs; generation; status; Name, Status, Completions, Duration, Age | Containers, Images, Selector; fields status.successful
        certificates.k8s.io/v1/certificatesigningrequests; status; Name, Age, SignerName, Requestor, RequestedDuration, Condition; fields spec.signerName
        coordination.k8s.io/v1/leases; Name, Holder, Age
        discovery.k8s.io/v1/endpointslices; generation; Name, AddressType, Ports, Endpoints, Age
        events.k8s.io/v1/events; Last Seen, Type, Reason, Object, Message | Subobject, Source, First Seen, Count, Name; fields involvedObject.apiVersion involvedObject.fieldPath involvedObject.kind involvedObject.name involvedObject.namespace involvedObject.resourceVersion involvedObject.uid reason reportingComponent source type
        flowcontrol.apiserver.k8s.io/v1/flowschemas; generation; status; Name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL
        flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations; generation; status; Name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age
        networking.k8s.io/v1/ingressclasses; generation; Name, Controller, Parameters, Age
        networking.k8s.io/v1/ingresses; generation; status; Name, Class, Hosts, Address, Ports, Age
        networking.k8s.io/v1/ipaddresses; Name, ParentRef
        networking.k8s.io/v1/networkpolicies; generation; Name, Pod-Selector, Age
        networking.k8s.io/v1/servicecidrs; status; Name, CIDRs, Age
        node.k8s.io/v1/runtimeclasses; Name, Handler, Age
        policy/v1/poddisruptionbudgets; generation; status; Name, Min Available, Max Unavailable, Allowed Disruptions, Age
        rbac.authorization.k8s.io/v1/clusterrolebindings; Name, Role, Age | Users, Groups, ServiceAccounts
        rbac.authorization.k8s.io/v1/clusterroles; Name, Created At
        rbac.authorization.k8s.io/v1/rolebindings; Name, Role, Age | Users, Groups, ServiceAccounts
        rbac.authorization.k8s.io/v1/roles; Name, Created At
        resource.k8s.io/v1/deviceclasses; generation; Name, Age
        resource.k8s.io/v1/resourceclaims; status; Name, State, Age
        resource.k8s.io/v1/resourceclaimtemplates; Name, Age
        resource.k8s.io/v1/resourceslices; generation; Name, Node, Driver, Pool, Age; fields spec.driver spec.nodeName
        scheduling.k8s.io/v1/priorityclasses; generation; Name, Value, Global-Default, Age, PreemptionPolicy
        storage.k8s.io/v1/csidrivers; Name, AttachRequired, PodInfoOnMount, StorageCapacity, TokenRequests, RequiresRepublish, Modes, Age
        storage.k8s.io/v1/csinodes; Name, Drivers, Age
        storage.k8s.io/v1/csistoragecapacities; Name, StorageClassName, Capacity
        storage.k8s.io/v1/storageclasses; Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age
        storage.k8s.io/v1/volumeattachments; status; Name, Attacher, PV, Node, Attached, Age
        storage.k8s.io/v1/volumeattributesclasses; Name, DriverName, Age
        storagemigration.k8s.io/v1beta1/storageversionmigrations; status; Name, Created At
        v1/configmaps; Name, Data, Age
        v1/endpoints; Name, Endpoints, Age
        v1/events; Last Seen, Type, Reason, Object, Message | Subobject, Source, First Seen, Count, Name; fields involvedObject.apiVersion involvedObject.fieldPath involvedObject.kind involvedObject.name involvedObject.namespace involvedObject.resourceVersion involvedObject.uid reason reportingComponent source type
        v1/limitranges; Name, Created At
        v1/namespaces; status; Name, Status, Age; fields status.phase
        v1/nodes; status kept; Name, Status, Roles, Age, Version | Internal-IP, External-IP, OS-Image, Kernel-Version, Container-Runtime; fields spec.unschedulable
        v1/persistentvolumeclaims; status; Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age | VolumeMode
        v1/persistentvolumes; status; Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age | VolumeMode
        v1/pods; generation; status; Name, Ready, Status, Restarts, Age | IP, Node, Nominated Node, Readiness Gates; fields spec.hostNetwork spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName status.nominatedNodeName status.phase status.podIP status.podIPs
        v1/podtemplates; generation; Name, Containers, Images, Pod Labels
        v1/replicationcontrollers; generation; status; Name, Desired, Current, Ready, Age | Containers, Images, Selector; fields status.replicas
        v1/resourcequotas; status; Name, Request, Limit, Age
        v1/secrets; Name, Type, Data, Age; fields type
        v1/serviceaccounts; Name, Secrets, Age
        v1/services; status; Name, Type, Cluster-IP, External-IP, Port(s), Age | Selector; fields spec.clusterIP spec.type
        """

    /// Every field that upstream lets any kind be selected by.
    static let fields = [
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
        "reportingComponent", "source", "type", "spec.clusterIP", "spec.driver", "spec.host", "spec.hostNetwork",
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.signerName", "spec.type",
        "spec.unschedulable", "status.nominatedNodeName", "status.phase", "status.podIP", "status.podIPs",
        "status.replicas", "status.successful", "spec.name",
    ]

    static var resources: [ResourceType] {
        Schema.builtin.resources.filter(\.isStored)
    }

    @Test func everyKindHasRules() {
        let forgotten = Self.resources.filter { !KindTable.knows($0.storedResource) }.map { "\($0.gvr)" }
        #expect(forgotten == [])
    }

    @Test func everyKindIsListed() throws {
        let actual = try Self.resources.map(Self.line).sorted()
        let expected = Self.inventory.split(separator: "\n").map(String.init)
        #expect(Set(actual).subtracting(expected).sorted() == [])
        #expect(Set(expected).subtracting(actual).sorted() == [])
    }

    /// Upstream's encoder writes a status that nobody has set yet as its type says: an object, and in it what isn't `omitempty`.
    @Test func newObjectsHaveTheStatusOfTheirType() {
        for resource in Self.resources where resource.gvk == resource.storedAs && resource.subresource("status") != nil {
            guard let field = resource.type?.field("status"), let zero = Zero.written(field)?.object else { continue }
            var tree: JSON = [
                "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind), "metadata": [:], "spec": [:],
            ]
            // As decoding leaves it, for the kinds whose creator may say what the status is.
            tree["status"] = .object(zero)
            resource.rules.prepareForCreate(&tree)
            let status = tree["status"]?.object
            #expect(status != nil, "\(resource.gvr)")
            for (key, _) in zero { #expect(status?[key] != nil, "\(resource.gvr): \(key)") }
        }
    }

    private static func line(_ resource: ResourceType) throws -> String {
        let rules = resource.rules
        var parts = ["\(resource.apiVersion)/\(resource.plural)"]
        if rules.countsGeneration { parts.append("generation") }
        if resource.subresource("status") != nil {
            var tree: JSON = [
                "apiVersion": .string(resource.storedAs.apiVersion), "kind": .string(resource.kind), "metadata": [:],
                "spec": [:], "status": ["marker": true],
            ]
            rules.prepareForCreate(&tree)
            parts.append(tree[path: "status", "marker"] == nil ? "status" : "status kept")
        }
        let columns = Table.columnDefinitions(resource).elements
        func names(_ priority: Int64) -> String {
            columns.filter { $0["priority"]?.int == priority }.map { $0.text("name") }.joined(separator: ", ")
        }
        parts.append(names(1).isEmpty ? names(0) : "\(names(0)) | \(names(1))")
        let empty = try Object(
            [
                "apiVersion": .string(resource.storedAs.apiVersion), "kind": .string(resource.kind), "metadata": [:],
            ], resourceVersion: 0)
        let known = fields.filter { rules.selectableField($0, of: empty) != nil }
        if !known.isEmpty { parts.append("fields \(known.sorted().joined(separator: " "))") }
        return parts.joined(separator: "; ")
    }
}
