import KubeObject
import KubeSchema

/// What is wrong with the `spec.network` of a team or a virtual cluster.
enum NetworkSpec {
    static let maximumEntries = 64
    static let maximumPorts = 32
    static let maximumNames = 64
    /// Of one direction. With the ports' three protocols it stays below what the kernel is given for one list.
    static let maximumRanges = 1000

    private static let protocols = ["SCTP", "TCP", "UDP"]

    static func errors(in spec: JSON) -> [FieldError] {
        guard let network = spec["network"], !network.isNull else { return [] }
        return ["ingress", "egress"].flatMap { errors(in: network[$0], "spec.network.\($0)", takesNames: $0 == "egress") }
    }

    private static func errors(in list: JSON?, _ path: String, takesNames: Bool) -> [FieldError] {
        let entries = list?.elements ?? []
        guard entries.count <= maximumEntries else { return [.tooMany(path, entries.count, maximum: maximumEntries)] }
        let ranges = entries.reduce(0) { $0 + ($1["cidrs"]?.elements.count ?? 0) }
        guard ranges <= maximumRanges else {
            return [.invalid(path, .int(Int64(ranges)), "must have at most \(maximumRanges) cidrs in all")]
        }
        return entries.enumerated().flatMap { index, entry in errors(ofEntry: entry, "\(path)[\(index)]", takesNames: takesNames)
        }
    }

    private static func errors(ofEntry entry: JSON, _ path: String, takesNames: Bool) -> [FieldError] {
        var errors: [FieldError] = []
        let ranges = entry["cidrs"]?.elements ?? []
        let names = entry["names"]?.elements ?? []
        if ranges.isEmpty, names.isEmpty {
            errors.append(.required("\(path).cidrs", "cidrs or names are needed; 0.0.0.0/0 is everywhere, and ::/0 by IPv6"))
        }
        for (index, range) in ranges.enumerated() {
            if let problem = problem(ofRange: range.string ?? "") {
                errors.append(.invalid("\(path).cidrs[\(index)]", range, problem))
            }
        }
        if !takesNames, !names.isEmpty {
            errors.append(.forbidden("\(path).names", "who comes in is known by their address only"))
        } else if names.count > maximumNames {
            errors.append(.tooMany("\(path).names", names.count, maximum: maximumNames))
        } else {
            for (index, name) in names.enumerated() where !isName(name.string ?? "") {
                errors.append(
                    .invalid(
                        "\(path).names[\(index)]", name,
                        "must be a domain name, such as git.example.org, or *.example.org for all below it"))
            }
        }
        let ports = entry["ports"]?.elements ?? []
        if ports.count > maximumPorts { return errors + [.tooMany("\(path).ports", ports.count, maximum: maximumPorts)] }
        for (index, port) in ports.enumerated() { errors += Self.errors(ofPort: port, "\(path).ports[\(index)]") }
        return errors
    }

    private static func isName(_ text: String) -> Bool {
        LabelSyntax.isSubdomain(text.hasPrefix("*.") ? String(text.dropFirst(2)) : text)
    }

    private static func problem(ofRange text: String) -> String? {
        guard let (address, prefix) = CELIP.cidr(text) else {
            return "must be a range of IP addresses, such as 203.0.113.0/24 or 2001:db8::/48, or 203.0.113.7/32 for one"
        }
        let base = address.masked(prefix)
        return base == address ? nil : "must not have bits set after the prefix; did you mean \(base.text)/\(prefix)?"
    }

    private static func errors(ofPort port: JSON, _ path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if let name = port["protocol"]?.string, !name.isEmpty, !protocols.contains(name) {
            errors.append(.notSupported("\(path).protocol", .string(name), protocols))
        }
        let first = port["port"]?.int
        let last = port["endPort"]?.int
        for (field, number) in [("port", first), ("endPort", last)] {
            guard let number, !(1...65_535).contains(number) else { continue }
            errors.append(.invalid("\(path).\(field)", .int(number), "must be between 1 and 65535, inclusive"))
        }
        if let last {
            if let first {
                if last < first {
                    errors.append(.invalid("\(path).endPort", .int(last), "must be greater than or equal to `port`"))
                }
            } else {
                errors.append(.invalid("\(path).endPort", .int(last), "may not be specified when `port` is not specified"))
            }
        }
        return errors
    }
}
