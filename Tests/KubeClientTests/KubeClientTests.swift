@testable import KubeClient
import Testing
