import KubeObject
import Testing

@testable import KubeSchema

@Suite("The built-in schema")
struct SchemaTests {
    let schema = Schema.builtin

    @Test func `every resource has a type, and so has its list`() {
        for resource in schema.resources {
            #expect(resource.type != nil, "\(resource.gvk)")
            if resource.allows("list") { #expect(schema.type(forKind: resource.groupVersion.kind(resource.listKind)) != nil) }
            for subresource in resource.subresources {
                #expect(subresource.type != nil, "\(resource.plural)/\(subresource.name)")
            }
        }
        #expect(schema.resources.count > 60)
    }

    @Test func `the core group comes first and alphas aren't served`() {
        #expect(schema.groups[0].name == "")
        #expect(schema.group("apps")?.preferredVersion.apiVersion == "apps/v1")
        #expect(schema.group("autoscaling")?.versions.map(\.groupVersion.version) == ["v2", "v1"])
        #expect(schema.group("internal.apiserver.k8s.io") == nil)
        // The one beta that is: docs/architecture.md says why.
        #expect(schema.group("storagemigration.k8s.io")?.preferredVersion.apiVersion == "storagemigration.k8s.io/v1beta1")
        #expect(schema.resource(group: "certificates.k8s.io", version: "v1beta1", plural: "clustertrustbundles") == nil)
    }

    @Test func `a resource is found by its names and knows its facts`() throws {
        let pods = try #require(schema.resource(group: "", version: "v1", plural: "pods"))
        #expect(pods.gvk == GroupVersionKind(group: "", version: "v1", kind: "Pod"))
        #expect(pods.shortNames == ["po"] && pods.categories == ["all"] && pods.isNamespaced && pods.verbs.count == 8)
        #expect(pods.subresource("eviction")?.kind.apiVersion == "policy/v1")
        #expect(schema.resource(forKind: pods.gvk) == pods)
        let autoscalers = try #require(schema.resource(group: "autoscaling", version: "v1", plural: "horizontalpodautoscalers"))
        #expect(autoscalers.storedAs.version == "v2")
        #expect(schema.resource(GroupKind(group: "autoscaling", kind: "HorizontalPodAutoscaler"))?.version == "v2")
        #expect(schema.resource(group: "events.k8s.io", version: "v1", plural: "events")?.storedAs.group == "")
    }

    @Test func `fields carry their facts`() throws {
        let container = try #require(schema.type(named: "io.k8s.api.core.v1.Container"))
        let ports = try #require(container.field("ports"))
        #expect(ports.protoNumber == 6 && ports.patchMergeKey == "containerPort" && ports.patchStrategies == ["merge"])
        #expect(ports.listType == .map && ports.listMapKeys == ["containerPort", "protocol"] && !ports.isRequired)
        #expect(ports.type.goName == "[]v1.ContainerPort")
        let port = try #require(ports.type.element?.object)
        #expect(port.field("protocol")?.defaultValue == "TCP" && port.field("protocol")?.enumValues == ["SCTP", "TCP", "UDP"])
        #expect(port.field("containerPort")?.isRequired == true && port.field("containerPort")?.type.kind == .int32)
    }

    @Test func `embedded structs' fields stand beside a type's own`() throws {
        let volume = try #require(schema.type(named: "io.k8s.api.core.v1.Volume"))
        #expect(volume.field("name") != nil && volume.field("configMap")?.type.object?.field("items") != nil)
        guard case .embedded(let source, let number) = volume.members[1] else {
            Issue.record("no embedded struct")
            return
        }
        #expect(number == 2 && source.object?.goName == "VolumeSource")
        let pod = try #require(schema.type(forKind: GroupVersionKind(group: "", version: "v1", kind: "Pod")))
        #expect(pod.fields.map(\.jsonName) == ["apiVersion", "kind", "metadata", "spec", "status"])
    }

    @Test func `options and Status belong to every version`() {
        #expect(schema.type(forKind: GroupVersionKind(group: "", version: "v1", kind: "DeleteOptions"))?.field("dryRun") != nil)
        #expect(schema.type(forKind: GroupVersionKind(group: "apps", version: "v1", kind: "Status"))?.field("reason") != nil)
    }

    @Test func `resources can be added`() throws {
        let declaration = ResourceDeclaration(
            types: """
                @sampan/v1alpha1 dev.sampan.v1alpha1 v1alpha1
                +VirtualCluster
                ^ 0 meta/v1.TypeMeta
                metadata 1 meta/v1.ObjectMeta oO
                spec 2 .VirtualClusterSpec oO
                +VirtualClusterSpec
                description 1 s oO
                """,
            resources: """
                group sampan.dev
                version v1alpha1 served sampan/v1alpha1
                virtualclusters VirtualCluster virtualcluster cluster * vc - - -
                /status VirtualCluster get,patch,update
                """)
        let platform = try schema.adding(declaration)
        let clusters = try #require(platform.resource(group: "sampan.dev", version: "v1alpha1", plural: "virtualclusters"))
        #expect(clusters.shortNames == ["vc"] && clusters.type?.field("spec")?.type.object?.field("description") != nil)
        #expect(platform.groups.last?.name == "sampan.dev" && schema.group("sampan.dev") == nil)
        #expect(
            platform.resource(group: "", version: "v1", plural: "pods")
                === schema.resource(group: "", version: "v1", plural: "pods"))
        #expect(throws: SchemaError.self) {
            try schema.adding(ResourceDeclaration(types: "@a/v1 dev.a v1\n+A\nx 1 .Missing -", resources: ""))
        }
    }

    @Test func `a resource can be added to a known group, and takes an equal one's place`() throws {
        let deployment = try #require(schema.resource(group: "apps", version: "v1", plural: "deployments"))
        let boats = ResourceType(
            gvk: GroupVersionKind(group: "apps", version: "v1", kind: "Boat"), plural: "boats", singular: "boat",
            isNamespaced: true,
            verbs: ["get", "list"], type: nil)
        let more = schema.adding([boats, boats])
        #expect(more.version(boats.groupVersion)?.resources.map(\.plural).first == "boats")
        #expect(more.resources.count == schema.resources.count + 1)
        #expect(
            more.resource(forKind: deployment.gvk) === deployment
                && more.resource(GroupKind(group: "apps", kind: "Boat")) === boats)
    }

    @Test func `documents that are the same are shared`() throws {
        let boats = ResourceType(
            gvk: GroupVersionKind(group: "boats.example.com", version: "v1", kind: "Boat"), plural: "boats", singular: "boat",
            isNamespaced: true, verbs: ["get", "list"], type: nil)
        let more = schema.adding([boats])
        let core = try #require(more.version(GroupVersion(apiVersion: "v1")))
        let own = try #require(more.version(boats.groupVersion))
        #expect(more.owner(of: core) === schema && more.owner(of: own) === more)
        #expect(more.openAPI(GroupVersion(apiVersion: "v1"))?.etag == schema.openAPI(GroupVersion(apiVersion: "v1"))?.etag)
        #expect(more.openAPI(boats.groupVersion) != nil && schema.openAPI(boats.groupVersion) == nil)
    }
}
