@testable import KubeNetwork
import Testing
