import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema

extension APIServer {
    /// Lets admission refuse a connection to a part of an object: what upstream calls the operation CONNECT.
    func admitConnection(_ call: Call, _ resource: ResourceType) async throws(StatusError) {
        let info = call.info
        try await self.registry.admitConnection(
            Self.connectionOptions(call), resource, namespace: info.namespace, name: info.name, subresource: info.subresource,
            call.context)
    }

    /// What a connection's query says, as `PodExecOptions` and the like have it.
    private static func connectionOptions(_ call: Call) -> JSON {
        let query = call.request.query
        var options: JSON = [:]
        switch call.info.subresource {
        case "exec", "attach":
            for name in ["stdin", "stdout", "stderr", "tty"] where query.flag(name) { options[name] = true }
            if let container = query["container"], !container.isEmpty { options["container"] = .string(container) }
            let command = query.all("command")
            if call.info.subresource == "exec" { options["command"] = JSON(command) }
        case "portforward":
            let ports = query.all("ports").flatMap { $0.split(separator: ",") }.compactMap { Int64($0) }
            if !ports.isEmpty { options["ports"] = .array(ports.map { .int($0) }) }
        default:
            let path = call.info.rest.joined(separator: "/")
            if !path.isEmpty { options["path"] = .string("/\(path)") }
        }
        return options
    }
}
