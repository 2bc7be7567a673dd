import KubeObject
import Testing

@testable import KubeRuntime

struct NodeReservationTests {
    private let capacity: JSON = [
        "cpu": "2", "memory": "4194304Ki", "ephemeral-storage": "61255492Ki", "hugepages-2Mi": "0", "pods": "110",
    ]

    /// The disk's number is what kubelet says of a disk of this size.
    @Test func withoutOptionsThereIsWhatKubeletLeaves() {
        let left = NodeReservation().allocatable(of: capacity, thresholds: EvictionThreshold.standard)
        #expect(
            left == [
                "cpu": "2", "memory": "3996Mi", "ephemeral-storage": "56453061334", "hugepages-2Mi": "0", "pods": "110",
            ])
        #expect(NodeReservation().allocatable(of: capacity, thresholds: []) == capacity)
    }

    @Test func bothReservationsAndHardThresholdsAreTakenOff() throws {
        let reservation = try NodeReservation(
            kube: "cpu=200m,memory=500Mi,ephemeral-storage=1Gi,pid=1000", system: "cpu=300m, memory=524Mi")
        let thresholds = try EvictionThreshold.parse("memory.available<1Gi,imagefs.available<50%")
        let left = reservation.allocatable(of: capacity, thresholds: thresholds)
        #expect(left["cpu"] == "1500m")
        #expect(left["memory"] == "2Gi")
        #expect(left["ephemeral-storage"] == "60206916Ki")
        #expect(reservation.processors(of: 2) == Quantity(milliValue: 1500))
        #expect(reservation.leaves(.memory, of: 4 << 30, thresholds: thresholds) == 2 << 30)
    }

    @Test func softThresholdsLeaveEverything() throws {
        let soft = EvictionThreshold(.memory, .amount(1 << 30), grace: 60)
        #expect(NodeReservation().allocatable(of: capacity, thresholds: [soft]) == capacity)
    }

    @Test func thereIsNeverLessThanNothing() throws {
        let thresholds = try EvictionThreshold.parse("memory.available<8Gi")
        #expect(NodeReservation().allocatable(of: capacity, thresholds: thresholds)["memory"] == "0")
    }

    @Test(arguments: [
        ("gpu=1", #"--kube-reserved gpu=1: cannot reserve "gpu" resource"#),
        ("cpu", "--kube-reserved cpu: cpu isn't RESOURCE=QUANTITY"),
        ("cpu=-1", #"--kube-reserved cpu=-1: resource quantity for "cpu" cannot be negative: -1"#),
        ("cpu=1,cpu=2", "--kube-reserved cpu=1,cpu=2: cpu is given twice"),
        ("memory=much", #"--kube-reserved memory=much: failed to parse quantity "much" for "memory" resource:"#),
    ])
    func whatIsWrongIsSaid(_ text: String, _ why: String) throws {
        let error = #expect(throws: ObjectError.self) { try NodeReservation(kube: text, system: "") }
        let told = error.map { "\($0)" } ?? ""
        #expect(told.hasPrefix(why), "\(told)")
    }

    @Test func moreThanThereIsCantBeReserved() throws {
        var facts = NodeFacts.read(dataDirectory: "/")
        facts.cpus = 2
        try NodeReservation(kube: "cpu=1", system: "cpu=1").check(facts)
        let error = #expect(throws: ObjectError.self) { try NodeReservation(kube: "cpu=1", system: "cpu=1500m").check(facts) }
        #expect(
            error.map { "\($0)" }
                == #"invalid Node Allocatable configuration. Resource "cpu" has a reservation of 2500m but capacity of 2. Expected capacity >= reservation"#
        )
    }
}
