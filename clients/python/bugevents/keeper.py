"""Where a position is kept over the end of the process: a file, or a function of the application."""
import inspect
import json
import os
from typing import Any, Callable, Optional, Union

from .event import Position

#: The name of a file; or a function that is called with a position when it is to be kept, and may be async.
Keep = Union[str, "os.PathLike[str]", Callable[[Position], Any]]


class Keeper:
    """Keeps each position once."""

    def __init__(self, keep: Optional[Keep]) -> None:
        self._keep = keep
        self._kept: Optional[Position] = None

    def load(self) -> Optional[Position]:
        """What the file has; None without a file.  ValueError: it has something else."""
        if self._keep is None or callable(self._keep) or not os.path.exists(self._keep):
            return None
        try:
            with open(self._keep, encoding="utf-8") as file:
                kept = json.load(file)
            self._kept = Position(str(kept["stream"]), int(kept["seq"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{os.fspath(self._keep)} has no position: {error}") from error
        return self._kept

    async def save(self, position: Optional[Position]) -> None:
        """As a file it is always the old or the new one."""
        if self._keep is None or position is None or position == self._kept:
            return
        if callable(self._keep):
            done = self._keep(position)
            if inspect.isawaitable(done):
                await done
        else:
            new = f"{os.fspath(self._keep)}.new"
            with open(new, "w", encoding="utf-8") as file:
                json.dump(position._asdict(), file)
            os.replace(new, self._keep)
        self._kept = position
