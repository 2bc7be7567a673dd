import KubeRegistry
import KubeSchema

extension APIServer {
    /// Which sign of life of the machine's nodes is in what a request reads.
    func shownSign(_ call: Call, _ resource: ResourceType) -> NodeSigns.Sign? {
        self.nodeSigns?.sign(shownBy: resource, namespace: call.info.namespace, name: call.info.name)
    }

    /// Has the nodes give the sign that a request reads, if it reads any. A cluster that sleeps is one whose nodes are switched off, and they give none.
    func giveSigns(_ call: Call, _ resource: ResourceType) async {
        guard let nodeSigns, let sign = self.shownSign(call, resource), self.attendant?.isAsleep(call.cluster) != true else {
            return
        }
        await nodeSigns.give(sign, in: call.cluster, name: call.info.name)
    }
}
