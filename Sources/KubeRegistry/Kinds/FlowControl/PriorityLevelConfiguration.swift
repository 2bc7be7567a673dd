import Foundation
import KubeObject

/// PriorityLevelConfigurations: how many requests of a level are served at once.
struct PriorityLevelConfigurationRules: KindRules {
    var countsGeneration: Bool { true }
    var allowsUnconditionalUpdate: Bool { false }

    func setDefaults(_ object: inout JSON) {
        object.edit("spec") { spec in
            if spec.text("type") == "Exempt" { spec.setDefault("exempt", [:]) }
            spec.edit("exempt") { exempt in
                exempt.setDefault("nominalConcurrencyShares", 0)
                exempt.setDefault("lendablePercent", 0)
            }
            spec.edit("limited") { limited in
                limited.setDefault("nominalConcurrencyShares", 30)
                limited.setDefault("lendablePercent", 0)
                limited.edit("limitResponse") { response in
                    response.edit("queuing") { queuing in
                        for (key, value) in [("queues", 64), ("handSize", 8), ("queueLengthLimit", 50)] as [(String, Int64)]
                        where queuing[key]?.int ?? 0 == 0 {
                            queuing[key] = .int(value)
                        }
                    }
                }
            }
        }
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        let type = spec.text("type")
        if (object["metadata"]?.text("name") == "exempt") != (type == "Exempt") {
            errors.invalid("spec.type", .string(type), "type must be 'Exempt' if and only if name is 'exempt'")
        }
        switch type {
        case "Exempt":
            if spec.present("limited") != nil { errors.forbidden("spec.limited", "must be nil if the type is not Limited") }
            if let exempt = spec.present("exempt") {
                validateShares(exempt, "spec.exempt", &errors)
                validateLendable(exempt, "spec.exempt", &errors)
            } else {
                errors.required("spec.exempt", "must not be empty when type is Exempt")
            }
        case "Limited":
            if spec.present("exempt") != nil { errors.forbidden("spec.exempt", "must be nil if the type is Limited") }
            if let limited = spec.present("limited") {
                validateLimited(limited, "spec.limited", &errors)
            } else {
                errors.required("spec.limited", "must not be empty when type is Limited")
            }
        default: errors.notSupported("spec.type", .string(type), ["Exempt", "Limited"])
        }
    }

    private func validateShares(_ level: JSON, _ path: String, _ errors: inout FieldErrors) {
        if let shares = level["nominalConcurrencyShares"]?.int, shares < 0 {
            errors.invalid("\(path).nominalConcurrencyShares", .int(shares), "must be a non-negative integer")
        }
    }

    private func validateLendable(_ level: JSON, _ path: String, _ errors: inout FieldErrors) {
        if let percent = level["lendablePercent"]?.int, !(0...100).contains(percent) {
            errors.invalid("\(path).lendablePercent", .int(percent), "must be between 0 and 100, inclusive")
        }
    }

    private func validateLimited(_ limited: JSON, _ path: String, _ errors: inout FieldErrors) {
        validateShares(limited, path, &errors)
        let response = limited["limitResponse"] ?? [:]
        let responsePath = "\(path).limitResponse"
        let queuing = response.present("queuing")
        switch response.text("type") {
        case "Reject":
            if queuing != nil {
                errors.forbidden(
                    "\(responsePath).queuing", "must be nil if limited.limitResponse.type is not Limited")
            }
        case "Queue":
            if let queuing {
                validateQueuing(queuing, "\(responsePath).queuing", &errors)
            } else {
                errors.required(
                    "\(responsePath).queuing", "must not be empty if limited.limitResponse.type is Limited")
            }
        default: errors.notSupported("\(responsePath).type", .string(response.text("type")), ["Queue", "Reject"])
        }
        validateLendable(limited, path, &errors)
        if let percent = limited["borrowingLimitPercent"]?.int, percent < 0 {
            errors.invalid(
                "\(path).borrowingLimitPercent", .int(percent), "if specified, must be a non-negative integer")
        }
    }

    private func validateQueuing(_ queuing: JSON, _ path: String, _ errors: inout FieldErrors) {
        let queues = queuing["queues"]?.int ?? 0
        for key in ["queueLengthLimit", "queues"] {
            let value = queuing[key]?.int ?? 0
            if value <= 0 { errors.invalid("\(path).\(key)", .int(value), "must be positive") }
        }
        if queues > 10_000_000 { errors.invalid("\(path).queues", .int(queues), "must not be greater than 10000000") }
        let handSize = queuing["handSize"]?.int ?? 0
        if handSize <= 0 {
            errors.invalid("\(path).handSize", .int(handSize), "handSize is not positive")
        } else if handSize > queues {
            errors.invalid("\(path).handSize", .int(handSize), "handSize is greater than deckSize")
        } else if Self.entropyBits(queues, handSize) > Self.hashBits {
            errors.invalid(
                "\(path).handSize", .int(handSize),
                "required entropy bits of deckSize \(queues) and handSize \(handSize) should not be greater than \(Self.hashBits)"
            )
        }
    }

    /// Bits of the hash from which a flow's queues are dealt.
    private static let hashBits = 60

    /// How many bits it takes to tell all hands apart.
    private static func entropyBits(_ queues: Int64, _ handSize: Int64) -> Int {
        var bits = 0.0
        for dealt in 0..<handSize {
            bits += log2(Double(queues - dealt))
            if bits > Double(hashBits) { break }
        }
        return Int(bits.rounded(.up))
    }
}
