"""`project.story` finds the seven steps of README.md in the source tree, by docstrings such as "Step 4. The …"."""

from pathlib import Path

from project.story import steps


def test_each_of_the_seven_steps_is_documented_once_and_in_order() -> None:
    assert [number for number, _, _ in sorted(steps())] == [1, 2, 3, 4, 5, 6, 7]


def test_a_step_documented_twice_is_listed_twice(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / "tokens").mkdir(exist_ok=True)
        (tmp_path / "tokens" / f"{name}.py").write_text('"""Step 4. The issuer signs."""\n')
    assert [number for number, _, _ in steps(tmp_path)] == [4, 4]
