import KubeObject
import Testing

@testable import sampan

struct ContestPlanTests {
    @Test(arguments: [
        (1.0, [130, 990, 175, 980]), (0.1, [13, 99, 18, 98]), (0.001, [1, 1, 1, 1]), (2.0, [260, 1980, 350, 1960]),
    ])
    func isTheEventTimesAFactor(_ scale: Double, _ expected: [Int]) {
        let plan = ContestPlan(scale: scale)
        #expect([plan.teams, plan.clusters, plan.awake, plan.services] == expected)
    }

    @Test(arguments: [1.0, 0.1, 0.02, 0.001]) func clustersThatFollowEachOtherHaveAllServicesTogether(_ scale: Double) {
        let plan = ContestPlan(scale: scale)
        for first in [0, 1, plan.awake / 2, plan.awake * 3 + 1] {
            let counts = (first..<first + plan.awake).map(plan.services(ofCluster:))
            #expect(counts.reduce(0, +) == plan.services)
            #expect(counts.min() ?? 0 >= 1)
        }
    }

    @Test func teamsHaveRoomForAllOfThem() {
        let plan = ContestPlan(scale: 1, asleep: 9825)
        #expect(plan.clustersPerTeam * plan.teams >= plan.clusters + plan.asleep)
    }

    @Test func requestsComeInTheirProportion() {
        let sequence = ContestRequest.sequence
        #expect(sequence.count == 1000)
        for kind in ContestRequest.allCases {
            #expect(sequence.count { $0 == kind } == kind.perMille)
            // Evenly: a tenth of the time has a tenth of them, or the one before or after.
            let tenth = sequence[..<100].count { $0 == kind }
            #expect(abs(Double(tenth) - Double(kind.perMille) / 10) <= 1)
        }
    }
}

struct ContestLedgerTests {
    @Test func keepsWhatWasRefusedApartFromWhatFailed() {
        let ledger = ContestLedger()
        for milliseconds in 1...100 { ledger.note("get", Double(milliseconds)) }
        ledger.reject("foreign", 3)
        for number in 0..<50 { ledger.fail("get", "failure \(number)") }
        #expect((ledger.answers, ledger.rejections, ledger.failures) == (101, 1, 50))
        let trees = ledger.trees(of: ["get", "foreign", "never"])
        #expect(trees[0]["count"] == 100 && trees[0]["p99"] == 99.0 && trees[0]["failed"] == 50)
        #expect(trees[1]["rejected"] == 1)
        // However much fails, only the first of it is told.
        #expect(trees.dropFirst(2).count == 20)
        #expect(trees[2]["message"] == "failure 0")
    }
}

struct ContestRemainsTests {
    @Test func findsTheElementsOfATable() {
        let text = """
            table inet sampan_x {
            	set interfaces {
            		type ifname
            		elements = { "veth1",
            			     "veth2" }
            	}

            	map pods {
            		type ifname . ipv4_addr : mark
            		elements = { "veth1" . 10.244.0.2 : 0x00000002 }
            	}

            	set visited {
            		type ipv4_addr
            		elements = { 10.244.0.2 timeout 1d expires 23h59m }
            	}

            	set members {
            		type mark . ipv4_addr
            	}

            	chain a {
            		ip saddr { 10.0.0.0/8, 192.168.0.0/16 } drop
            	}
            }
            """
        #expect(
            ContestRemains.elements(in: text) == [
                "interfaces: \"veth1\"", "interfaces: \"veth2\"", "pods: \"veth1\" . 10.244.0.2 : 0x00000002",
            ])
    }
}
