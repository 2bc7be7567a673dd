import KubeObject

/// How many of a job's pods have ended, and how.
struct JobCounts {
    private var settledSucceeded = 0
    private var settledFailed = 0
    /// The uids of pods that have ended but whose finalizer may not be gone yet.
    private var uncountedSucceeded: [String] = []
    private var uncountedFailed: [String] = []
    private(set) var completedIndexes = IndexSet()
    private(set) var failedIndexes = IndexSet()
    private var isIndexed = false
    /// Pods of this round that wait for their finalizer to go, of an indexed job.
    private var pendingIndexed = false

    init() {}

    init(_ job: JobView) {
        let limit = job.completions ?? 0
        isIndexed = job.isIndexed
        settledSucceeded = Int(clamping: job.status["succeeded"]?.int ?? 0)
        settledFailed = Int(clamping: job.status["failed"]?.int ?? 0)
        uncountedSucceeded = job.status[path: "uncountedTerminatedPods", "succeeded"]?.strings ?? []
        uncountedFailed = job.status[path: "uncountedTerminatedPods", "failed"]?.strings ?? []
        completedIndexes = IndexSet(job.status["completedIndexes"]?.string ?? "", limit: limit)
        failedIndexes = IndexSet(job.status["failedIndexes"]?.string ?? "", limit: limit)
    }

    var totalSucceeded: Int { isIndexed ? completedIndexes.count : settledSucceeded + uncountedSucceeded.count }
    var totalFailed: Int { settledFailed + uncountedFailed.count }
    /// Whether every end that was seen is a number by now.
    var isSettled: Bool { uncountedSucceeded.isEmpty && uncountedFailed.isEmpty && !pendingIndexed }

    /// Turns uids into numbers.
    mutating func settle(_ isReleased: (String) -> Bool) {
        settledSucceeded += uncountedSucceeded.count(where: isReleased)
        uncountedSucceeded.removeAll(where: isReleased)
        settledFailed += uncountedFailed.count(where: isReleased)
        uncountedFailed.removeAll(where: isReleased)
    }

    mutating func succeeded(_ pod: JobPod, in job: JobView) {
        if job.isIndexed {
            if let index = pod.index, index < job.completions ?? 0 { completedIndexes.insert(index) }
            pendingIndexed = true
        } else if !uncountedSucceeded.contains(pod.uid) {
            uncountedSucceeded.append(pod.uid)
        }
    }

    mutating func failed(_ pod: JobPod) { if !uncountedFailed.contains(pod.uid) { uncountedFailed.append(pod.uid) } }

    mutating func failIndex(_ pod: JobPod, in job: JobView) {
        guard job.backoffLimitPerIndex != nil, let index = pod.index, index < job.completions ?? 0 else { return }
        if !completedIndexes.contains(index) { failedIndexes.insert(index) }
    }

    func isSuccessful(_ job: JobView) -> Bool {
        guard let completions = job.completions else { return false }
        return totalSucceeded >= completions
    }

    /// The first success rule that is fulfilled.
    func matchedSuccessRule(_ job: JobView) -> Int? {
        job.successRules.firstIndex { rule in
            let wanted = rule["succeededIndexes"]?.string.map { IndexSet($0, limit: job.completions ?? 0) }
            let done = wanted.map { set in
                set.ranges.reduce(0) { $0 + $1.count(where: completedIndexes.contains) }
            }
            if let count = rule["succeededCount"]?.int { return Int64(done ?? completedIndexes.count) >= count }
            return wanted.map { done == $0.count } ?? false
        }
    }

    func write(to status: inout JSON, _ job: JobView) {
        status.setCount("succeeded", isIndexed ? completedIndexes.count : settledSucceeded)
        status.setCount("failed", settledFailed)
        if isIndexed {
            status["completedIndexes"] = completedIndexes.isEmpty ? nil : .string(completedIndexes.description)
            if job.backoffLimitPerIndex != nil { status["failedIndexes"] = .string(failedIndexes.description) }
        }
        var uncounted: JSON = [:]
        if !uncountedSucceeded.isEmpty { uncounted["succeeded"] = JSON(uncountedSucceeded) }
        if !uncountedFailed.isEmpty { uncounted["failed"] = JSON(uncountedFailed) }
        status["uncountedTerminatedPods"] = uncounted
    }
}
