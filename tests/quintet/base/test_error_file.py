"""An error that another process reads keeps its fields, and so its message."""

from quintet.base import error_file
from quintet.base.errors import Code, UserError


def test_an_error_keeps_its_fields_from_process_to_process(tmp_path, monkeypatch):
    monkeypatch.setenv(error_file.VARIABLE, str(tmp_path / "error.json"))
    error = UserError(
        "is unknown", code=Code.UNKNOWN_NAME, key="data", value="dgits", allowed=["digits"]
    )
    error_file.report(error)
    found = error_file.read(tmp_path / "error.json")
    assert found is not None
    assert (found.code, found.key, found.value) == (error.code, error.key, error.value)
    assert str(found) == str(error)


def test_no_file_is_not_an_error(tmp_path):
    assert error_file.read(tmp_path / "error.json") is None
