import KubeObject
import KubeSchema

/// The questions to a conversion webhook, and what of its answers is good.
/// Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion
struct ConversionReview {
    /// Why an answer is no good, without the beginning that all such messages have.
    struct Failure: Error {
        var text: String
    }

    private static let group = "apiextensions.k8s.io"

    let uid: String
    let desiredAPIVersion: String
    /// `v1` or `v1beta1`.
    let version: String

    /// - Parameter supported: what the definition says that the webhook understands, most wanted first.
    init(desiredAPIVersion: String, supported: [String], uid: String) throws(Failure) {
        guard let version = supported.first(where: { $0 == "v1" || $0 == "v1beta1" }) else {
            throw Failure(text: "no supported conversion review versions")
        }
        self.version = version
        self.desiredAPIVersion = desiredAPIVersion
        self.uid = uid
    }

    func request(_ objects: [JSON]) -> JSON {
        [
            "kind": "ConversionReview", "apiVersion": .string("\(Self.group)/\(version)"),
            "request": [
                "uid": .string(uid), "desiredAPIVersion": .string(desiredAPIVersion), "objects": .array(objects),
            ],
        ]
    }

    /// The converted objects, with the metadata that a webhook may not change as it was.
    ///
    /// - Parameter what: how errors name what was asked for: `conversion webhook for GROUP/VERSION, Kind=KIND`.
    func converted(_ answer: JSON, from objects: [JSON], what: String) throws(Failure) -> [JSON] {
        let list: [JSON]
        do throws(Failure) { list = try outcome(of: answer) } catch { throw Failure(text: "\(what) failed: \(error.text)") }
        guard list.count == objects.count else {
            throw Failure(text: "\(what) returned \(list.count) objects, expected \(objects.count)")
        }
        var result: [JSON] = []
        for (index, (new, old)) in zip(list, objects).enumerated() {
            let invalid = "\(what) returned invalid object at index \(index): "
            let version = new.text("apiVersion")
            if version != desiredAPIVersion {
                throw Failure(text: "\(invalid)invalid groupVersion (expected \(desiredAPIVersion), received \(version))")
            }
            if new.text("kind") != old.text("kind") {
                throw Failure(text: "\(invalid)invalid kind (expected \(old.text("kind")), received \(new.text("kind")))")
            }
            for (key, name) in [("name", "name"), ("namespace", "namespace"), ("uid", "UID")] {
                let before = old["metadata"]?.text(key) ?? ""
                let after = new["metadata"]?.text(key) ?? ""
                if before != after {
                    throw Failure(text: "\(what) returned invalid object: must have the same \(name): \(before) != \(after)")
                }
            }
            do throws(Failure) {
                result.append(try Self.restored(new, old))
            } catch {
                throw Failure(text: "\(what) returned invalid metadata: \(error.text)")
            }
        }
        return result
    }

    private func outcome(of answer: JSON) throws(Failure) -> [JSON] {
        if version == "v1" {
            let kind = GroupVersion(apiVersion: answer.text("apiVersion"))
            if kind != GroupVersion(group: Self.group, version: "v1") || answer.text("kind") != "ConversionReview" {
                throw Failure(
                    text:
                        "expected webhook response of \(Self.group)/v1, Kind=ConversionReview, got \(answer.text("apiVersion")), Kind=\(answer.text("kind"))"
                )
            }
        }
        guard let response = answer["response"], response.object != nil else { throw Failure(text: "no response provided") }
        if version == "v1", response.text("uid") != uid {
            throw Failure(text: "expected response.uid=\(quoted(uid)), got \(quoted(response.text("uid")))")
        }
        let status = response["result"]?.text("status") ?? ""
        guard status == "Success" else {
            let message = response["result"]?.text("message") ?? ""
            throw Failure(text: message.isEmpty ? "response.result.status was '\(status)', not 'Success'" : message)
        }
        return response["convertedObjects"]?.elements ?? []
    }

    /// Labels and annotations may change; all other metadata is as it was.
    private static func restored(_ new: JSON, _ old: JSON) throws(Failure) -> JSON {
        guard let given = new["metadata"] else { throw Failure(text: "missing metadata in converted object") }
        guard given.object != nil else { throw Failure(text: "invalid metadata of type \(given.typeName) in converted object") }
        var metadata = old["metadata"] ?? [:]
        for key in ["labels", "annotations"] {
            guard let value = given[key], !value.isNull else {
                metadata[key] = nil
                continue
            }
            guard let members = value.object else {
                throw Failure(text: "invalid metadata.\(key) of type \(value.typeName) in converted object")
            }
            for (name, member) in members where member.string == nil {
                throw Failure(
                    text: "metadata.\(key)[\(name)] must be a string, but is \(member.typeName) in converted object")
            }
            if value != metadata[key] {
                var errors = FieldErrors()
                if key == "labels" {
                    ObjectMetaValidation.validateLabels(value, "metadata.labels", &errors)
                } else {
                    ObjectMetaValidation.validateAnnotations(value, "metadata.annotation", &errors)
                }
                let texts = errors.list.map(\.description)
                if !texts.isEmpty {
                    throw Failure(text: texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]")
                }
            }
            metadata[key] = value
        }
        var result = new
        result["metadata"] = metadata
        return result
    }
}
