import KubeObject
import Testing

@testable import KubeSchema

@Suite("OpenAPI")
struct OpenAPITests {
    let schema = Schema.builtin

    private func document(_ apiVersion: String) throws -> JSON {
        try JSON(parsing: #require(schema.openAPI(GroupVersion(apiVersion: apiVersion))).bytes)
    }

    private func references(_ value: JSON, into found: inout Set<String>) {
        switch value {
        case .object(let members):
            for (key, member) in members {
                if key == "$ref", let name = member.string { found.insert(name) } else { references(member, into: &found) }
            }
        case .array(let elements): for element in elements { references(element, into: &found) }
        default: break
        }
    }

    @Test func `every document refers only to what is in it`() throws {
        for version in schema.groups.flatMap(\.versions) {
            let document = try document(version.groupVersion.apiVersion)
            var found: Set<String> = []
            references(document, into: &found)
            for name in found {
                let key = name.replacing("#/components/schemas/", with: "")
                #expect(document["components"]?["schemas"]?[key]?.object != nil, "\(version.groupVersion): \(name)")
            }
        }
        let document = try JSON(parsing: schema.openAPIV2.bytes)
        var found: Set<String> = []
        references(document, into: &found)
        for name in found {
            #expect(document["definitions"]?[name.replacing("#/definitions/", with: "")]?.object != nil, "\(name)")
        }
    }

    @Test func `the index names every group version, and the address changes with the content`() throws {
        let index = try JSON(parsing: schema.openAPIIndex.bytes)
        let entry = try #require(index["paths"]?["apis/apps/v1"]?["serverRelativeURL"]?.string)
        let document = try #require(schema.openAPI(GroupVersion(apiVersion: "apps/v1")))
        #expect(entry == "/openapi/v3/apis/apps/v1?hash=\(document.etag)")
        #expect(index["paths"]?["api/v1"] != nil && index["paths"]?.object?.count == schema.groups.flatMap(\.versions).count)
        #expect(schema.openAPI(GroupVersion(apiVersion: "apps/v9")) == nil)
    }

    @Test func `schemas carry what kubectl merges and explains by`() throws {
        let schemas = try #require(try document("apps/v1")["components"]?["schemas"])
        let deployment = try #require(schemas["io.k8s.api.apps.v1.Deployment"])
        #expect(deployment["x-kubernetes-group-version-kind"] == [["group": "apps", "version": "v1", "kind": "Deployment"]])
        #expect(
            deployment["properties"]?["spec"]?["allOf"]?[0]?["$ref"] == "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec")
        let spec = try #require(schemas["io.k8s.api.apps.v1.DeploymentSpec"])
        #expect(spec["required"] == ["selector", "template"] && spec["properties"]?["replicas"]?["format"] == "int32")
        #expect(spec["properties"]?["replicas"]?["description"]?.string?.hasPrefix("Number of desired pods.") == true)
        let pod = try #require(schemas["io.k8s.api.core.v1.PodSpec"]?["properties"]?["containers"])
        #expect(pod["x-kubernetes-patch-merge-key"] == "name" && pod["x-kubernetes-patch-strategy"] == "merge")
        #expect(pod["x-kubernetes-list-type"] == "map" && pod["x-kubernetes-list-map-keys"] == ["name"] && pod["type"] == "array")
        let port = try #require(schemas["io.k8s.api.core.v1.ContainerPort"]?["properties"]?["protocol"])
        #expect(port["default"] == "TCP" && port["enum"] == ["SCTP", "TCP", "UDP"])
        #expect(schemas["io.k8s.api.core.v1.Volume"]?["properties"]?["configMap"]?["description"] != nil, "of an embedded struct")
        #expect(
            schemas["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]?["x-kubernetes-group-version-kind"]?.elements.count ?? 0
                > 20)
    }

    @Test func `paths carry the verbs and the parameters that kubectl looks for`() throws {
        let paths = try #require(try document("apps/v1")["paths"])
        let one = try #require(paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"])
        #expect(one.object.map { Array($0.keys) } == ["delete", "get", "parameters", "patch", "put"])
        let patch = try #require(one["patch"])
        #expect(patch["x-kubernetes-group-version-kind"] == ["group": "apps", "version": "v1", "kind": "Deployment"])
        #expect(
            patch["parameters"]?.elements.compactMap { $0["name"]?.string } == [
                "dryRun", "fieldManager", "fieldValidation", "force",
            ])
        #expect(patch["operationId"] == "patchAppsV1NamespacedDeployment" && patch["tags"] == ["apps_v1"])
        #expect(paths["/apis/apps/v1/deployments"]?["get"]?["operationId"] == "listAppsV1DeploymentForAllNamespaces")
        let scale = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]?["put"]
        #expect(scale?["x-kubernetes-group-version-kind"]?["group"] == "autoscaling")
        let core = try #require(try document("v1")["paths"])
        let exec = core["/api/v1/namespaces/{namespace}/pods/{name}/exec"]?["post"]
        #expect(
            exec?["x-kubernetes-action"] == "connect"
                && exec?["parameters"]?.elements.contains { $0["name"] == "container" } == true)
        #expect(core["/api/v1/nodes/{name}"]?["parameters"]?.elements.compactMap { $0["name"]?.string } == ["name", "pretty"])
    }

    @Test func `added resources are documented`() throws {
        let declaration = ResourceDeclaration(
            types:
                "@sampan/v1alpha1 dev.sampan.v1alpha1 v1alpha1\n+Boat\n^ 0 meta/v1.TypeMeta\nmetadata 1 meta/v1.ObjectMeta oO\nmast 2 s o",
            resources: "group sampan.dev\nversion v1alpha1 served sampan/v1alpha1\nboats Boat boat cluster * - - - -",
            documentation: "@sampan/v1alpha1\n+Boat A boat.\nmast What carries the sail.")
        let platform = try schema.adding(declaration)
        let document = try JSON(parsing: #require(platform.openAPI(GroupVersion(apiVersion: "sampan.dev/v1alpha1"))).bytes)
        let boat = try #require(document["components"]?["schemas"]?["dev.sampan.v1alpha1.Boat"])
        #expect(boat["description"] == "A boat." && boat["properties"]?["mast"]?["description"] == "What carries the sail.")
        #expect(boat["x-kubernetes-group-version-kind"]?[0]?["group"] == "sampan.dev")
    }
}
