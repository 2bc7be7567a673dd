@testable import KubeStore
import Testing
