"""Tests of the platform, whose teams and clusters need no containers."""

import os
import unittest

from . import shared
from .cluster import Cluster


class TeamsTest(unittest.TestCase):
    """Has an instance of its own, by the name of the class."""

    @classmethod
    def setUpClass(cls):
        cls.instance = shared.new(cls.__name__.lower(), containers=False)
        cls.root = cls.instance.root()
        cls.sampan = staticmethod(cls.instance.sampan)

    @classmethod
    def tearDownClass(cls):
        cls.instance.stop()
        shared.forget(cls.instance)

    def member(self, team, user):
        """A member, with a kubeconfig of the platform."""
        file = os.path.join(self.instance.directory, f"{team}-{user}.kubeconfig")
        self.sampan("team", "kubeconfig", team, user, "--output", file)
        return Cluster(user, file)

    def cluster(self, team, name, *arguments):
        """A new cluster of a team."""
        self.sampan("cluster", "create", name, "--team", team, *arguments)
        file = os.path.join(self.instance.directory, f"{team}-{name}.kubeconfig")
        self.sampan("cluster", "kubeconfig", name, "--team", team, "--long-lived", "--output", file)
        return Cluster(name, file)
