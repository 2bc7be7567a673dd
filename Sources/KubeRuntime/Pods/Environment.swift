internal import Foundation
import KubeObject

/// The environment of a container: service links, `envFrom`, `env`, with `$(NAME)` expanded, in kubelet's order of precedence.
struct Environment {
    let pod: Pod
    let container: ContainerSpec
    let objects: any ObjectSource
    let fields: DownwardFields

    /// Names and values, in the order in which they were first defined.
    func build() throws(ContainerFailure) -> [(name: String, value: String)] {
        var order: [String] = []
        var values: [String: String] = [:]
        func set(_ name: String, _ value: String) {
            if values.updateValue(value, forKey: name) == nil { order.append(name) }
        }
        for source in container.tree["envFrom"]?.elements ?? [] {
            let prefix = source["prefix"]?.string ?? ""
            for (key, value) in try imported(source) { set(prefix + key, value) }
        }
        let links = ServiceLinks.variables(pod: pod, objects: objects)
        let linkValues = Dictionary(links, uniquingKeysWith: { _, last in last })
        for variable in container.tree["env"]?.elements ?? [] {
            let name = variable["name"]?.string ?? ""
            if let source = variable["valueFrom"], source.object != nil {
                if let value = try referenced(source) { set(name, value) }
            } else {
                set(name, Expansion.expand(variable["value"]?.string ?? "") { values[$0] ?? linkValues[$0] })
            }
        }
        for (name, value) in links where values[name] == nil { set(name, value) }
        return order.map { ($0, values[$0] ?? "") }
    }

    private func imported(_ source: JSON) throws(ContainerFailure) -> [(String, String)] {
        if let reference = source["configMapRef"] {
            let name = reference["name"]?.string ?? ""
            guard let map = objects.configMap(namespace: pod.namespace, name: name) else {
                if reference["optional"]?.bool == true { return [] }
                throw .config("configmap \"\(name)\" not found")
            }
            return (map["data"]?.object).map { $0.map { ($0.key, $0.value.string ?? "") } } ?? []
        }
        guard let reference = source["secretRef"] else { return [] }
        let name = reference["name"]?.string ?? ""
        guard let secret = objects.secret(namespace: pod.namespace, name: name) else {
            if reference["optional"]?.bool == true { return [] }
            throw .config("secret \"\(name)\" not found")
        }
        return (secret["data"]?.object).map { $0.map { ($0.key, decoded($0.value)) } } ?? []
    }

    /// Nil for an optional reference to what isn't there.
    private func referenced(_ source: JSON) throws(ContainerFailure) -> String? {
        if let reference = source["configMapKeyRef"] {
            let name = reference["name"]?.string ?? ""
            let key = reference["key"]?.string ?? ""
            let isOptional = reference["optional"]?.bool ?? false
            guard let map = objects.configMap(namespace: pod.namespace, name: name) else {
                if isOptional { return nil }
                throw .config("configmap \"\(name)\" not found")
            }
            if let value = map[path: "data", key]?.string { return value }
            if isOptional { return nil }
            throw .config("couldn't find key \(key) in ConfigMap \(pod.namespace)/\(name)")
        }
        if let reference = source["secretKeyRef"] {
            let name = reference["name"]?.string ?? ""
            let key = reference["key"]?.string ?? ""
            let isOptional = reference["optional"]?.bool ?? false
            guard let secret = objects.secret(namespace: pod.namespace, name: name) else {
                if isOptional { return nil }
                throw .config("secret \"\(name)\" not found")
            }
            if let value = secret[path: "data", key] { return decoded(value) }
            if isOptional { return nil }
            throw .config("couldn't find key \(key) in Secret \(pod.namespace)/\(name)")
        }
        if let reference = source["fieldRef"] { return try fields.field(reference["fieldPath"]?.string ?? "") }
        if let reference = source["resourceFieldRef"] { return try fields.resource(reference, of: container.name) }
        throw .config("the source of an environment variable is not supported")
    }

    private func decoded(_ value: JSON) -> String {
        guard let data = Data(base64Encoded: value.string ?? "") else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}

/// `$(NAME)` in commands, arguments and variables.
enum Expansion {
    /// `$$` is a dollar sign; a name that `value` doesn't know stays as it is written.
    static func expand(_ text: String, _ value: (String) -> String?) -> String {
        guard text.contains("$") else { return text }
        var out = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            out += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                out += "$"
                rest = rest.dropFirst()
            } else if rest.first == "(", let close = rest.firstIndex(of: ")") {
                let name = String(rest[rest.index(after: rest.startIndex)..<close])
                out += value(name) ?? "$(\(name))"
                rest = rest[rest.index(after: close)...]
            } else {
                out += "$"
            }
        }
        return out + rest
    }
}

/// The variables by which a container finds services (`enableServiceLinks`), as Docker links once were.
enum ServiceLinks {
    static func variables(pod: Pod, objects: any ObjectSource) -> [(String, String)] {
        let hasLinks = pod.spec["enableServiceLinks"]?.bool ?? true
        var services = hasLinks ? objects.services(namespace: pod.namespace) : []
        if !services.contains(where: isMaster) {
            services += objects.services(namespace: "default").filter(isMaster)
        }
        return services.flatMap(variables)
    }

    private static func isMaster(_ service: JSON) -> Bool {
        service[path: "metadata", "name"]?.string == "kubernetes" && service[path: "metadata", "namespace"]?.string == "default"
    }

    static func variables(_ service: JSON) -> [(String, String)] {
        let ip = service[path: "spec", "clusterIP"]?.string ?? ""
        guard !ip.isEmpty, ip != "None", let name = service[path: "metadata", "name"]?.string else { return [] }
        let prefix = upper(name)
        let ports = service[path: "spec", "ports"]?.elements ?? []
        guard let first = ports.first else { return [] }
        var result = [("\(prefix)_SERVICE_HOST", ip), ("\(prefix)_SERVICE_PORT", "\(first["port"]?.int ?? 0)")]
        for port in ports {
            if let portName = port["name"]?.string, !portName.isEmpty {
                result.append(("\(prefix)_SERVICE_PORT_\(upper(portName))", "\(port["port"]?.int ?? 0)"))
            }
        }
        for (index, port) in ports.enumerated() {
            let number = port["port"]?.int ?? 0
            let proto = port["protocol"]?.string ?? "TCP"
            let url = "\(proto.lowercased())://\(ip):\(number)"
            if index == 0 { result.append(("\(prefix)_PORT", url)) }
            let portPrefix = "\(prefix)_PORT_\(number)_\(proto.uppercased())"
            result += [
                (portPrefix, url), ("\(portPrefix)_PROTO", proto.lowercased()), ("\(portPrefix)_PORT", "\(number)"),
                ("\(portPrefix)_ADDR", ip),
            ]
        }
        return result
    }

    private static func upper(_ name: String) -> String { String(name.uppercased().map { $0 == "-" ? "_" : $0 }) }
}
