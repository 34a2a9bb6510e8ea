"""How `--dist loadgroup` shares the tests between processes: the groups of tests/marks.py first, then file by file.

xdist's own scheduler makes each test without a group a unit of work. It counts all units of a process whenever a test
ends, which takes 15 s of CPU for 18,000 tests. Also, each process then sets up the fixtures of each module.
"""

from typing import Any

from xdist.scheduler import LoadGroupScheduling


class Scheduler(LoadGroupScheduling):
    """A scheduler of xdist. Its units of work are groups of tests, and test files.

    Files with many tests come first, so that the last units are short.
    """

    def _split_scope(self, nodeid: str) -> str:
        """Return the group of a test, or the path of its file if the test has no group."""
        group = super()._split_scope(nodeid)
        return group if group != nodeid else nodeid.partition("::")[0]

    def _assign_work_unit(self, node: Any) -> None:
        """Assign a group to the process `node` if any group is left, otherwise a file.

        A group takes minutes. If it were the last unit, one process would run it while the other one has no work.
        """
        if group := next((unit for unit in self.workqueue if not unit.endswith(".py")), None):
            self.workqueue.move_to_end(group, last=False)
        super()._assign_work_unit(node)
