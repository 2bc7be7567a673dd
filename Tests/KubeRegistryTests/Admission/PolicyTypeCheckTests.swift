import KubeObject
import KubeSchema
import Testing

@testable import KubeRegistry

@Suite struct PolicyTypeCheckTests {
    private static func warnings(_ spec: String) throws -> [String: String] {
        let policy: JSON = ["spec": try parse(spec)]
        let warnings = PolicyTypeCheck.warnings(of: policy, in: .builtin)
        return Dictionary(uniqueKeysWithValues: warnings.map { ($0.text("fieldRef"), $0.text("warning")) })
    }

    private static let deployments = """
        matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: ["*"], resources: [deployments]}]}
        """

    @Test(arguments: [
        "object.spec.replicas <= 5", "object.metadata.labels['a'] == 'b'",
        "oldObject.spec.template.spec.containers.all(c, c.image != '')",
        "has(object.spec.paused) && object.spec.paused",
        "request.operation == 'CREATE' && request.userInfo.groups.exists(g, g == 'x')",
        "namespaceObject.metadata.labels['env'] == 'prod'", "object.metadata.__namespace__ == request.__namespace__",
        "authorizer.group('apps').resource('deployments').check('get').allowed()",
        "authorizer.requestResource.check('get').allowed()",
        "object.spec.template.spec.containers[0].resources.limits['cpu'] != null",
        "object.metadata.creationTimestamp < timestamp('2026-01-01T00:00:00Z')", "variables.many && object.spec.replicas > 1",
    ])
    func `what agrees isn't told of`(_ expression: String) throws {
        let spec =
            "\(Self.deployments)\nvariables: [{name: many, expression: 'object.spec.replicas > 3'}]\nvalidations: [{expression: \(JSON.string(expression).text)}]"
        #expect(try Self.warnings(spec) == [:])
    }

    @Test func `what doesn't agree is told in upstream's words`() throws {
        let spec = """
            \(Self.deployments)
            validations:
            - {expression: "object.spec.replicas > 1"}
            - {expression: "object.replicas > 1"}
            - {expression: "object.spec.replicas > 'x'", messageExpression: "object.spec.nothing"}
            """
        #expect(
            try Self.warnings(spec) == [
                "spec.validations[1].expression":
                    "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
                "spec.validations[2].expression":
                    "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > 'x'\n | .....................^\n",
                "spec.validations[2].messageExpression":
                    "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'nothing'\n | object.spec.nothing\n | ...........^\n",
            ])
    }

    @Test func `every kind that a rule names is looked at`() throws {
        let spec = """
            matchConstraints: {resourceRules: [{apiGroups: [apps, ""], apiVersions: [v1], operations: ["*"], resources: [deployments, pods, pods/exec]}]}
            validations: [{expression: object.spec.replicas > 1}]
            """
        #expect(
            try Self.warnings(spec) == [
                "spec.validations[0].expression":
                    "/v1, Kind=Pod: ERROR: <input>:1:12: undefined field 'replicas'\n | object.spec.replicas > 1\n | ...........^\n"
            ])
    }

    @Test(arguments: [
        #"{apiGroups: ["*"], apiVersions: [v1], resources: [pods]}"#,
        #"{apiGroups: [""], apiVersions: ["*"], resources: [pods]}"#,
        #"{apiGroups: [""], apiVersions: [v1], resources: ["*"]}"#,
        "{apiGroups: [example.com], apiVersions: [v1], resources: [widgets]}",
    ])
    func `what names any kind, or an unknown one, isn't checked`(_ rule: String) throws {
        let spec = "matchConstraints: {resourceRules: [\(rule)]}\nvalidations: [{expression: object.nothing}]"
        #expect(try Self.warnings(spec) == [:])
    }

    @Test func `parameters and variables have types too`() throws {
        let spec = """
            paramKind: {apiVersion: v1, kind: ConfigMap}
            \(Self.deployments)
            variables: [{name: limit, expression: "int(params.data['limit'])"}, {name: wrong, expression: "params.limit"}]
            validations: [{expression: "object.spec.replicas < variables.limit"}, {expression: "params.limit == 'x'"}, {expression: "variables.limit == 'x'"}]
            """
        let warnings = try Self.warnings(spec)
        #expect(warnings.keys.sorted() == ["spec.validations[1].expression", "spec.validations[2].expression"])
        #expect(warnings["spec.validations[1].expression"]?.contains("undefined field 'limit'") == true)
        #expect(
            warnings["spec.validations[2].expression"]?.contains(
                "found no matching overload for '_==_' applied to '(int, string)'") == true)
    }

    @Test func `no more than ten kinds are looked at`() throws {
        let spec = """
            resourceRules:
            - apiGroups: [""]
              apiVersions: [v1]
              resources: [bindings, configmaps, endpoints, events, limitranges, namespaces, nodes, persistentvolumeclaims, persistentvolumes, pods, podtemplates, secrets, services]
            """
        #expect(PolicyTypeCheck.kinds(["matchConstraints": try parse(spec)], .builtin).count == PolicyTypeCheck.maximumKinds)
    }
}
