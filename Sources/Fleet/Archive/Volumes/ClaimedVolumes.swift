import KubeObject
import KubeStore

/// Which volumes of a cluster go along with it: those of the machine's own driver that are bound to a claim, which says how large they may be, and for
/// which its team has room. Pure.
struct ClaimedVolumes {
    /// In the order of their handles.
    private(set) var volumes: [ClaimedVolume] = []
    /// How many claims there are.
    private(set) var claims = 0

    static let driver = "local-path.sampan.dev"

    init(_ objects: some Sequence<(key: Key, object: Object)>) {
        var claimed: [String: (bound: Int64, title: String)] = [:]
        var persistent: [JSON] = []
        for (key, object) in objects {
            switch key.resourcePrefix {
            case "core/persistentvolumeclaims/":
                claims += 1
                let tree = object.passingTree
                guard let name = tree[path: "spec", "volumeName"]?.string, tree[path: "status", "phase"] == "Bound" else {
                    continue
                }
                claimed["\(object.metadata.uid) \(name)"] = (
                    MachineCharge.claim(tree)[.storage], "the volume of claim \(key.namespace)/\(key.name)"
                )
            case "core/persistentvolumes/": persistent.append(object.passingTree)
            default: break
            }
        }
        var found: [String: ClaimedVolume] = [:]
        for volume in persistent {
            let name = volume[path: "metadata", "name"]?.string ?? ""
            let owner = volume[path: "spec", "claimRef", "uid"]?.string ?? ""
            guard let claim = claimed["\(owner) \(name)"], volume[path: "spec", "csi", "driver"]?.string == Self.driver,
                let handle = volume[path: "spec", "csi", "volumeHandle"]?.string, found[handle] == nil
            else { continue }
            found[handle] = ClaimedVolume(handle: handle, bound: claim.bound, title: claim.title)
        }
        volumes = found.values.sorted { $0.handle < $1.handle }
    }
}
