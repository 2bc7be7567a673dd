import HTTPTypes
import KubeObject
import KubeSchema

extension APIServer {
    /// `/openapi/v3` and the documents that it names.
    func openAPI(_ parts: [String], _ request: APIRequest) throws(StatusError) -> APIResponse {
        throw .unknownPath()
    }
}
