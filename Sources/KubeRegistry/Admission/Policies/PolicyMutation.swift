import KubeObject
import KubeSchema

/// What a mutating policy makes of an object. Free of I/O.
enum PolicyMutation {
    /// Why there is no outcome, in upstream's words.
    struct Failure: Error {
        var text: String
    }

    /// - Parameters:
    ///   - object: in the version that the policy matched.
    ///   - type: of that version.
    static func apply(
        _ mutation: AdmissionPolicy.Mutation, to object: JSON, _ variables: AdmissionVariables, type: TypeSchema?,
        _ budget: inout AdmissionBudget
    ) throws(Failure) -> JSON {
        let value: CELValue
        do {
            value = try mutation.expression.evaluate(variables, &budget).get()
        } catch let error as AdmissionBudget.Exhausted {
            throw Failure(text: error.message)
        } catch {
            throw Failure(text: "\(error)")
        }
        return mutation.isPatch ? try patched(object, value) : try merged(object, value, type)
    }

    private static func merged(_ object: JSON, _ value: CELValue, _ type: TypeSchema?) throws(Failure) -> JSON {
        guard case .opaque(let opaque) = value, let wanted = opaque as? CELConstructed, wanted.typeName == "Object" else {
            throw Failure(text: "unsupported return type from ApplyConfiguration expression: must be Object")
        }
        try checkTypes(wanted)
        guard var tree = wanted.jsonValue else { throw Failure(text: "invalid return type: a field has no JSON form") }
        tree["apiVersion"] = object["apiVersion"]
        tree["kind"] = object["kind"]
        do throws(ApplyConfiguration.Failure) {
            return try ApplyConfiguration.merge(tree, into: object, type: type)
        } catch {
            throw Failure(text: "error applying patch: \(error)")
        }
    }

    private static func patched(_ object: JSON, _ value: CELValue) throws(Failure) -> JSON {
        guard case .list(let elements) = value else {
            throw Failure(text: "type mismatch: JSONPatchType.expression should evaluate to array")
        }
        var operations: [JSON] = []
        for element in elements {
            guard case .opaque(let opaque) = element, let operation = opaque as? CELConstructed, operation.typeName == "JSONPatch"
            else { throw Failure(text: "type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch") }
            for (_, field) in operation.fields {
                if case .opaque(let inner) = field, let object = inner as? CELConstructed { try checkTypes(object) }
            }
            guard let tree = operation.jsonValue else {
                throw Failure(text: "JSONPath valueExpression evaluated to a type that could not marshal to JSON")
            }
            operations.append(tree)
        }
        // A test that fails means that nothing is to be done.
        guard testsHold(operations, object) else { return object }
        do throws(StatusError) {
            return try JSONPatch.apply(.array(operations), to: object)
        } catch {
            throw Failure(text: "JSONPath: \(error.message)")
        }
    }

    /// Whether the tests of a patch hold where they stand: after what comes before them.
    private static func testsHold(_ operations: [JSON], _ object: JSON) -> Bool {
        for (index, operation) in operations.enumerated() where operation.text("op") == "test" {
            let before = JSON.array(operations[..<index].filter { $0.text("op") != "test" })
            guard let tree = Result(catching: { () throws(StatusError) in try JSONPatch.apply(before, to: object) }).value else {
                return true
            }
            if Result(catching: { () throws(StatusError) in try JSONPatch.apply([operation], to: tree) }).value == nil {
                return false
            }
        }
        return true
    }

    private static func checkTypes(_ object: CELConstructed) throws(Failure) {
        do throws(CELError) { try object.checkTypeNames() } catch { throw Failure(text: "type mismatch: \(error)") }
    }
}
