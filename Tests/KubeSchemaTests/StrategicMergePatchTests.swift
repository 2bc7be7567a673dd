import KubeObject
import Testing

@testable import KubeSchema

@Suite("Strategic merge patch")
struct StrategicMergePatchTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        /// Of the pod spec.
        var tree: String
        var patch: String
        var result: String
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "a scalar", tree: #"{"nodeName":"a"}"#, patch: #"{"nodeName":"b"}"#, result: #"{"nodeName":"b"}"#),
        Case(
            name: "null removes", tree: #"{"nodeName":"a","hostname":"h"}"#, patch: #"{"nodeName":null,"subdomain":null}"#,
            result: #"{"hostname":"h"}"#),
        Case(
            name: "objects are merged", tree: #"{"nodeSelector":{"a":"1","b":"2"}}"#,
            patch: #"{"nodeSelector":{"a":null,"c":"3"}}"#, result: #"{"nodeSelector":{"b":"2","c":"3"}}"#),
        Case(
            name: "a list without a merge strategy is replaced", tree: #"{"tolerations":[{"key":"a"}]}"#,
            patch: #"{"tolerations":[{"key":"b"}]}"#, result: #"{"tolerations":[{"key":"b"}]}"#),
        Case(
            name: "elements are found by the merge key",
            tree: #"{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}"#,
            patch: #"{"containers":[{"name":"b","image":"2"}]}"#,
            result: #"{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}"#),
        Case(
            name: "new elements come after", tree: #"{"containers":[{"name":"a"}]}"#, patch: #"{"containers":[{"name":"c"}]}"#,
            result: #"{"containers":[{"name":"c"},{"name":"a"}]}"#),
        Case(
            name: "an element is deleted", tree: #"{"containers":[{"name":"a"},{"name":"b"}]}"#,
            patch: #"{"containers":[{"name":"a","$patch":"delete"}]}"#, result: #"{"containers":[{"name":"b"}]}"#),
        Case(
            name: "a list is replaced", tree: #"{"containers":[{"name":"a"},{"name":"b"}]}"#,
            patch: #"{"containers":[{"name":"c"},{"$patch":"replace"}]}"#, result: #"{"containers":[{"name":"c"}]}"#),
        Case(
            name: "an object is replaced", tree: #"{"securityContext":{"runAsUser":1,"fsGroup":2}}"#,
            patch: #"{"securityContext":{"$patch":"replace","runAsUser":3}}"#, result: #"{"securityContext":{"runAsUser":3}}"#),
        Case(
            name: "an object is emptied", tree: #"{"securityContext":{"runAsUser":1}}"#,
            patch: #"{"securityContext":{"$patch":"delete"}}"#, result: #"{"securityContext":{}}"#),
        Case(
            name: "retainKeys removes the others", tree: #"{"volumes":[{"name":"v","emptyDir":{}}]}"#,
            patch: #"{"volumes":[{"name":"v","hostPath":{"path":"/"},"$retainKeys":["name","hostPath"]}]}"#,
            result: #"{"volumes":[{"name":"v","hostPath":{"path":"/"}}]}"#),
        Case(
            name: "the order of both is kept", tree: #"{"containers":[{"name":"a"},{"name":"s"},{"name":"b"}]}"#,
            patch: #"{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"a","image":"x"}]}"#,
            result: #"{"containers":[{"name":"s"},{"name":"b"},{"name":"a","image":"x"}]}"#),
        Case(
            name: "the order alone", tree: #"{"containers":[{"name":"a"},{"name":"b"}]}"#,
            patch: #"{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}"#,
            result: #"{"containers":[{"name":"b"},{"name":"a"}]}"#),
        Case(
            name: "a new list with its order", tree: #"{}"#,
            patch: #"{"$setElementOrder/containers":[{"name":"b"}],"containers":[{"name":"b"},{"name":"x","$patch":"delete"}]}"#,
            result: #"{"containers":[{"name":"b"}]}"#),
        Case(
            name: "directives and nulls don't stay in what is new", tree: #"{}"#,
            patch: #"{"securityContext":{"runAsUser":1,"fsGroup":null,"seLinuxOptions":{"$patch":"delete"}}}"#,
            result: #"{"securityContext":{"runAsUser":1}}"#),
        Case(
            name: "lists below lists",
            tree: #"{"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"1"}]}]}"#,
            patch: #"{"containers":[{"name":"a","env":[{"name":"Y","value":"2"}]}]}"#,
            result: #"{"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]}]}"#),
    ]

    @Test(arguments: cases) func applies(_ example: Case) throws {
        let type = try #require(Schema.builtin.type(named: "io.k8s.api.core.v1.PodSpec"))
        let result = try StrategicMergePatch.apply(json(example.patch), to: json(example.tree), type: type)
        #expect(result.text == json(example.result).text)
    }

    static let metadata: [Case] = [
        Case(
            name: "primitive lists are united", tree: #"{"finalizers":["a"]}"#, patch: #"{"finalizers":["b","a"]}"#,
            result: #"{"finalizers":["b","a"]}"#),
        Case(
            name: "primitive elements are deleted", tree: #"{"finalizers":["a","b","c"]}"#,
            patch: #"{"$deleteFromPrimitiveList/finalizers":["b"]}"#, result: #"{"finalizers":["a","c"]}"#),
        Case(
            name: "deletion, addition and order", tree: #"{"finalizers":["a","b","s"]}"#,
            patch:
                ##"{"$setElementOrder/finalizers":["n","a"],"$deleteFromPrimitiveList/finalizers":["b"],"finalizers":["n"]}"##,
            result: #"{"finalizers":["n","a","s"]}"#),
        Case(
            name: "owners by uid", tree: #"{"ownerReferences":[{"uid":"1","name":"a"}]}"#,
            patch: #"{"ownerReferences":[{"uid":"1","name":"b"}]}"#, result: #"{"ownerReferences":[{"uid":"1","name":"b"}]}"#),
    ]

    @Test(arguments: metadata) func `applies to metadata`(_ example: Case) throws {
        let type = try #require(Schema.builtin.type(named: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"))
        let result = try StrategicMergePatch.apply(json(example.patch), to: json(example.tree), type: type)
        #expect(result.text == json(example.result).text)
    }

    static let failures: [(tree: String, patch: String, code: Int, message: String)] = [
        (
            #"{"containers":[{"name":"a"}]}"#, #"{"containers":[{"image":"x"}]}"#, 500,
            "map: map[image:x] does not contain declared merge key: name"
        ),
        (#"{}"#, #"{"$patch":"append"}"#, 500, "unknown patch type: append in map: map[$patch:append]"),
        (
            #"{"volumes":[{"name":"v"}]}"#, #"{"volumes":[{"name":"v","$retainKeys":["name"],"emptyDir":{}}]}"#, 400,
            "invalid patch format of retainKeys"
        ),
        (
            #"{"containers":[{"name":"a"}]}"#, #"{"$setElementOrder/containers":"x"}"#, 500,
            "expected a []interface {}, but received a string"
        ),
    ]

    @Test(arguments: failures) func `a bad patch is told as upstream tells it`(
        _ example: (tree: String, patch: String, code: Int, message: String)
    ) throws {
        let type = try #require(Schema.builtin.type(named: "io.k8s.api.core.v1.PodSpec"))
        let error = #expect(throws: StatusError.self) {
            try StrategicMergePatch.apply(json(example.patch), to: json(example.tree), type: type)
        }
        #expect(error?.code == example.code && error?.message == example.message)
    }
}
