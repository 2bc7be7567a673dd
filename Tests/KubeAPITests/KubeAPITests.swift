@testable import KubeAPI
import Testing
