"""The stub says what the module has, and a type checker understands it."""

import pathlib
import subprocess
import sys
import unittest

import lockgate
from shared import Case

HERE = pathlib.Path(__file__).parent
STUB = pathlib.Path(lockgate.__file__).with_name("lockgate.pyi")
SETTINGS = "[mypy]\nignore_missing_imports = true\nstrict = true\nmypy_path = {path}\ncache_dir = {cache}\n"


class Types(Case):
    def run_module(self, *words):
        settings = self.file("mypy.ini", SETTINGS.format(path=STUB.parent, cache=self.folder / "cache").encode())
        words = [word if word != "SETTINGS" else str(settings) for word in words]
        return subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=self.folder)

    def test_the_stub_has_every_name_with_its_arguments(self):
        checked = self.run_module("mypy.stubtest", "--mypy-config-file", "SETTINGS", "lockgate")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        for name in lockgate.__all__:
            self.assertIn(f'"{name}"', STUB.read_text())

    def test_programs_are_checked_by_the_stub(self):
        checked = self.run_module("mypy", "--config-file", "SETTINGS", str(HERE / "typed.py"), str(HERE / "example.py"))
        lines = (HERE / "typed.py").read_text().splitlines()
        wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
        errors = [line.split(":") for line in checked.stdout.splitlines() if ": error: " in line]
        self.assertEqual({int(number) for path, number, *_ in errors if path.endswith("typed.py")}, wrong, checked.stdout + checked.stderr)
        self.assertTrue(all(path.endswith("typed.py") for path, *_ in errors), checked.stdout)


if __name__ == "__main__":
    unittest.main()
