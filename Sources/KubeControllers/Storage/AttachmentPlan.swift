import Crypto
import KubeObject

/// Which volumes should be attached to a node, which are, and what is to be done about the difference.
struct AttachmentPlan {
    /// A persistent volume of a driver that attaches its volumes to nodes.
    struct Volume: Hashable {
        var name: String
        var driver: String
        var handle: String

        /// Nil for a volume that no driver attaches. A driver that says nothing of itself does.
        init?(_ volume: Object, driver: (String) -> Object?) {
            guard let source = volume.tree[path: "spec", "csi"], let name = source["driver"]?.string,
                driver(name)?.tree[path: "spec", "attachRequired"]?.bool ?? true
            else { return nil }
            self.name = volume.metadata.name
            self.driver = name
            handle = source["volumeHandle"]?.string ?? ""
        }

        /// The name of the VolumeAttachment, by which drivers find it: upstream's.
        func attachment(to node: String) -> String {
            let digest = SHA256.hash(data: Array("\(handle)\(driver)\(node)".utf8))
            return "csi-" + digest.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
        }

        /// As in a node's status.
        var uniqueName: String { "kubernetes.io/csi/\(driver)^\(handle)" }
    }

    /// What is to be said about a volume to the pods that use it.
    enum News: Equatable {
        case attached
        case failed(String)
    }

    private(set) var creations: [JSON] = []
    private(set) var deletions: [Object] = []
    /// The node's `status.volumesAttached`.
    private(set) var attached: [JSON] = []
    private(set) var news: [(volume: Volume, news: News)] = []

    /// - Parameters:
    ///   - wanted: what the node's pods use.
    ///   - known: volumes by their names, for attachments that nobody wants.
    ///   - before: what the node's status says is attached.
    init(node: String, wanted: Set<Volume>, attachments: [Object], known: (String) -> Volume?, before: [JSON]) {
        let byName = Dictionary(attachments.map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
        let told = Set(before.compactMap { $0["name"]?.string })
        for volume in wanted.sorted(by: { $0.name < $1.name }) {
            let name = volume.attachment(to: node)
            guard let attachment = byName[name] else {
                creations.append(Self.attachment(name, volume, node))
                continue
            }
            // One that is on its way out is made anew when it is gone.
            guard attachment.metadata.deletionTimestamp == nil else { continue }
            let status = attachment.tree["status"]
            if status?["attached"]?.bool == true {
                attached.append(["name": .string(volume.uniqueName), "devicePath": .string(name)])
                if !told.contains(volume.uniqueName) { news.append((volume, .attached)) }
            } else if let message = status?[path: "attachError", "message"]?.string {
                news.append((volume, .failed(message)))
            }
        }
        let names = Set(wanted.map { $0.attachment(to: node) })
        for attachment in attachments where !names.contains(attachment.metadata.name) {
            // Only what was made here: others have their own.
            guard let source = attachment.tree[path: "spec", "source", "persistentVolumeName"]?.string,
                let volume = known(source),
                volume.attachment(to: node) == attachment.metadata.name
            else { continue }
            if attachment.metadata.deletionTimestamp == nil { deletions.append(attachment) }
            if attachment.tree[path: "status", "attached"]?.bool == true {
                attached.append(["name": .string(volume.uniqueName), "devicePath": .string(attachment.metadata.name)])
            }
        }
    }

    private static func attachment(_ name: String, _ volume: Volume, _ node: String) -> JSON {
        [
            "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": ["name": .string(name)],
            "spec": [
                "attacher": .string(volume.driver), "nodeName": .string(node),
                "source": ["persistentVolumeName": .string(volume.name)],
            ],
        ]
    }
}
