"""Resift as a user installs it: the wheel built from the source distribution, in an environment without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Installed:
    """The source distribution, the wheel, and the environment that the wheel is installed into."""

    sdist: Path
    wheel: Path
    site_packages: Path
    python: Path

    def run(self, arguments: list[str], folder: Path) -> str:
        """Run the environment's Python in `folder`, which comes first on its path, and return standard output."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RESIFT_"))}
        done = subprocess.run(
            [self.python, *arguments], cwd=folder, env=plain, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def install(folder: Path) -> Installed:
    """Build both distributions and install the wheel below `folder`; nothing is downloaded."""
    built = folder / "built"
    _call(["hatchling", "build", "--target", "sdist", "--directory", str(built)])
    [sdist] = built.glob("resift-*.tar.gz")
    offline = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    _call(["pip", "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(built), str(sdist)])
    [wheel] = built.glob("resift-*.whl")
    python = folder / "environment" / "bin" / "python"
    venv.create(folder / "environment", symlinks=True)
    _call(["pip", "--python", str(python), "install", *offline, str(wheel)])
    [site_packages] = (folder / "environment").glob("lib/python*/site-packages")
    # the folders that a .pth file names are searched, but their own .pth files, the editable checkout's, are not read
    dependencies = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (site_packages / "dependencies.pth").write_text("\n".join(dependencies), encoding="utf-8")
    return Installed(sdist, wheel, site_packages, python)


def _call(module: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *module], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
