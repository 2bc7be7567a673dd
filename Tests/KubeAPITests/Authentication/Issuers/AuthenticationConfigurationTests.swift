import KubeObject
import Testing

@testable import KubeAPI

@Suite struct AuthenticationConfigurationTests {
    private static let issuer: JSON = ["url": "https://i.example.com", "audiences": ["a"]]
    private static let mappings: JSON = ["username": ["claim": "sub", "prefix": ""]]

    private static func errors(_ issuer: JSON? = nil, _ mappings: JSON? = nil, _ more: JSON = [:]) -> [String] {
        var entry: JSON = ["issuer": issuer ?? self.issuer, "claimMappings": mappings ?? self.mappings]
        for (key, value) in more.object ?? [:] { entry[key] = value }
        return AuthenticationConfiguration.errors(in: ["jwt": [entry]], path: "").map(\.description)
    }

    @Test(
        arguments: [
            (["url": "https://i.example.com:8443/realms/x", "audiences": ["a"]], []),
            (["audiences": ["a"]], ["jwt[0].issuer.url: Required value"]),
            (
                ["url": "http://i.example.com", "audiences": ["a"]],
                [#"jwt[0].issuer.url: Invalid value: "http://i.example.com": URL scheme must be https"#]
            ),
            (
                ["url": "https://u:p@i.example.com?q#f", "audiences": ["a"]],
                ["must not contain a username or password", "must not contain a query", "must not contain a fragment"].map {
                    #"jwt[0].issuer.url: Invalid value: "https://u:p@i.example.com?q#f": URL \#($0)"#
                }
            ),
            (
                ["url": "https://kubernetes.default.svc.cluster.local", "audiences": ["a"]],
                [
                    #"jwt[0].issuer.url: Invalid value: "https://kubernetes.default.svc.cluster.local": URL must not overlap with disallowed issuers: [https://kubernetes.default.svc.cluster.local kubernetes/serviceaccount]"#
                ]
            ),
            (
                ["url": "https://i", "discoveryURL": "https://i/", "audiences": ["a"]],
                [#"jwt[0].issuer.discoveryURL: Invalid value: "https://i/": discoveryURL must be different from URL"#]
            ),
            (
                ["url": "https://i"],
                ["jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required"]
            ),
            (
                ["url": "https://i", "audiences": ["a", "a"], "audienceMatchPolicy": "MatchAny"],
                [#"jwt[0].issuer.audiences[1]: Duplicate value: "a""#]
            ),
            (
                ["url": "https://i", "audiences": ["a", "b"]],
                [
                    #"jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences"#
                ]
            ),
            (
                ["url": "https://i", "audiences": ["a"], "certificateAuthority": "x"],
                [
                    #"jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates"#
                ]
            ),
            (
                ["url": "https://i", "audiences": ["a"], "egressSelectorType": "etcd"],
                [
                    #"jwt[0].issuer.egressSelectorType: Invalid value: "etcd": egress selector must be either controlplane or cluster"#
                ]
            ),
        ] as [(JSON, [String])])
    func issuers(_ issuer: JSON, _ expected: [String]) { #expect(Self.errors(issuer) == expected) }

    @Test(
        arguments: [
            ([:], ["jwt[0].claimMappings.username: Required value: claim or expression is required"]),
            (
                ["username": ["claim": "sub"]],
                [
                    "jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing"
                ]
            ),
            (
                ["username": ["claim": "a", "expression": "b"]],
                [#"jwt[0].claimMappings.username: Invalid value: "": claim and expression can't both be set"#]
            ),
            (
                ["username": ["expression": "claims.sub", "prefix": "x"]],
                [
                    #"jwt[0].claimMappings.username.prefix: Invalid value: "x": may not be specified when expression is set"#
                ]
            ),
            (["username": ["expression": "claims.email"]], ["email_verified"]),
            (["username": ["expression": "claims.email_verified ? claims.email : claims.sub"]], []),
            (["username": ["expression": "claims.?email.orValue('')"]], ["email_verified"]),
            (
                ["username": ["expression": "nothing"]],
                ["compilation failed: ERROR: <input>:1:1: undeclared reference to 'nothing'"]
            ),
            (
                ["username": ["claim": "a", "prefix": ""], "extra": [["key": "Foo", "valueExpression": "''"]]],
                [
                    #"jwt[0].claimMappings.extra[0].key: Invalid value: "Foo": must be a domain-prefixed path (such as "acme.io/foo")"#
                ]
            ),
            (
                ["username": ["claim": "a", "prefix": ""], "extra": [["key": "x.kubernetes.io/y", "valueExpression": "''"]]],
                ["k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"]
            ),
        ] as [(JSON, [String])])
    func mappings(_ mappings: JSON, _ expected: [String]) {
        let errors = Self.errors(nil, mappings)
        #expect(errors.count == expected.count, "\(errors)")
        for (error, part) in zip(errors, expected) { #expect(error.contains(part)) }
    }

    @Test func rules() {
        #expect(
            Self.errors(
                nil, nil,
                [
                    "claimValidationRules": [
                        [:], ["claim": "a", "expression": "true"], ["claim": "a", "message": "m"], ["expression": "'x'"],
                        ["expression": "true", "requiredValue": "v"], ["expression": "true"],
                    ],
                    "userValidationRules": [[:], ["expression": "user.nothing"], ["expression": "user.groups.size() == 0"]],
                ]
            ).map { String($0.prefix(110)) }
                == [
                    "jwt[0].claimValidationRules[0]: Required value: claim or expression is required",
                    #"jwt[0].claimValidationRules[1]: Invalid value: "a": claim and expression can't both be set"#,
                    #"jwt[0].claimValidationRules[2].message: Invalid value: "m": may not be specified when claim is set"#,
                    #"jwt[0].claimValidationRules[3].expression: Invalid value: "'x'": must evaluate to bool"#,
                    #"jwt[0].claimValidationRules[4].requiredValue: Invalid value: "v": may not be specified when expression is set"#,
                    #"jwt[0].claimValidationRules[5].expression: Duplicate value: "true""#,
                    "jwt[0].userValidationRules[0].expression: Required value",
                    #"jwt[0].userValidationRules[1].expression: Invalid value: "user.nothing": compilation failed: ERROR: <input>:1:"#,
                ].map { String($0.prefix(110)) })
    }

    @Test func issuersAreNamedOnceAndThereAreNotTooMany() {
        let entry: JSON = ["issuer": Self.issuer, "claimMappings": Self.mappings]
        #expect(
            AuthenticationConfiguration.errors(in: ["jwt": [entry, entry]], path: "spec.").map(\.description) == [
                #"spec.jwt[1].issuer.url: Duplicate value: "https://i.example.com""#
            ])
        #expect(
            AuthenticationConfiguration.errors(in: ["jwt": .array(Array(repeating: entry, count: 65))], path: "").map(\.type)
                == [.tooMany])
        let long: JSON = ["jwt": [["issuer": ["url": .string(String(repeating: "a", count: 300_000))]]]]
        #expect(AuthenticationConfiguration.errors(in: long, path: "spec.authentication.").map(\.path) == ["spec.authentication"])
    }

    @Test func filesSayWhatTheyAreAndNothingUnknown() {
        let version: JSON = "apiserver.config.k8s.io/v1"
        let kind: JSON = "AuthenticationConfiguration"
        let entry: JSON = ["issuer": Self.issuer, "claimMappings": Self.mappings]
        func errors(_ tree: JSON) -> [String] { AuthenticationConfiguration.errors(inFile: tree).map(\.description) }
        #expect(errors(["apiVersion": version, "kind": kind, "jwt": [entry]]) == [])
        #expect(errors(["apiVersion": version, "kind": kind]) == [])
        #expect(errors(["kind": kind]).first?.hasPrefix("apiVersion: Unsupported value") == true)
        #expect(errors(["apiVersion": version, "kind": "Policy"]).first?.hasPrefix("kind: Unsupported value") == true)
        var mistyped = entry
        mistyped[path: "claimMappings", "username", "prefx"] = ""
        #expect(
            errors(["apiVersion": version, "kind": kind, "jwt": [mistyped], "jwks": []]) == [
                "jwks: Forbidden: unknown field", "jwt[0].claimMappings.username.prefx: Forbidden: unknown field",
            ])
        #expect(
            errors(["apiVersion": version, "kind": kind, "anonymous": ["enabled": false, "conditions": [["path": "/livez"]]]])
                .first?.contains("enabled should be set to true when conditions are defined") == true)
    }
}
