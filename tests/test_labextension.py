"""The prebuilt extension: what is shipped is what the sources give, under names that no cache confuses."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = ROOT / "reviewkit" / "labextension"
FRONTEND = ROOT / "reviewkit" / "frontend"


def load_builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_labextension", ROOT / "scripts" / "build_labextension.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


builder = load_builder()


def test_what_is_shipped_is_what_the_sources_give() -> None:
    assert builder.problems(builder.built(), EXTENSION) == []


def test_a_changed_a_missing_and_a_left_over_file_are_found(tmp_path: Path) -> None:
    files = builder.built()
    builder.write(files, tmp_path)
    assert builder.problems(files, tmp_path) == []
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "install.json").unlink()
    (tmp_path / "static" / "core.old.js").write_text("")
    assert builder.problems(files, tmp_path) == ["static/core.old.js: left over", "package.json: out of date", "install.json: missing"]
    builder.write(files, tmp_path)
    assert builder.problems(files, tmp_path) == []


def test_names_carry_the_hash_of_the_content_and_package_json_names_the_entry() -> None:
    scripts = sorted((EXTENSION / "static").iterdir())
    assert [path.name.split(".")[0] for path in scripts] == ["core", "remoteEntry"]
    for path in scripts:
        assert path.name.split(".")[1] == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    package = json.loads((EXTENSION / "package.json").read_text())
    assert package["jupyterlab"]["_build"]["load"] == f"static/{scripts[1].name}"
    assert scripts[0].name in scripts[1].read_text()


def test_the_version_is_that_of_the_python_package() -> None:
    from reviewkit import __version__

    assert json.loads((EXTENSION / "package.json").read_text())["version"] == __version__


def test_jupyter_lists_the_extension_as_enabled(tmp_path: Path) -> None:
    (tmp_path / "labextensions").mkdir()
    (tmp_path / "labextensions" / "reviewkit").symlink_to(EXTENSION)
    environment = {**os.environ, "JUPYTER_PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-m", "jupyter", "labextension", "list"], env=environment, capture_output=True, text=True, check=True)
    assert re.search(r"reviewkit v[\d.]+ .*enabled.* .*OK.* \(python, reviewkit\)", done.stdout + done.stderr)


def test_the_settings_schema_is_valid_and_its_shortcuts_name_commands() -> None:
    schema = json.loads((EXTENSION / "schemas" / "reviewkit" / "plugin.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    commands = set(re.findall(r"'(reviewkit:[a-z-]+)', hub\.t\(", (FRONTEND / "shell" / "application.js").read_text()))
    assert {shortcut["command"] for shortcut in schema["jupyter.lab.shortcuts"]} < commands


def test_settings_that_we_override_exist_in_jupyterlab() -> None:
    """A setting that was renamed would bring the news prompt back over the forms."""
    overrides = json.loads((ROOT / "reviewkit" / "data" / "overrides.json").read_text())
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    for plugin, values in overrides.items():
        package, name = plugin.rsplit(":", 1)
        properties = json.loads((schemas / package / f"{name}.json").read_text())["properties"]
        assert values.keys() <= properties.keys()
        for key, value in values.items():
            jsonschema.validate(value, properties[key])


def test_the_server_extension_is_switched_on_by_the_installed_configuration() -> None:
    config = json.loads((ROOT / "reviewkit" / "data" / "server_config.json").read_text())
    assert config == {"ServerApp": {"jpserver_extensions": {"reviewkit": True}}}
    from reviewkit import _jupyter_server_extension_points

    assert [point["module"] for point in _jupyter_server_extension_points()] == ["reviewkit.server"]


def test_sources_never_turn_text_into_markup_or_code() -> None:
    """Names, remarks and bundles are a stranger's; only text nodes are made of them."""
    banned = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\(['\"]")
    files = [*FRONTEND.rglob("*.js")]
    assert len(files) > 10
    assert [path.name for path in files if banned.search(path.read_text())] == []


def test_styles_use_theme_variables_only() -> None:
    """A colour of our own stands only as the fallback of a theme's variable."""
    css = (FRONTEND / "core" / "core.css").read_text()
    bare = [
        line.strip()
        for line in css.splitlines()
        if re.search(r"#[0-9a-f]{3,8}\b", re.sub(r"var\(--jp-[^()]*\)", "", line)) and "color: #fff" not in line
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"a.js": "import { b } from './b.js';\nconst x = 1;\n", "b.js": "export const b = 1;\nconst x = 2;\n"}, "the name x"),
        ({"a.js": "import { b } from './c.js';\n"}, "no such file"),
        ({"a.js": "import * as b from './b.js';\n", "b.js": ""}, "cannot join"),
        ({"a.js": "export default 1;\n"}, "cannot join"),
    ],
)
def test_what_joining_cannot_handle_is_an_error(tmp_path: Path, sources: dict[str, str], said: str) -> None:
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(builder.BundleError, match=said):
        builder.bundle(tmp_path / "a.js")


def test_modules_are_joined_in_order_of_need_and_once(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("import { b } from './b.js';\nimport { c } from './c.js';\nuse(b, c);\n")
    (tmp_path / "b.js").write_text("import { c } from './c.js';\nexport const b = c + 1;\n")
    (tmp_path / "c.js").write_text("import CSS from './c.css';\nexport const c = CSS.length;\n")
    (tmp_path / "c.css").write_text("/* note */\na { color: red; }\n")
    joined = builder.bundle(tmp_path / "a.js")
    assert joined.split("\n\n") == ['const CSS = "a { color: red; }";\nconst c = CSS.length;\n'.strip(), "const b = c + 1;", "use(b, c);\n"]
