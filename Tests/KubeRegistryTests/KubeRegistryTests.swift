@testable import KubeRegistry
import Testing
