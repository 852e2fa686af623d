"""Replays a recording: makes the recorded calls in new stores, answers host calls from the recording, and compares.

No host, network, database or clock takes part. The stores' outermost calls happen one at a time, in the order in which
they began. Every engine can replay the recordings of every other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

from attrs import astuple, evolve, frozen

from zenowasm.backends import protocol
from zenowasm.backends.protocol import Engine
from zenowasm.interp.errors import WasmError
from zenowasm.interp.execution import Configuration
from zenowasm.recordings.errors import RecordingError
from zenowasm.recordings.player import Counts, OnStore, Player, SavedPlayer
from zenowasm.recordings.recording import Recording


@frozen
class Replayed:
    """The extent of a replay: stores, calls of the host into guests, and calls of guests into the host."""

    stores: int
    calls: int
    host_calls: int
    complete: bool

    def __str__(self) -> str:
        calls, host_calls = _counted(self.calls, "call"), _counted(self.host_calls, "host call")
        text = f"replayed {calls} and {host_calls} in {_counted(self.stores, 'store')}"
        return text if self.complete else f"{text}; the recording is cut there"


def replay(recording: Recording, engine: Engine, on_store: OnStore | None = None) -> Replayed:
    """Replay a whole recording, or all of it up to where it is cut; see ``Replay``."""
    return Replay(recording, engine).run(on_store)


class Replay:
    """Replays of one recording on one engine, which compiles the modules once."""

    def __init__(self, recording: Recording, engine: Engine) -> None:
        self.recording = recording
        self.engine = engine
        self._compiled: dict[str, protocol.Module] = {}

    def run(self, on_store: OnStore | None = None) -> Replayed:
        """Replay from the beginning, in new stores.

        Raises ``DivergenceError`` at the first difference, ``RecordingError`` if the recording is damaged or its
        module cannot be compiled, and the exceptions of a store's probe.
        """
        return ReplayRun(self, on_store).to_end()

    def module(self, digest: str) -> protocol.Module:
        """Return a module of the recording, compiled."""
        found = self._compiled.get(digest)
        if found is None:
            binary = self.recording.modules.get(digest)
            if binary is None:
                raise RecordingError(f"{self.recording.path} has no module with the SHA-256 {digest}")
            try:
                found = self._compiled[digest] = self.engine.compile(binary)
            except WasmError as error:
                raise RecordingError(f"the module of {self.recording.path} cannot be compiled: {error}") from error
        return found


@frozen(eq=False)
class SavedRun:
    """A run at one moment: its stores, those that wait for their next outermost call, and the one that runs."""

    players: Mapping[int, SavedPlayer]
    waiting: Sequence[tuple[int, int]]
    running: int | None
    counts: Counts


class ReplayRun:
    """One run of a replay. With ``rewindable``, its stores stay open, and the engine's stores must be rewindable."""

    def __init__(self, replay: Replay, on_store: OnStore | None, *, rewindable: bool = False) -> None:
        """Do everything up to the first outermost call of each store."""
        self._replay = replay
        self._counts = Counts()
        self._waiting: list[tuple[int, int]] = []
        self._running: Player | None = None
        self._execution: Configuration | None = None
        self._players = {
            number: Player(replay, number, on_store, self._counts, rewindable=rewindable)
            for number in replay.recording.stores
        }
        for player in self._players.values():
            self._push(player)

    def to_end(self) -> Replayed:
        """Replay from here on; see ``Replay.run``."""
        if self._execution is not None and self._running is not None:
            execution, self._execution = self._execution, None
            self._running.resume(execution)
            self._push(self._running)
        while self._waiting:
            _, number = heappop(self._waiting)
            self._running = self._players[number]
            self._running.step()
            self._push(self._running)
        self._running = None
        counts = self._counts
        return Replayed(counts.stores, counts.calls, counts.host_calls, self._replay.recording.complete)

    def save(self, execution: Configuration, former: SavedRun | None) -> SavedRun:
        """Save the run in the middle of its outermost call, which is paused; equal pages are shared with ``former``."""
        running = self._running
        assert running is not None
        players = {
            number: player.save(
                execution if player is running else None, None if former is None else former.players[number]
            )
            for number, player in self._players.items()
        }
        return SavedRun(players, tuple(self._waiting), running.number, evolve(self._counts))

    def digest(self, execution: Configuration) -> str:
        """Return a hash of the state of the running store and of one of its executions."""
        assert self._running is not None
        return self._running.digest(execution)

    def restore(self, saved: SavedRun) -> None:
        """Return to a saved moment, from which ``to_end`` goes on."""
        self._waiting = list(saved.waiting)
        heapify(self._waiting)
        self._running = None if saved.running is None else self._players[saved.running]
        self._counts.stores, self._counts.calls, self._counts.host_calls = astuple(saved.counts)
        for number, player in self._players.items():
            execution = player.restore(saved.players[number])
            if player is self._running:
                self._execution = execution

    def _push(self, player: Player) -> None:
        order = player.next_order()
        if order is not None:
            heappush(self._waiting, (order, player.number))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
