"""The instance with containers that most tests share, since starting one for each would cost minutes."""

import os
import subprocess

from . import settings
from .instance import Instance

before = None
_instance = None
_others = []


def instance():
    """Up, with the sample images loaded."""
    global _instance
    if _instance is None:
        _instance = new("main")
        _instance.sampan("image", "load", *images())
    return _instance


def new(label, **options):
    """Another instance, taken down at the end of the run at the latest."""
    made = Instance(label, start=False, **options)
    _others.append(made)
    made.up()
    return made


def images():
    """The sample images' archives, built when they are older than what they are built from."""
    folder = os.path.join(settings.cache, "images")
    paths = [os.path.join(folder, f"web-{version}.tar") for version in (1, 2)]
    sources = [os.path.join(settings.repository, path) for path in
               ("scripts/build-image", "scripts/build-sample-image", "samples/web/web")]
    newest = max(os.path.getmtime(path) for path in sources)
    if not all(os.path.exists(path) and os.path.getmtime(path) >= newest for path in paths):
        subprocess.run([sources[1], folder], check=True)
    return paths


def stop_all():
    global _instance
    _instance = None
    while _others:
        _others.pop().stop()


def forget(made):
    """`made` was taken down by a test."""
    global _instance
    _others.remove(made)
    if made is _instance:
        _instance = None


def show_logs():
    for made in _others:
        print(f"--- the end of the log of {made.name} ({made.directory})")
        print(made.log(), flush=True)
