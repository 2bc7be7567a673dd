internal import GRPCCore
import KubeObject
internal import SwiftProtobuf
import Synchronization

/// What the containers on this machine use, measured when somebody asks and at most every ten seconds: while nobody does, it costs nothing.
///
/// Concurrency: any task may ask; one measures at a time, and the others get what it found.
public final class RuntimeMetrics: Sendable {
    /// A container's place.
    public struct Container: Sendable, Hashable {
        public var cluster: Int64
        public var namespace: String
        public var pod: String
        public var name: String
    }

    public struct Usage: Sendable, Equatable {
        /// In nanoseconds of a processor a second.
        public var nanocores: Int64
        /// In bytes.
        public var memory: Int64
        /// What the kernel has counted by now.
        public var reading: ContainerReading
        /// Seconds since 1970 when the container was made.
        public var startTime: Double
    }

    /// What was found at one time.
    public struct Measurement: Sendable {
        /// Seconds since 1970.
        public var time: Double
        /// For how many seconds before that processor time was counted.
        public var window: Double
        public var containers: [Container: Usage]
    }

    private struct Sample {
        var time: ContinuousClock.Instant
        var readings: [String: Entry]
    }

    private struct Entry {
        var container: Container
        var reading: ContainerReading
        var startTime: Double
    }

    private let engine: ContainerEngine
    private let gate = Gate(limit: 1)
    private let state = Mutex<(last: Sample?, measurement: Measurement?)>((nil, nil))

    /// How long a measurement is good for.
    private static let lifetime: Duration = .seconds(10)
    /// A rate over less would say little, one over more little about now.
    private static let windows: ClosedRange<Duration> = .seconds(1) ... .seconds(60)

    init(engine: ContainerEngine) { self.engine = engine }

    /// What containers use now, or did a few seconds ago. The first time takes a second.
    /// - Throws: when the engine doesn't answer.
    public func current() async throws -> Measurement {
        try await gate.pass {
            let clock = ContinuousClock()
            let (last, known) = state.withLock { ($0.last, $0.measurement) }
            if let last, let known, clock.now - last.time < Self.lifetime { return known }
            var before: Sample
            if let last, Self.windows.contains(clock.now - last.time) {
                before = last
            } else {
                before = try await sample()
                try await Task.sleep(for: Self.windows.lowerBound)
            }
            let now = try await sample()
            let measurement = Self.measurement(from: before, to: now)
            before = now
            state.withLock { $0 = (before, measurement) }
            return measurement
        }
    }

    private func sample() async throws -> Sample {
        var request = CRIListContainersRequest()
        request.filter.state.state = .containerRunning
        let answer = try await engine.client.runtime.listContainers(request, options: .within(.seconds(10)))
        var readings: [String: Entry] = [:]
        for container in answer.containers {
            let labels = container.labels
            guard let cluster = labels[PodLabels.cluster].flatMap({ Int64($0) }), let uid = labels[PodLabels.podUID],
                let reading = ContainerReading.read(engine.group(ofPod: uid, container: container.id))
            else { continue }
            let place = Container(
                cluster: cluster, namespace: labels[PodLabels.podNamespace] ?? "", pod: labels[PodLabels.podName] ?? "",
                name: labels[PodLabels.containerName] ?? "")
            readings[container.id] = Entry(
                container: place, reading: reading, startTime: Double(container.createdAt) / 1e9)
        }
        return Sample(time: .now, readings: readings)
    }

    private static func measurement(from before: Sample, to now: Sample) -> Measurement {
        let seconds = (now.time - before.time) / .seconds(1)
        var containers: [Container: Usage] = [:]
        for (id, entry) in now.readings {
            // One that has just begun has no rate yet.
            guard let old = before.readings[id] else { continue }
            let used =
                entry.reading.processorNanoseconds - min(entry.reading.processorNanoseconds, old.reading.processorNanoseconds)
            containers[entry.container] = Usage(
                nanocores: Int64(saturating: Double(used) / max(seconds, 0.001)),
                memory: Int64(clamping: entry.reading.workingSet), reading: entry.reading, startTime: entry.startTime)
        }
        return Measurement(time: Timestamp.seconds, window: seconds, containers: containers)
    }
}
