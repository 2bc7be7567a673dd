import KubeObject

/// What a cluster's pods use beside processor and memory.
public struct PodStatistics: Sendable {
    /// Bytes and inodes of a file system, or of a part of it.
    public struct Disk: Sendable, Equatable {
        public var bytes: Int64
        public var inodes: Int64

        public init(bytes: Int64, inodes: Int64) {
            self.bytes = bytes
            self.inodes = inodes
        }
    }

    public struct FileSystem: Sendable, Equatable {
        public var capacity: Disk
        public var available: Disk

        public init(capacity: Disk, available: Disk) {
            self.capacity = capacity
            self.available = available
        }
    }

    public struct Container: Sendable {
        /// What it has written into its root, if it has one now; and its logs.
        public var root: Disk?
        public var logs: Disk

        public init(root: Disk?, logs: Disk) {
            self.root = root
            self.logs = logs
        }
    }

    public struct Volume: Sendable {
        public var name: String
        /// The claim that it stands for, if it does.
        public var claim: String?
        public var used: Disk
        public var fileSystem: FileSystem

        public init(name: String, claim: String?, used: Disk, fileSystem: FileSystem) {
            self.name = name
            self.claim = claim
            self.used = used
            self.fileSystem = fileSystem
        }
    }

    /// Since it was made.
    public struct Interface: Sendable {
        public var name: String
        public var receivedBytes: Int64
        public var receiveErrors: Int64
        public var sentBytes: Int64
        public var sendErrors: Int64

        public init(name: String, receivedBytes: Int64, receiveErrors: Int64, sentBytes: Int64, sendErrors: Int64) {
            self.name = name
            self.receivedBytes = receivedBytes
            self.receiveErrors = receiveErrors
            self.sentBytes = sentBytes
            self.sendErrors = sendErrors
        }
    }

    public struct Pod: Sendable {
        /// By name.
        public var containers: [String: Container]
        public var volumes: [Volume]
        /// All that goes with the pod.
        public var ephemeral: Disk
        public var interfaces: [Interface]
        public var processes: Int64?

        public init(
            containers: [String: Container], volumes: [Volume], ephemeral: Disk, interfaces: [Interface], processes: Int64?
        ) {
            self.containers = containers
            self.volumes = volumes
            self.ephemeral = ephemeral
            self.interfaces = interfaces
            self.processes = processes
        }
    }

    /// Seconds since 1970.
    public var time: Double
    /// By uid.
    public var pods: [String: Pod]
    /// The machine's, on which images, layers, logs and volumes are.
    public var fileSystem: FileSystem
    /// Of the images that the cluster's pods have.
    public var imageBytes: Int64
    /// How many processes the machine may have.
    public var mostProcesses: Int64

    public init(time: Double, pods: [String: Pod], fileSystem: FileSystem, imageBytes: Int64, mostProcesses: Int64) {
        self.imageBytes = imageBytes
        self.time = time
        self.pods = pods
        self.fileSystem = fileSystem
        self.mostProcesses = mostProcesses
    }
}
