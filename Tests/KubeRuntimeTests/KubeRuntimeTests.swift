@testable import KubeRuntime
import Testing
