@testable import KubeSchema
import Testing
