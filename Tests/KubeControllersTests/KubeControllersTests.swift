@testable import KubeControllers
import Testing
