import KubeRegistry
import Testing

@Suite struct MachineNodesTests {
    @Test(arguments: [
        ("box", 1), ("box-2", 2), ("box-10", 10), ("box-1", nil), ("box-11", nil), ("box-02", nil), ("box-+2", nil),
        ("box-", nil), ("other", nil),
        ("boxes-2", nil),
    ])
    func aNodesNumberIsInItsName(name: String, number: Int64?) {
        let nodes = MachineNodes(first: "box")
        #expect(nodes.number(of: name) == number)
        #expect(nodes.contains(name) == (number != nil))
        if let number { #expect(nodes.name(number) == name) }
    }
}
