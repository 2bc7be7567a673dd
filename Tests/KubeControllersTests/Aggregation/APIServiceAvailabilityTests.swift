import KubeObject
import Testing

@testable import KubeControllers

struct APIServiceAvailabilityTests {
    private static let reference: JSON = ["namespace": "system", "name": "metrics", "port": 443]
    private static let service: JSON = ["spec": ["type": "ClusterIP", "ports": [["name": "https", "port": 443]]]]

    private static func slice(ready: Bool?, port: String = "https") -> JSON {
        var conditions: JSON = [:]
        if let ready { conditions["ready"] = .bool(ready) }
        return [
            "endpoints": [["addresses": ["10.0.0.1"], "conditions": conditions]],
            "ports": [["name": .string(port), "port": 8443]],
        ]
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var service: JSON?
        var slices: [JSON] = []
        var reason: String?
        var message = ""
        var testDescription: String { reason ?? "asks" }
    }

    @Test(arguments: [
        Case(service: nil, reason: "ServiceNotFound", message: "service/metrics in \"system\" is not present"),
        Case(
            service: ["spec": ["ports": [["port": 80]]]], reason: "ServicePortError",
            message: "service/metrics in \"system\" is not listening on port 443"),
        Case(
            service: service, reason: "EndpointsNotFound",
            message: "cannot find endpointslices for service/metrics in \"system\""),
        Case(
            service: service, slices: [slice(ready: false)], reason: "MissingEndpoints",
            message: "endpointslices for service/metrics in \"system\" have no addresses with port name \"https\""),
        Case(
            service: service, slices: [slice(ready: true, port: "other")], reason: "MissingEndpoints",
            message: "endpointslices for service/metrics in \"system\" have no addresses with port name \"https\""),
        Case(service: service, slices: [slice(ready: true)]), Case(service: service, slices: [slice(ready: nil)]),
        Case(service: ["spec": ["type": "ExternalName"]]),
    ])
    func saysWhatIsMissing(_ example: Case) {
        let found = APIServiceAvailability.check(Self.reference, service: example.service, slices: example.slices)
        #expect(found?.reason == example.reason)
        #expect(found?.message ?? "" == example.message)
    }
}
