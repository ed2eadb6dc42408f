"""What a golden file was made with: printed, and kept in a VERSIONS file beside the data."""

import importlib.metadata
import os
import platform


def write_versions(folder, packages):
    lines = [f"python {platform.python_version()}"]
    lines += [f"{package} {importlib.metadata.version(package)}" for package in packages]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    with open(os.path.join(folder, "VERSIONS"), "w", encoding="utf-8") as file:
        file.write(text)
